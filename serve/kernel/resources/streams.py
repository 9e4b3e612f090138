"""A long answer from the database, sent while it is read.

The response has a transaction of its own, as the caller: it begins when the answer does and ends when the last row was
read, when the client goes away, or when the client takes nothing for too long. The connection goes back whole each
time, because no statement is ever broken off: the client is looked for between batches.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import aclosing
from typing import Any

from fastapi import Response
from starlette.types import Receive, Scope, Send

from serve.kernel.caller import Caller
from serve.kernel.db import Database
from serve.kernel.errors import TooManyRequests
from serve.kernel.resources.files.writers import Writer

BATCH = 500  # the loop decodes a batch in some 3 ms
IDLE_S = 30.0
PATIENCE_S = 10.0  # until then an answer without bytes may still become a refusal
LONGEST_S = 3600.0


class TooManyExports(TooManyRequests):
    code, message = "TOO_MANY_EXPORTS", "Other exports are running. Ask again in a little while."


class ClientTooSlow(Exception):
    """The client took nothing of its answer for too long; the connection is closed, so that it sees a broken answer."""


class Exports:
    """The exports of one process: at most half of the database's connections, so that short requests never wait."""

    def __init__(self, database: Database, *, most: int, idle_s: float = IDLE_S) -> None:
        self.database, self.most, self.idle_s = database, max(1, most), idle_s
        self.running = 0


class Streamed(Response):
    """The rows of ``sql`` as a file."""

    def __init__(
        self,
        exports: Exports,
        caller: Caller,
        request_id: str,
        sql: str,
        values: Sequence[Any],
        writer: Callable[[], Writer],
        *,
        media_type: str,
        headers: Mapping[str, str],
    ) -> None:
        self.status_code, self.background, self.media_type = 200, None, media_type
        self.init_headers(headers)
        self._exports, self._caller, self._request_id = exports, caller, request_id
        self._sql, self._values, self._new_writer = sql, values, writer
        self._is_begun = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Raises Problem as long as nothing was sent, so that the client gets a true status."""
        exports = self._exports
        if exports.running >= exports.most:
            raise TooManyExports(headers={"Retry-After": "5"})
        self._writer = self._new_writer()
        exports.running += 1
        gone = asyncio.create_task(_until_gone(receive))
        try:
            async with asyncio.timeout(LONGEST_S):
                if await self._rows(gone, send):
                    await self._rest(gone, send)
        finally:
            exports.running -= 1
            gone.cancel()
            self._writer.close()

    async def _rows(self, gone: asyncio.Task[None], send: Send) -> bool:
        """Whether the client was there until the last row."""
        async with (
            self._exports.database.transaction(self._caller, request_id=self._request_id) as db,
            aclosing(db.rows(self._sql, *self._values, batch=BATCH)) as batches,
        ):
            begun, start_by = self._writer.begin(), asyncio.get_running_loop().time() + PATIENCE_S
            async for batch in batches:
                if gone.done():
                    return False
                begun += await asyncio.to_thread(self._writer.rows, batch)
                if begun or asyncio.get_running_loop().time() > start_by:
                    await self._send(begun, send)
                    begun = b""
        if begun:
            await self._send(begun, send)
        return True

    async def _rest(self, gone: asyncio.Task[None], send: Send) -> None:
        while piece := await asyncio.to_thread(self._writer.end):
            if gone.done():
                return
            await self._send(piece, send)
        await self._send(b"", send, more=False)

    async def _send(self, piece: bytes, send: Send, *, more: bool = True) -> None:
        try:
            async with asyncio.timeout(self._exports.idle_s):
                if not self._is_begun:
                    self._is_begun = True
                    await send(
                        {
                            "type": "http.response.start",
                            "status": self.status_code,
                            "headers": self.raw_headers,
                        }
                    )
                if piece or not more:
                    await send({"type": "http.response.body", "body": piece, "more_body": more})
        except TimeoutError as error:
            raise ClientTooSlow(f"took nothing for {self._exports.idle_s:g} s") from error


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass

"""Events as a stream of text (server-sent events): for browsers' EventSource, and whoever reads lines."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator
from uuid import UUID

from fastapi import Response
from starlette.types import Receive, Scope, Send

from serve.kernel.caller import Caller
from serve.kernel.realtime.hub import Hub
from serve.kernel.realtime.messages import Message
from serve.kernel.realtime.stream import Stream
from serve.platform.events.errors import CursorGone

RETRY_MS = 2_000
MOST_CHUNK_BYTES = 65_536


class EventStream(Response):
    """Runs until the client leaves, the token expires, or the service stops. Raises before the first byte."""

    media_type = "text/event-stream"

    def __init__(
        self,
        hub: Hub,
        caller: Caller,
        verify: Callable[[], Awaitable[Caller]],
        topics: frozenset[str],
        *,
        after: UUID | None,
        follow: bool,
        heartbeat_s: float,
        patience_s: float,
    ) -> None:
        super().__init__(headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self._hub, self._caller, self._verify, self._topics = hub, caller, verify, topics
        self._after, self._follow = after, follow
        self._heartbeat_s, self._patience_s = heartbeat_s, patience_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        begin = await self._hub.find(self._caller, self._after)
        if begin is None:
            raise CursorGone
        async with self._hub.listen(self._caller, self._verify, self._topics, begin) as stream:
            start = {"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers}
            await send(start)
            if scope.get("state", {}).get("is_head"):
                await send({"type": "http.response.body", "body": b""})
                return
            leaving = asyncio.create_task(_leave(receive, stream))
            try:
                await self._tell(stream, send)
            finally:
                leaving.cancel()

    async def _tell(self, stream: Stream, send: Send) -> None:
        async def write(piece: bytes, *, more: bool = True) -> None:
            async with asyncio.timeout(self._patience_s):
                await send({"type": "http.response.body", "body": piece, "more_body": more})

        try:
            await write(b"retry: %d\n%b" % (RETRY_MS, _mark(stream)))
            while stream.ended is None:
                messages = await stream.next(self._heartbeat_s if self._follow else 0.0)
                for chunk in _chunks(messages):
                    await write(chunk)
                if not messages and not self._follow and stream.has_caught_up:
                    stream.end("caught_up")
                elif not messages and stream.ended is None and self._follow:
                    await write(_mark(stream))
            if stream.ended != "gone":
                await write(b'event: end\ndata: {"reason":"%b"}\n\n' % stream.ended.encode(), more=False)
        except TimeoutError:  # it does not read: what it has not got is there when it comes back
            stream.end("slow")


async def _leave(receive: Receive, stream: Stream) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    stream.end("gone")


def _mark(stream: Stream) -> bytes:
    """A comment that keeps the connection alive and moves the client's cursor past what it did not ask for."""
    return b"id: %b\n: heartbeat\n\n" % stream.cursor.encode() if stream.cursor else b": heartbeat\n\n"


def _chunks(messages: Iterable[Message]) -> Iterator[bytes]:
    """The events as text, several in one piece."""
    chunk, size = [], 0
    for message in messages:
        chunk.append(message.lines)
        size += len(message.lines)
        if size >= MOST_CHUNK_BYTES:
            yield b"".join(chunk)
            chunk, size = [], 0
    if chunk:
        yield b"".join(chunk)

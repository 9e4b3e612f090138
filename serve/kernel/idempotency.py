"""A request that may be sent again: ``Idempotency-Key`` on POST and PATCH.

The key, what was done and the answer are one transaction: either all of it is there or nothing. A second request with
the key waits for the first one, inside the database, then gets its answer.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from hashlib import blake2b
from typing import Any
from uuid import UUID

import orjson
from fastapi import Request, Response
from fastapi.routing import APIRoute

from serve.kernel.caller import Caller, identify
from serve.kernel.db import Database, Transaction
from serve.kernel.errors import Conflict, Invalid

KEPT_H = 24
HEADER = "idempotency-key"
_METHODS = frozenset({"POST", "PATCH"})
_KEPT_HEADERS = ("content-type", "etag", "location", "cache-control")


class StillRunning(Conflict):
    code, message = (
        "STILL_RUNNING",
        "A request with this Idempotency-Key is still running. Ask again shortly.",
    )


class KeyOfAnotherRequest(Invalid):
    code, message = "IDEMPOTENCY_KEY_REUSED", "This Idempotency-Key was sent with another request before."


class RepeatableRoute(APIRoute):
    """The route class of everything that changes something in the caller's transaction."""

    @property
    def is_repeatable(self) -> bool:
        return bool(_METHODS & (self.methods or set()))

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handler = super().get_route_handler()
        if not self.is_repeatable:
            return handler

        async def handle(request: Request) -> Response:
            key = request.headers.get(HEADER)
            if key is None:
                return await handler(request)
            return await _once(request, key, handler)

        return handle


async def _once(
    request: Request, key: str, handler: Callable[[Request], Coroutine[Any, Any, Response]]
) -> Response:
    if not 0 < len(key) <= 255:
        raise Invalid(details=[("Idempotency-Key", "must have 1 to 255 characters")])
    caller = await identify(request)
    row_id, request_hash = await _hashes(request, caller, key)
    # Hexadecimal of our own making: nothing that the client wrote stands in this SQL.
    also = (
        f"insert into idempotency_keys (id, tenant_id, request_hash)"
        f" values ('{row_id}', '{caller.tenant_id}', '{request_hash}') on conflict (id) do nothing"
    )
    database: Database = request.app.state.database
    async with database.transaction(caller, request_id=request.state.request_id, also=also) as db:
        if db.began != "INSERT 0 1":
            return await _kept(db, row_id, request_hash)
        request.state.transaction = db
        response = await handler(request)
        db.last_words = _keeping(row_id, response)
        return response


async def _kept(db: Transaction, row_id: UUID, request_hash: UUID) -> Response:
    """The answer of the request that had the key first. Raises KeyOfAnotherRequest."""
    kept = await db.fetch_one("select * from idempotency_keys where id = $1", row_id)
    if kept is None:
        raise StillRunning(headers={"Retry-After": "1"})
    if UUID(kept["request_hash"]) != request_hash:
        raise KeyOfAnotherRequest
    return Response(kept["body"], kept["status"], {**kept["headers"], "Idempotency-Replayed": "true"})


def _keeping(row_id: UUID, response: Response) -> str:
    """SQL that keeps the answer, sent with the commit. What is not ours stands in it as hexadecimal."""
    headers = {name: response.headers[name] for name in _KEPT_HEADERS if name in response.headers}
    return (
        f"update idempotency_keys set status = {response.status_code:d},"
        f" headers = convert_from('\\x{orjson.dumps(headers).hex()}', 'UTF8')::jsonb,"
        f" body = '\\x{bytes(response.body).hex()}' where id = '{row_id}';"
    )


async def _hashes(request: Request, caller: Caller, key: str) -> tuple[UUID, UUID]:
    """Of who asks where with which key, and of what is asked."""
    place = (str(caller.tenant_id), caller.actor, request.method, request.url.path, key)
    who = blake2b("\0".join(place).encode(), digest_size=16)
    what = blake2b(request.scope["query_string"] + b"\0" + await request.body(), digest_size=16)
    return UUID(bytes=who.digest()), UUID(bytes=what.digest())


async def forget_old_keys(database: Database, caller: Caller) -> None:
    """Keys older than a day, of the caller's tenant."""
    async with database.transaction(caller) as db:
        await db.execute(
            "delete from idempotency_keys where created_at < now() - make_interval(hours => $1)", KEPT_H
        )

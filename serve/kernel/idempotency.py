"""A request that may be sent again: ``Idempotency-Key`` on POST and PATCH.

The key, what was done and the answer are one transaction: either all of it is there or nothing. A second request with
the key waits for the first one, inside the database, then gets its answer.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Any, NamedTuple
from uuid import UUID

import orjson
from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.types import Scope

from serve.kernel.caller import Caller, identify
from serve.kernel.db import Database, Transaction
from serve.kernel.errors import Conflict, Invalid

KEPT_H = 24
HEADER = "idempotency-key"
DRY_RUN = "x-dry-run"
_METHODS = frozenset({"POST", "PATCH"})
_KEPT_HEADERS = ("content-type", "etag", "location", "cache-control")


class StillRunning(Conflict):
    code, message = (
        "STILL_RUNNING",
        "A request with this Idempotency-Key is still running. Ask again shortly.",
    )


class KeyOfAnotherRequest(Invalid):
    code, message = "IDEMPOTENCY_KEY_REUSED", "This Idempotency-Key was sent with another request before."


def check_key(key: str | None) -> None:
    """Raises Invalid for one that is empty or too long."""
    if key is not None and not 0 < len(key) <= 255:
        raise Invalid(details=[("Idempotency-Key", "must have 1 to 255 characters")])


def asks_dry_run(value: str | None) -> bool:
    """What the header ``X-Dry-Run`` says. Raises Invalid."""
    if value is None or value.lower() == "false":
        return False
    if value.lower() != "true":
        raise Invalid(details=[("X-Dry-Run", "must be true or false")])
    return True


@dataclass(frozen=True, slots=True)
class Kept:
    """The answer of the request that had the key first."""

    status: int
    headers: dict[str, str]
    body: bytes


class Shown(NamedTuple):
    """A row as the client reads it, written by PostgreSQL: half the work of making a row of ours first (measured)."""

    data: bytes
    version: int

    @property
    def etag(self) -> str:
        return f'"{self.version:x}"'


Show = Callable[[Shown], Kept]
"""The answer that shows a kept row."""


class RepeatableRoute(APIRoute):
    """The route class of everything that changes something in the caller's transaction."""

    show: Show | None = None
    """For routes that keep the row they answered instead of their answer."""

    @property
    def is_repeatable(self) -> bool:
        return bool(_METHODS & (self.methods or set()))

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handler = super().get_route_handler()
        if self.methods == {"GET"}:
            return handler

        async def handle(request: Request) -> Response:
            key = request.headers.get(HEADER) if self.is_repeatable else None
            check_key(key)
            if asks_dry_run(request.headers.get(DRY_RUN)):
                return await _undone(request, handler)
            if key is None:
                return await handler(request)
            return await _once(request, key, handler, self.show)

        return handle


class _Undone(Exception):
    """The end of a dry run."""


async def _undone(request: Request, handler: Callable[[Request], Coroutine[Any, Any, Response]]) -> Response:
    """Everything is done, checked as a commit would, and undone: no key is kept and nothing leaves.

    Whether the route does nothing that a rollback would not undo is asked before (``params``).
    """
    caller, state = await identify(request), request.state
    database: Database = request.app.state.database
    with suppress(_Undone):
        async with database.transaction(caller, request_id=state.request_id) as db:
            state.transaction = db
            response = await handler(request)
            await db.execute("set constraints all immediate")
            raise _Undone
    response.headers["X-Dry-Run"] = "true"
    return response


class StreamedRoute(RepeatableRoute):
    """One that reads its body by itself, and calls ``once`` when it knows what was sent."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        return APIRoute.get_route_handler(self)


async def _once(
    request: Request,
    key: str,
    handler: Callable[[Request], Coroutine[Any, Any, Response]],
    show: Show | None,
) -> Response:
    caller = await identify(request)

    async def work(db: Transaction) -> Response:
        request.state.transaction = db
        return await handler(request)

    claim = Claim.of(request.scope, caller, key, await request.body())
    return await _claimed(request, caller, claim, work, show)


async def once(request: Request, sent: bytes, work: Callable[[Transaction], Awaitable[Response]]) -> Response:
    """Do ``work`` in a transaction of the caller's, and keep its answer for the request's key, if it has one.

    ``sent`` stands for everything that the client sent: with the same key, the same again is answered as before.
    """
    caller = await identify(request)
    key = request.headers.get(HEADER)
    if key is None:
        database: Database = request.app.state.database
        async with database.transaction(caller, request_id=request.state.request_id) as db:
            return await work(db)
    return await _claimed(request, caller, Claim.of(request.scope, caller, key, sent), work, None)


async def _claimed(
    request: Request,
    caller: Caller,
    claim: Claim,
    work: Callable[[Transaction], Awaitable[Response]],
    show: Show | None,
) -> Response:
    database: Database = request.app.state.database
    async with database.transaction(caller, request_id=request.state.request_id, also=claim.sql) as db:
        if not claim.is_first(db):
            kept = await claim.kept(db, show)
            if kept is None:
                raise StillRunning(headers={"Retry-After": "1"})
            return Response(kept.body, kept.status, kept.headers)
        response = await work(db)
        claim.keep(db, response.status_code, response.headers, bytes(response.body))
        return response


@dataclass(frozen=True, slots=True)
class Claim:
    """A key on its way: who asks where with which key, and what is asked."""

    row_id: str
    tenant_id: UUID
    request_hash: str
    """Both 128 bits in hexadecimal, which PostgreSQL reads as a UUID."""

    @classmethod
    def of(cls, scope: Scope, caller: Caller, key: str, body: bytes) -> Claim:
        """Raises Invalid for a key that is empty or too long."""
        check_key(key)
        place = (str(caller.tenant_id), caller.actor, scope["method"], scope["path"], key)
        who = blake2b("\0".join(place).encode(), digest_size=16)
        what = blake2b(scope["query_string"] + b"\0" + body, digest_size=16)
        return cls(who.hexdigest(), caller.tenant_id, what.hexdigest())

    @property
    def sql(self) -> str:
        """Ends the statement that begins the transaction; hexadecimal of our own making, nothing of the client's."""
        return (
            "insert into idempotency_keys (id, tenant_id, request_hash)"
            f" values ('{self.row_id}', '{self.tenant_id}', '{self.request_hash}') on conflict (id) do nothing"
        )

    def is_first(self, db: Transaction) -> bool:
        return db.began == "INSERT 0 1"

    async def kept(self, db: Transaction, show: Show | None = None) -> Kept | None:
        """What the first request with the key was told; None when there was none. Raises KeyOfAnotherRequest."""
        row = await db.fetch_one("select * from idempotency_keys where id = $1", self.row_id)
        if row is None:
            return None
        if UUID(row["request_hash"]) != UUID(self.request_hash):
            raise KeyOfAnotherRequest
        if row["record"] is None:
            kept = Kept(row["status"], row["headers"], row["body"])
        else:
            assert show is not None, "rows are kept by routes that show them"
            kept = show(Shown(row["record"], row["version"]))
        return replace(kept, headers={**kept.headers, "Idempotency-Replayed": "true"})

    def keep(self, db: Transaction, status: int, headers: Mapping[str, str], body: bytes) -> None:
        """Keep the answer, together with the commit. What is not ours stands in it as hexadecimal."""
        kept = {name: headers[name] for name in _KEPT_HEADERS if name in headers}
        db.last_words = (
            f"update idempotency_keys set status = {status:d},"
            f" headers = convert_from('\\x{orjson.dumps(kept).hex()}', 'UTF8')::jsonb,"
            f" body = '\\x{body.hex()}' where id = '{self.row_id}';"
        )


async def forget_old_keys(worker: Database) -> None:
    """Keys of all tenants that are older than a day; as the worker."""
    async with worker.transaction() as db:
        await db.execute("select forget_idempotency_keys($1)", KEPT_H)

"""Requests as rows of ``api_requests``, which the warehouse reads: kept in memory, written in batches beside them.

A request never waits for its row. When rows come faster than they can be written, the newest are dropped and counted;
when the process is killed, those of the last moments are lost.
"""

from __future__ import annotations

import asyncio
import logging
from itertools import count
from uuid import UUID

from serve.kernel.caller import Caller
from serve.kernel.db import Database
from serve.kernel.errors import Unavailable
from serve.kernel.ids import uuid7

log = logging.getLogger("throughline.requests")

MOST_ROWS = 20_000
PAUSE_S = 1.0
CLOSE_S = 3.0
_INSERT = """
    insert into api_requests (
        tenant_id, id, user_id, method, route, status, duration_ms, request_bytes, response_bytes, requested_at
    )
    select
        $1, t.id::uuid, t.user_id::uuid, t.method, t.route, t.status, t.duration_ms, t.asked, t.answered,
        to_timestamp(t.at)
    from unnest(
        $2::text[], $3::text[], $4::text[], $5::text[], $6::int[], $7::float8[], $8::bigint[], $9::bigint[],
        $10::float8[]
    ) as t (id, user_id, method, route, status, duration_ms, asked, answered, at)
    on conflict do nothing
"""


Measured = tuple[str, str, int, float, int, int, float]
"""Method, template of the route (no id, no value of a query), status, milliseconds, bytes in and out, moment."""


class RequestLog:
    """The rows that are not written yet."""

    def __init__(self, *, most_rows: int = MOST_ROWS) -> None:
        self._most_rows = most_rows
        self._waiting: list[tuple[Caller, Measured]] = []
        self._named: dict[UUID, _Batch] = {}
        self.written_count = self.dropped_count = 0

    def __len__(self) -> int:
        return len(self._waiting) + sum(len(batch.rows) for batch in self._named.values())

    def add(self, caller: Caller, measured: Measured) -> None:
        """Remember it; never blocks and never fails."""
        if len(self._waiting) >= self._most_rows:
            self.dropped_count += 1
        else:
            self._waiting.append((caller, measured))

    async def write(self, database: Database) -> None:
        """Everything that waits, one statement a tenant. What cannot be written waits on. Raises Unavailable."""
        if not self._named:
            self._name()
        while self._named:
            tenant_id, batch = next(iter(self._named.items()))
            try:
                await batch.insert(database)
                self.written_count += len(batch.rows)
            except Unavailable:
                raise
            except Exception:
                log.exception("%d requests of tenant %s are not in the log", len(batch.rows), tenant_id)
                self.dropped_count += len(batch.rows)
            del self._named[tenant_id]

    async def close(self, database: Database) -> None:
        """Write what waits, for a few seconds at most: a database that is away does not hold up the end."""
        try:
            async with asyncio.timeout(CLOSE_S):
                while len(self):
                    await self.write(database)
        except (Unavailable, TimeoutError):
            log.warning("%d requests are not in the log: the database is away", len(self))

    def _name(self) -> None:
        """Give what waits its ids: written twice, when nobody knows how the first time ended, it is there once."""
        taken, self._waiting = self._waiting, []
        for caller, measured in taken:
            batch = self._named.get(caller.tenant_id)
            if batch is None:
                batch = self._named[caller.tenant_id] = _Batch(caller)
            batch.rows.append((batch.next_id(), str(caller.user_id), *measured))


class _Batch:
    """Rows of one tenant, each with its id: one made by chance, then counted up."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller
        self._prefix, _, last = str(uuid7()).rpartition("-")
        self._numbers = count(int(last, 16) >> 1)
        self.rows: list[tuple[str, str, str, str, int, float, int, int, float]] = []

    def next_id(self) -> str:
        return f"{self._prefix}-{next(self._numbers):012x}"

    async def insert(self, database: Database) -> None:
        *columns, moments = zip(*self.rows, strict=True)
        async with database.transaction(self._caller) as db:
            await db.execute(_INSERT, self._caller.tenant_id, *columns, moments)

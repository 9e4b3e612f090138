"""Hands the events of all tenants, in their order, to those who react to them: each event to each reader exactly once.

How far a reader has got is a row of ``event_readers``, moved in the transaction in which the reader writes: both happen
or neither. Several API processes may run the same readers; who finds a reader's row locked leaves it to the other.

A reader that fails sees the same batch again, and nothing after it until it succeeds: wrap what may fail for one event
in ``db.attempt()``. It is told only what has settled: no earlier event can appear any more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial

from serve.kernel.background import Background
from serve.kernel.db import Database, Record, Transaction

POLL_S = 0.5
BATCH = 200

Reader = Callable[[Transaction, Sequence[Record]], Awaitable[None]]
"""Gets a batch of rows of ``events`` (its columns by name) and a transaction as the role ``throughline_worker``."""

_REGISTER = """
    insert into event_readers (name, after_xid, after_position)
    values ($1, pg_snapshot_xmin(pg_current_snapshot())::text::bigint - 1, 9223372036854775807)
    on conflict (name) do nothing
"""
_IS_BEHIND = """
    select exists (select from settled_events(r.after_xid, r.after_position, 1)) as is_behind
    from event_readers r where r.name = $1
"""
_PLACE = "select after_xid, after_position from event_readers where name = $1 for update skip locked"
_MOVE = "update event_readers set after_xid = $2, after_position = $3, moved_at = now() where name = $1"


class Relay:
    """``readers`` by the name under which their place is kept; ``database`` acts as ``throughline_worker``."""

    def __init__(self, database: Database, readers: Mapping[str, Reader], *, batch: int = BATCH) -> None:
        self._database, self._readers, self._batch = database, readers, batch
        self._registered: set[str] = set()

    def start(self, background: Background) -> None:
        """One loop for each reader, so that a failing one holds up nobody else."""
        for name in self._readers:
            background.every(POLL_S, partial(self.deliver, name), name=f"reader {name}")

    async def register(self, *names: str) -> None:
        """Give readers (all of them unless named) their place; a new one hears of what happens from now on."""
        for name in names or self._readers:
            if name not in self._registered:
                async with self._database.connection() as connection:
                    await connection.execute(_REGISTER, name)
                self._registered.add(name)

    async def pass_once(self) -> int:
        """Hand every reader what has settled; how many events that were. Raises what a reader raises."""
        return sum([await self.deliver(name) for name in self._readers])

    async def deliver(self, name: str) -> int:
        """Hand one reader what has settled, batch by batch."""
        await self.register(name)
        if not await self._is_behind(name):
            return 0
        count = handed = await self._hand_batch(name)
        while handed == self._batch:
            count += (handed := await self._hand_batch(name))
        return count

    async def catch_up(self, *, pause_s: float = 0.01) -> None:
        """Hand over everything that was committed before the call, waiting for it to settle."""
        _, newest = await self._horizon()
        while True:
            settled, _ = await self._horizon()
            await self.pass_once()
            if settled >= newest:
                return
            await asyncio.sleep(pause_s)

    async def _horizon(self) -> tuple[int, int]:
        """Transactions below the first have all ended; those from the second on have not begun."""
        async with self._database.connection() as connection:
            row = await connection.fetchrow(
                "select pg_snapshot_xmin(s)::text::bigint as settled, pg_snapshot_xmax(s)::text::bigint as newest"
                " from pg_current_snapshot() s"
            )
        assert row is not None
        return row["settled"], row["newest"]

    async def _is_behind(self, name: str) -> bool:
        async with self._database.connection() as connection:
            row = await connection.fetchrow(_IS_BEHIND, name)
        return row is not None and bool(row["is_behind"])

    async def _hand_batch(self, name: str) -> int:
        async with self._database.transaction() as db:
            place = await db.fetch_one(_PLACE, name)
            if place is None:  # another process is at it
                return 0
            events = await db.fetch(
                "select * from settled_events($1, $2, $3)",
                *(place["after_xid"], place["after_position"], self._batch),
            )
            if events:
                await self._readers[name](db, events)
                await db.execute(_MOVE, name, events[-1]["change_xid"], events[-1]["position"])
            return len(events)


async def act_because_of(db: Transaction, event: Record) -> None:
    """From here on the transaction acts for the event's tenant, as the platform, with the event as the cause.

    Without it a reader sees the rows of no tenant (events apart) and can write none.
    """
    await db.execute(
        "select set_config('app.tenant_id', $1, true), set_config('app.tenant_ids', $1, true),"
        " set_config('app.actor', 'platform', true), set_config('app.cause', $2, true),"
        " set_config('app.request_id', $3, true)",
        *(event["tenant_id"], event["id"], event["request_id"] or ""),
    )

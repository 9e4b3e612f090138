"""That a worker lives, and that it is the only one of its name, shown over a connection which it keeps."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack

from serve.kernel.db import Connection, Database

NAME_FREE_WITHIN_S = 5.0
"""A process that was killed holds its name until the server has noticed."""

_HOLD = "select pg_try_advisory_lock(hashtextextended('worker ' || $1, 0)) as is_ours"
_SEEN = """
    insert into task_workers (name, version) values ($1, $2)
    on conflict (name) do update set seen_at = now(), version = $2,
        started_at = case when $3 then now() else task_workers.started_at end
    returning old.seen_at < now() - make_interval(secs => $4) as was_silent
"""


class NameTaken(RuntimeError):
    """Another worker of this name is at work; a second one needs another WORKER_NAME."""


class Presence:
    """``silent_s`` is how long nothing may be heard of a worker until the others take it for dead."""

    def __init__(self, database: Database, name: str, version: str, *, silent_s: float) -> None:
        self._database, self._name, self._version, self._silent_s = database, name, version, silent_s
        self._held = AsyncExitStack()
        self._connection: Connection | None = None
        self._listens_since = time.monotonic()

    @property
    def would_hear_others(self) -> bool:
        """Whether a worker that lives has had the time to say so: after an outage of the database all were silent."""
        return time.monotonic() - self._listens_since >= self._silent_s

    async def show(self, *, is_first: bool = False) -> None:
        """Say that we live. Raises NameTaken."""
        try:
            connection = self._connection or await self._enter()
            row = await connection.fetchrow(_SEEN, self._name, self._version, is_first, self._silent_s)
        except BaseException:
            await self.leave()
            raise
        if row is not None and row["was_silent"]:
            self._listens_since = time.monotonic()

    async def leave(self) -> None:
        if self._connection is not None:
            self._connection.terminate()  # the name goes with the session
            self._connection = None
        await self._held.aclose()

    async def _enter(self) -> Connection:
        self._connection = await self._held.enter_async_context(self._database.connection())
        deadline = time.monotonic() + NAME_FREE_WITHIN_S
        while True:
            held = await self._connection.fetchrow(_HOLD, self._name)
            if held is not None and held["is_ours"]:
                return self._connection
            if time.monotonic() > deadline:
                raise NameTaken(f"A worker named {self._name} is at work already; set another WORKER_NAME.")
            await asyncio.sleep(0.1)

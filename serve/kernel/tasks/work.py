"""A task while it is carried out: its steps, what it has got done, and the moment it must stop.

A step inside the database happens exactly once: what it writes, and that it is done, are one transaction. Something
outside of it happens at least once, under an id that stays the same however often it is tried.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, cast
from uuid import NAMESPACE_OID, UUID, uuid5

from serve.kernel.actions.principals import principal_of
from serve.kernel.caller import Caller
from serve.kernel.db import Database, Record, Transaction
from serve.kernel.errors import Conflict
from serve.kernel.tasks.acting import acting_for
from serve.kernel.tasks.errors import StepTookTooLong

_DONE = """
    with kept as (
        insert into task_steps (tenant_id, task_id, round, name, output, worker, started_at, finished_at)
        values ($1, $2, $3, $4, $5, $6, $7, clock_timestamp())
        on conflict do nothing
        returning 1
    )
    update tasks set attempt = 1, done_count = done_count + $8, message = coalesce($9, message)
    from kept where id = $2 and run = $10 and status = 'running'
    returning id
"""
_BEGUN = """
    insert into task_steps (tenant_id, task_id, round, name, worker, started_at)
    select $1, $2, $3, $4, $5, clock_timestamp() from tasks where id = $2 and run = $6 and status = 'running'
    on conflict (tenant_id, task_id, round, name) do update set attempt = task_steps.attempt + 1, worker = $5
    returning attempt
"""
_OUTSIDE_DONE = """
    with kept as (
        update task_steps set output = $5, finished_at = clock_timestamp()
        where tenant_id = $1 and task_id = $2 and round = $3 and name = $4
    )
    update tasks set attempt = 1, done_count = done_count + $6, message = coalesce($7, message)
    where id = $2 and run = $8 and status = 'running'
    returning id
"""
_FINISHED = (
    "select name, output from task_steps where task_id = $1 and round = $2 and finished_at is not null"
)
_BEGUN_BEFORE = "select name from task_steps where task_id = $1 and round = $2 and finished_at is null"
_FORGET = "delete from task_steps where task_id = $1 and round = $2 and name = $3 and finished_at is null"
_PROGRESS = """
    update tasks set done_count = coalesce($3, done_count), total_count = coalesce($4, total_count),
        message = coalesce($5, message)
    where id = $1 and run = $2 and status = 'running'
    returning id
"""

# Held by a connection of its own, so it takes no transaction that is open for minutes.
_TRY = "select pg_try_advisory_lock(hashtextextended($1, 0)) as taken"
_LOCK = "select pg_advisory_lock(hashtextextended($1, 0))"
_UNLOCK = "select pg_advisory_unlock(hashtextextended($1, 0))"


class Stopped(Exception):
    """Somebody has cancelled or paused the task, or another run of it has begun: this one writes nothing more."""


class HandedBack(Exception):
    """This worker is about to end: another one goes on."""


class Failed(Exception):
    """It failed for a reason that somebody else has put into words already; ``is_passing`` may be better in a while."""

    def __init__(
        self, said: Mapping[str, Any], *, is_passing: bool, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(said["message"])
        self.said, self.is_passing, self.headers = dict(said), is_passing, dict(headers or {})


class OutcomeUnknown(Conflict):
    """A step outside was begun by a process that died, and must not be done twice without a person."""

    code = "OUTCOME_UNKNOWN"
    message = (
        "Nobody knows whether this was done: the worker ended in the middle of it. Look, then try again."
    )


class Work:
    """What a handler is given."""

    def __init__(
        self,
        task: Record,
        database: Database,
        worker: str,
        is_stopping: Callable[[], bool],
        state: Any = None,
        *,
        longest_s: float | None = None,
    ) -> None:
        """``state`` is the application's own: what handlers need beside the database. No step may take longer than
        ``longest_s``."""
        self.id = str(task["id"])
        self.tenant_id = UUID(str(task["tenant_id"]))
        self.params: Mapping[str, Any] = task["params"]
        self.about: tuple[str | None, str | None] = (task["entity_type"], task["entity_id"])
        self.attempt: int = task["attempt"]
        self.caller: Caller = acting_for(self.tenant_id, _uuid(task["user_id"]), _uuid(task["api_key_id"]))
        self.request_id: str = task["request_id"] or ""
        self.step_name: str | None = None  # of the step that runs, or failed
        self.state = state
        self._run, self._round = task["run"], task["round"]
        self._database, self._worker, self._is_stopping = database, worker, is_stopping
        self._longest_s = longest_s
        self._finished: dict[str, Any] = {}
        self._begun: set[str] = set()

    async def recall(self) -> None:
        """Load what earlier runs have done."""
        async with self.transaction() as db:
            self._finished = {
                row["name"]: row["output"] for row in await db.fetch(_FINISHED, self.id, self._round)
            }
            self._begun = {row["name"] for row in await db.fetch(_BEGUN_BEFORE, self.id, self._round)}

    async def person(self) -> Caller:
        """Whoever asked for it, with what they may do now. Raises PrincipalGone."""
        who = self.caller
        user_id = None if who.api_key_id else who.user_id
        database: Database = self.state.database
        return await principal_of(database, self.tenant_id, user_id=user_id, api_key_id=who.api_key_id)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """One of its own, for the tenant; its events name the task as their cause, as everything that a task does."""
        async with self._database.transaction(self.caller, request_id=self.request_id) as db:
            yield db

    @asynccontextmanager
    async def alone(self, what: str) -> AsyncIterator[bool]:
        """For work that goes by what is there when it begins: of the tenant's tasks one is at it, and one more waits.

        A third is given False at once: the one that waits will see all that it would. What somebody holds who dies is
        free.
        """
        connection = await self._database.apart()
        at_it = f"{what} {self.tenant_id}"
        waits = f"{at_it} waits"
        try:
            took = await connection.fetchrow(_TRY, waits)
            if took is None or not took["taken"]:
                yield False
                return
            await connection.execute(_LOCK, at_it)
            await connection.execute(_UNLOCK, waits)
            yield True
        except asyncio.CancelledError:
            connection.terminate()  # it may still be waiting
            raise
        finally:
            if not connection.is_closed():
                await connection.close()

    def is_done(self, name: str) -> bool:
        return name in self._finished

    async def step(
        self,
        name: str,
        do: Callable[[Transaction], Awaitable[Any]],
        *,
        counts: int = 0,
        message: str | None = None,
    ) -> Any:
        """What ``do`` gives (JSON): now, or when an earlier run did it. ``counts`` is added to ``done_count``.

        ``name`` is the same in every run: ``"rows 500"``, not a time or a random number. Steps may run beside each
        other, each in a transaction of its own. Raises Stopped.
        """
        if name in self._finished:
            return self._finished[name]
        self._begin(name)
        started_at = datetime.now(UTC)
        try:
            async with self._in_time(), self.transaction() as db:
                output = await do(db)
                kept = await db.fetch_one(
                    _DONE,
                    *(self.tenant_id, self.id, self._round, name, output, self._worker, started_at),
                    *(counts, message, self._run),
                )
                if kept is None:
                    raise Stopped  # and what we did is undone
        except Stopped:
            await self.recall()
            if name not in self._finished:  # by another process that has taken us for dead
                raise
        except Exception:
            self.step_name = name  # another one may have begun beside it
            raise
        else:
            self._finished[name] = output
        self._end(name)
        return self._finished[name]

    async def outside(
        self,
        name: str,
        do: Callable[[str], Awaitable[Any]],
        *,
        counts: int = 0,
        message: str | None = None,
        repeatable: bool = True,
    ) -> Any:
        """Something outside of the database: ``do`` gets an id that is the same at each try, and gives JSON.

        It happens at least once. What is not ``repeatable`` happens at most once: a try whose end nobody knows raises
        OutcomeUnknown. Raises Stopped.
        """
        if name in self._finished:
            return self._finished[name]
        self._begin(name)
        if name in self._begun and not repeatable:
            await self._forget(name)  # from here on it is a person's: the task says that nobody knows
            raise OutcomeUnknown
        async with self.transaction() as db:
            begun = (self.tenant_id, self.id, self._round, name, self._worker, self._run)
            if await db.fetch_one(_BEGUN, *begun) is None:
                raise Stopped
        try:
            async with self._in_time():
                output = await do(str(self.stable_id(name)))
        except (
            Exception
        ) as error:  # it has ended, and we know how: the next try is not one after an unknown end
            await self._forget(name)
            if isinstance(error, StepTookTooLong) and not repeatable:  # how far it got, nobody knows
                raise OutcomeUnknown from error
            raise
        async with self.transaction() as db:
            done = (self.tenant_id, self.id, self._round, name, output, counts, message, self._run)
            is_running = await db.fetch_one(_OUTSIDE_DONE, *done)
        self._finished[name] = output
        self._end(name)
        if is_running is None:
            raise Stopped
        return output

    def stable_id(self, name: str) -> UUID:
        """The same for this step of this task, whoever does it and however often."""
        return uuid5(NAMESPACE_OID, f"{self.id}/{self._round}/{name}")

    async def progress(
        self, *, done: int | None = None, total: int | None = None, message: str | None = None
    ) -> None:
        """Say how far it is. Raises Stopped."""
        async with self.transaction() as db:
            if await db.fetch_one(_PROGRESS, self.id, self._run, done, total, message) is None:
                raise Stopped

    @asynccontextmanager
    async def _in_time(self) -> AsyncIterator[None]:
        """Raises StepTookTooLong."""
        try:
            async with asyncio.timeout(self._longest_s) as limit:
                yield
        except TimeoutError as error:
            if limit.expired():
                raise StepTookTooLong from error
            raise

    def _begin(self, name: str) -> None:
        if self._is_stopping():
            raise HandedBack
        self.step_name = name

    def _end(self, name: str) -> None:
        if self.step_name == name:
            self.step_name = None
        self.attempt = 1

    async def _forget(self, name: str) -> None:
        async with self.transaction() as db:
            await db.execute(_FORGET, self.id, self._round, name)


def _uuid(text: Any) -> UUID | None:
    return None if text is None else UUID(str(cast(str, text)))

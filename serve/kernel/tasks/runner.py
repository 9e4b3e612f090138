"""Carries out one run of a task, and says what became of it. Knows nothing of the queue."""

from __future__ import annotations

import asyncio
import logging
import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg

from serve.kernel.db import CAUSE, Database, Record
from serve.kernel.errors import OutsideFailed, Problem, TimedOut, TooManyRequests, Unavailable
from serve.kernel.idempotency import StillRunning
from serve.kernel.tasks.acting import acting_for
from serve.kernel.tasks.kinds import KINDS, going_on
from serve.kernel.tasks.work import Failed, HandedBack, Stopped, Work

log = logging.getLogger("throughline.tasks")

SHORTEST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 600.0
PASSING = (
    Unavailable,
    StillRunning,
    OutsideFailed,
    TimedOut,
    TooManyRequests,
    asyncpg.PostgresError,
    OSError,
    TimeoutError,
)
"""What may be better in a while. A Problem that is none of these says that the task itself is wrong."""
OUR_FAULT = "Something went wrong on our side. The log has the cause under the id of the task."

_BEGIN = """
    update tasks set status = 'running', worker = $3, started_at = coalesce(started_at, now()),
        attempt = case when status = 'running' then attempt + 1 else attempt end
    where id = $1 and run = $2 and status in ('queued', 'running')
        and (kind = any ($4) or exists (select from tenants t where t.id = tasks.tenant_id and t.state = 'active'))
    returning *, set_config('app.event', 'task.started', true) as _event
"""
_END = """
    update tasks set status = $3, result = $4, error = $5, finished_at = now(),
        params = case when $3 = 'succeeded' then '{}'::jsonb else params end -- it may name people, and is done
    where id = $1 and run = $2 and status = 'running'
    returning id, set_config('app.event', $6, true) as _event
"""
_AGAIN = """
    update tasks set status = 'queued', run = run + 1, attempt = $3, not_before = $4, error = $5, message = $6
    where id = $1 and run = $2 and status = 'running'
    returning id, set_config('app.event', $7, true) as _event
"""


class Runner:
    """``database`` acts as the worker; ``name`` is whose tasks they are while they run."""

    def __init__(self, database: Database, name: str, state: Any = None) -> None:
        self._database, self.name, self._state = database, name, state
        self.running: dict[str, asyncio.Task[Any]] = {}
        """What is being carried out, by task and run."""
        self.begun: Counter[str] = Counter()
        """How many tasks were begun, by queue, since somebody last looked."""
        self.is_stopping = False

    async def run(self, tenant_id: str, task_id: str, run: int) -> None:
        """From where the last run ended. Comes back when the row says how it ended, whatever that is."""
        tenant, name = UUID(tenant_id), f"{task_id}.{run}"
        current = asyncio.current_task()
        assert current is not None
        self.running[name] = current  # before the row says so
        try:
            task = await patiently(lambda: self._begin(tenant, task_id, run))
            if (
                task is not None
            ):  # else it was stopped, another run has taken over, or the tenant stands still
                await self._carry_out(task)
        finally:
            del self.running[name]

    async def _carry_out(self, task: Record) -> None:
        self.begun[task["queue"]] += 1
        kind = KINDS.get(task["kind"])
        longest_s = kind.longest_s if kind else None
        work = Work(
            task, self._database, self.name, lambda: self.is_stopping, self._state, longest_s=longest_s
        )
        try:
            if kind is None:  # a newer worker may
                raise Unavailable(f"This worker knows no task of the kind {task['kind']}.")
            if task["attempt"] > task["most_attempts"]:
                raise _KeepsDying
            if task["run"] > 1 or task["attempt"] > 1:
                await work.recall()
            with _because_of(work):
                result = await kind.run(work)
            await patiently(lambda: self._end(task, "succeeded", result, None))
        except Stopped:
            return
        except HandedBack:
            await patiently(lambda: self._again(task, work, attempt=work.attempt))
        except _KeepsDying:
            said = "The worker ended in the middle of this again and again; it is not tried any more."
            await self._fail(task, work, {"code": "WORKER_DIED", "message": said})
        except Exception as error:
            await self._failed(task, work, error)

    async def _failed(self, task: Record, work: Work, error: Exception) -> None:
        said = _said(error)
        is_passing = error.is_passing if isinstance(error, Failed) else _is_passing(error)
        if not isinstance(error, (Problem, Failed)):
            log.exception("task %s failed in the step %s", task["id"], work.step_name)
        if is_passing and work.attempt < task["most_attempts"]:
            wait_s = pause_s(work.attempt, error)
            await patiently(
                lambda: self._again(task, work, attempt=work.attempt + 1, wait_s=wait_s, error=said)
            )
        else:
            await self._fail(task, work, said)

    async def _fail(self, task: Record, work: Work, error: dict[str, Any]) -> None:
        error = {**error, "step": work.step_name, "attempt": work.attempt}
        await patiently(lambda: self._end(task, "failed", None, error))

    # Each a transaction of its own

    async def _begin(self, tenant_id: UUID, task_id: str, run: int) -> Record | None:
        platform = acting_for(tenant_id, None)
        async with self._database.transaction(platform) as db:
            return await db.fetch_one(_BEGIN, task_id, run, self.name, going_on())

    async def _end(self, task: Record, status: str, result: Any, error: Any) -> None:
        async with self._of(task) as db:
            await db.fetch_one(_END, task["id"], task["run"], status, result, error, f"task.{status}")

    async def _again(
        self, task: Record, work: Work, *, attempt: int, wait_s: float = 0.0, error: Any = None
    ) -> None:
        not_before = datetime.now(UTC) + timedelta(seconds=wait_s) if wait_s else None
        event, message = (
            ("task.failing", f"Tried again in {wait_s:.0f} s.") if error else ("task.handed_back", None)
        )
        async with self._of(task) as db:
            await db.fetch_one(_AGAIN, *(task["id"], task["run"], attempt, not_before, error, message, event))

    def _of(self, task: Record) -> Any:
        return self._database.transaction(acting_for(UUID(str(task["tenant_id"])), None))


async def patiently(write: Callable[[], Any]) -> Any:
    """Without a database nothing can be said: wait for it."""
    pause = 0.1
    while True:
        try:
            return await write()
        except (Unavailable, StillRunning, asyncpg.PostgresError, OSError) as error:
            log.warning("tasks wait for the database: %s", error)
            await asyncio.sleep(pause)
            pause = min(pause * 2, 5.0)


@contextmanager
def _because_of(work: Work) -> Iterator[None]:
    before = CAUSE.set(UUID(work.id))
    try:
        yield
    finally:
        CAUSE.reset(before)


class _KeepsDying(Exception):
    """Nothing but an outside end of the process, several times in one step."""


def _is_passing(error: Exception) -> bool:
    """What we did wrong may be mended by the next try too: it depends on more than the task."""
    return isinstance(error, PASSING) or not isinstance(error, Problem)


def _said(error: Exception) -> dict[str, Any]:
    if isinstance(error, Failed):
        return error.said
    if isinstance(error, Problem):
        details = [{"field": field, "message": message} for field, message in error.details]
        return {"code": error.code, "message": error.detail, "details": details}
    return {"code": Problem.code, "message": OUR_FAULT, "details": []}


def pause_s(
    attempt: int, error: Exception | None = None, *, chance: Callable[[], float] = random.random
) -> float:
    """Seconds until the next try: doubled with each, spread by half so that many do not come back together, and never
    sooner than the error itself asks for (``Retry-After``).

    >>> [pause_s(attempt, chance=lambda: 1.0) for attempt in (1, 2, 3, 20)]
    [1.0, 2.0, 4.0, 600.0]
    """
    longest: float = min(SHORTEST_PAUSE_S * 2 ** (attempt - 1), LONGEST_PAUSE_S)
    headers = {name.lower(): value for name, value in (getattr(error, "headers", None) or {}).items()}
    asked = headers.get("retry-after", "0")
    return max(longest * (0.5 + chance() / 2), float(asked) if asked.isdigit() else 0.0)

"""The process that carries out tasks: DBOS on the same PostgreSQL hands them out, the runner does them.

What DBOS knows of a task is its ids. It keeps the queues, how much of each a tenant may have at once, and what waits
for a moment. Which run of a task counts, and what it has done, stands in our own rows, so a worker that was taken for
dead can wake up again and do no harm.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from dbos import DBOS, DBOSConfig
from dbos._queue import QueueRateLimit

from serve.kernel.background import Background
from serve.kernel.db import Database
from serve.kernel.tasks.kinds import Queue
from serve.kernel.tasks.runner import Runner

log = logging.getLogger("throughline.tasks")

APPLICATION = "throughline"
SEEN_EVERY_S = 5.0
SILENT_S = 30.0
POLL_S = 0.2
KEPT_H = 24
LAST_WORDS_S = 10

_SEEN = """
    insert into task_workers (name, version) values ($1, $2)
    on conflict (name) do update set seen_at = now(), version = $2,
        started_at = case when $3 then now() else task_workers.started_at end
"""
_LIVING = "select name from task_workers where seen_at > now() - make_interval(secs => $1)"
_RUNNING = (
    "select id, run, worker from tasks where status = 'running' and (worker <> all ($1) or worker = $2)"
)
_HAND_BACK = """
    update tasks set status = 'queued', run = run + 1, not_before = null,
        message = 'Taken over from a worker that ended.'
    where (id || '.' || run) = any ($1) and status in ('queued', 'running')
    returning id, set_config('app.event', 'task.handed_back', true) as _event
"""
_AS_PLATFORM = "select set_config('app.actor', 'platform', true)"
_FORGET_WORKERS = "delete from task_workers where seen_at < now() - interval '1 day'"


class Worker:
    """``address`` is the database's, as the worker role; ``name`` tells this process from other workers, and stays the
    same over restarts; ``version`` is that of the service."""

    def __init__(
        self,
        address: str,
        database: Database,
        *,
        name: str,
        version: str,
        queues: Mapping[str, Queue],
        at_once: int,
        state: Any = None,
        poll_s: float = POLL_S,
    ) -> None:
        self._address, self._database, self._version = address, database, version
        self._queues, self._at_once, self._poll_s = queues, at_once, poll_s
        self.runner = Runner(database, name, state)
        self._background = Background()

    async def start(self) -> None:
        """Take over what this worker left when it ended, then take work from the queues."""
        await self._show_life(is_first=True)
        config: DBOSConfig = {
            "name": APPLICATION,
            "system_database_url": self._address,
            "application_version": self._version,
            "executor_id": self.runner.name,
            "run_migrations": False,
            "sys_db_pool_size": 5,
            "log_level": "WARNING",
            "enable_otlp": False,
        }
        DBOS(config=config)

        @DBOS.workflow(name="run_task", max_recovery_attempts=None)
        async def run_task(tenant_id: str, task_id: str, run: int) -> None:
            await self.runner.run(tenant_id, task_id, run)

        DBOS.launch()
        await self.take_over(is_first=True)
        for name, queue in self._queues.items():
            limiter: QueueRateLimit | None = None
            if queue.limit and queue.period_s:
                limiter = {"limit": queue.limit, "period": queue.period_s}
            await DBOS.register_queue_async(
                name,
                worker_concurrency=self._at_once,
                partition_concurrency=queue.at_once,
                partition_limiter=limiter,
                polling_interval_sec=self._poll_s,
                on_conflict="always_update",
            )
        self._background.every(SEEN_EVERY_S, self._look_after, name="worker")
        self._background.every(3600.0, self._forget, name="old workflows")

    async def stop(self) -> None:
        """Running tasks go to other workers, or wait for the next start, at the end of their step."""
        self.runner.is_stopping = True
        await self._background.stop()
        await asyncio.to_thread(DBOS.destroy, workflow_completion_timeout_sec=LAST_WORDS_S)

    async def _look_after(self) -> None:
        await self._show_life()
        await self.take_over()

    async def _show_life(self, *, is_first: bool = False) -> None:
        async with self._database.connection() as connection:
            await connection.execute(_SEEN, self.runner.name, self._version, is_first)

    async def take_over(self, *, is_first: bool = False) -> int:
        """Queue again what workers left that are no more; how many tasks that were."""
        me = self.runner.name
        async with self._database.connection() as connection:
            living = [row["name"] for row in await connection.fetch(_LIVING, SILENT_S)]
            running = await connection.fetch(_RUNNING, living, me)
        claimed = await DBOS.list_workflows_async(
            status="PENDING", name="run_task", load_input=False, load_output=False
        )
        # In this order: what has begun since cannot be among the rows, what has ended is no harm.
        left = {
            f"{row['id']}.{row['run']}"
            for row in running
            if row["worker"] != me or row["id"] not in self.runner.running
        }
        left |= {
            each.workflow_id
            for each in claimed
            if each.executor_id not in living or (is_first and each.executor_id == me)
        }
        if not left:
            return 0
        async with self._database.transaction() as db:
            await db.execute(_AS_PLATFORM)
            taken = await db.fetch(_HAND_BACK, sorted(left))
        await DBOS.cancel_workflows_async(sorted(left))
        return len(taken)

    async def _forget(self) -> None:
        """What became of a task stands in its row; DBOS's own account of it is kept for a day."""
        while True:
            old = await _ended_before(KEPT_H)
            if not old:
                break
            await DBOS.delete_workflows_async(old)
        async with self._database.connection() as connection:
            await connection.execute(_FORGET_WORKERS)


async def _ended_before(hours: int) -> list[str]:
    before = (datetime.now(UTC) - timedelta(hours=hours)).isoformat()
    found = await DBOS.list_workflows_async(
        status=["SUCCESS", "ERROR", "CANCELLED"],
        completed_before=before,
        limit=500,
        load_input=False,
        load_output=False,
    )
    return [each.workflow_id for each in found]

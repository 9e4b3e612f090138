"""The process that carries out tasks: DBOS on the same PostgreSQL hands them out, the runner does them.

What DBOS knows of a task is its ids. It keeps the queues, how much of each a tenant may have at once, and what waits
for a moment. Which run of a task counts, and what it has done, stands in our own rows, so a worker that was taken for
dead can wake up again and do no harm.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from dbos import DBOS, DBOSClient, DBOSConfig
from dbos._queue import QueueRateLimit

from serve.kernel.background import Background
from serve.kernel.db import Database, Record
from serve.kernel.errors import Unavailable
from serve.kernel.tasks.acting import acting_for
from serve.kernel.tasks.kinds import Queue, check_queues
from serve.kernel.tasks.presence import NameTaken, Presence
from serve.kernel.tasks.runner import Runner, patiently
from serve.kernel.tasks.watchdog import Watchdog

log = logging.getLogger("throughline.tasks")

APPLICATION = "throughline"
SEEN_EVERY_S = 5.0
SILENT_S = 30.0
BLOCKED_S = 20.0
POLL_S = 0.4
BUSY_POLL_S = 0.02
PACE_EVERY_S = 0.5
BUSY_FOR_LOOKS = 4
KEPT_H = 24
KEPT_DAYS = 90
LAST_WORDS_S = 10

_LIVING = "select name, version from task_workers where seen_at > now() - make_interval(secs => $1)"
# Claimed from the queue, or running as the task's row says: after a crash it may be either.
_TAKEN = """
    select workflow_uuid as run, executor_id as worker, queue_partition_key as tenant_id from dbos.workflow_status
    where status = 'PENDING' and name = 'run_task'
    union
    select id || '.' || run, worker, tenant_id::text from tasks where status = 'running'
"""
_HAND_BACK = """
    update tasks set status = 'queued', run = run + 1, message = $4,
        attempt = attempt + case when status = 'running' then $3 else 0 end,
        not_before = case when status = 'running' and attempt > 1 and $3 > 0
            then now() + random() * make_interval(secs => least(2 ^ attempt, 600)) end
    where id = any ($1::uuid[]) and (id || '.' || run) = any ($2) and status in ('queued', 'running')
    returning id, set_config('app.event', 'task.handed_back', true) as _event
"""
# As DBOS cancels, but in the same transaction: there is never a run too many that counts against the tenant's.
_LET_GO = """
    update dbos.workflow_status set status = 'CANCELLED', owner_xid = null, queue_name = null,
        deduplication_id = null, started_at_epoch_ms = null,
        updated_at = extract(epoch from now())::bigint * 1000, completed_at = extract(epoch from now())::bigint * 1000
    where workflow_uuid = any ($1) and status = 'PENDING'
"""
_OLD = """
    select id, tenant_id from tasks
    where status in ('succeeded', 'failed', 'cancelled') and finished_at < now() - make_interval(days => $1)
    limit 500
"""
_FORGET_TASKS = """
    with gone as (delete from tasks where id = any ($1::uuid[]) and finished_at is not null returning id)
    delete from task_steps s using gone where s.task_id = gone.id and s.tenant_id = $2
"""
_FORGET_WORKERS = "delete from task_workers where seen_at < now() - interval '1 day'"


class Worker:
    """``address`` is the database's, as the worker role; ``name`` tells this process from other workers, and stays the
    same over restarts; ``version`` is that of the service. ``give_up`` is called when it may not go on."""

    def __init__(
        self,
        address: Callable[[], str],
        database: Database,
        *,
        name: str,
        version: str,
        queues: Mapping[str, Queue],
        at_once: int,
        state: Any = None,
        poll_s: float = POLL_S,
        silent_s: float = SILENT_S,
        kept_days: int = KEPT_DAYS,
        give_up: Callable[[], None] = lambda: None,
    ) -> None:
        self._address, self._database, self._version = address, database, version
        self._queues, self._at_once, self._poll_s = queues, at_once, poll_s
        self._silent_s, self._kept_days, self._give_up = silent_s, kept_days, give_up
        self.runner = Runner(database, name, state)
        self._presence = Presence(database, name, version, silent_s=silent_s)
        self._unexplained: set[str] = set()
        self._busy: dict[str, int] = {}  # looks that a queue still counts as busy
        self._background = Background()
        self._watchdog = Watchdog(BLOCKED_S)

    async def start(self) -> None:
        """Take over what this worker left when it ended, then take work from the queues.

        Raises QueueMissing, NameTaken.
        """
        check_queues(self._queues)
        await patiently(lambda: self._presence.show(is_first=True))
        # Before DBOS looks: it would go on with runs of ours by itself.
        await patiently(lambda: self.take_over(is_first=True))
        address = await patiently(lambda: asyncio.to_thread(self._address))
        await asyncio.to_thread(self._set_limits, address)
        config: DBOSConfig = {
            "name": APPLICATION,
            "system_database_url": address,
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

        DBOS.listen_queues(list(self._queues))
        DBOS.launch()
        self._background.every(min(SEEN_EVERY_S, self._silent_s / 4), self._look_after, name="worker")
        self._background.every(PACE_EVERY_S, self._keep_pace, name="pace of queues")
        self._background.every(3600.0, self._forget, name="old tasks")
        self._watchdog.start()

    def _set_limits(self, address: str) -> None:
        """Before anything is taken from the queues: what an earlier setting said would hold for a moment otherwise."""
        client = DBOSClient(system_database_url=address)
        try:
            for name, queue in self._queues.items():
                limiter: QueueRateLimit | None = None
                if queue.limit and queue.period_s:
                    limiter = {"limit": queue.limit, "period": queue.period_s}
                client.register_queue(
                    name,
                    worker_concurrency=self._at_once,
                    partition_concurrency=queue.at_once,
                    partition_limiter=limiter,
                    polling_interval_sec=self._poll_s,
                    application_name=APPLICATION,
                )
        finally:
            client.destroy()

    async def stop(self) -> None:
        """Steps that run may end; what is left of their tasks, and of longer ones, goes to other workers."""
        self.runner.is_stopping = True
        await self._background.stop()
        await asyncio.to_thread(DBOS.destroy, workflow_completion_timeout_sec=LAST_WORDS_S)
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor())  # DBOS had lent us its own
        cut_off = [*self.runner.running.values()]
        for task in cut_off:
            task.cancel()
        if cut_off:
            await asyncio.wait(cut_off, timeout=1)
        try:
            left = [each for each in await self._taken() if each["worker"] == self.runner.name]
            await self._hand_back(left, "The worker was stopped in the middle of a step.", tries=0)
        except Unavailable as away:
            log.warning("running tasks wait for the next worker: %s", away.detail)
        await self._presence.leave()
        self._watchdog.stop()

    async def _keep_pace(self) -> None:
        """Look into a queue often while tasks come out of it, and seldom when none has for a while: a look costs, and
        many tasks would wait for the next one. The pace stands in the database, and is one for all workers."""
        begun, self.runner.begun = self.runner.begun, Counter()
        for name in self._queues:
            left = BUSY_FOR_LOOKS if begun[name] else self._busy.get(name, 0) - 1
            self._busy[name] = max(left, 0)
            if begun[name] or left == 0:
                queue = await DBOS.retrieve_queue_async(name)
                if queue is not None:
                    await queue.set_polling_interval_sec_async(BUSY_POLL_S if begun[name] else self._poll_s)

    async def _look_after(self) -> None:
        try:
            await self._presence.show()
        except NameTaken as taken:  # while the database was away
            log.error("%s", taken)
            self._give_up()
            return
        await self.take_over()
        await self._lead()

    async def take_over(self, *, is_first: bool = False) -> int:
        """Queue again what workers left that are no more; how many tasks that were."""
        me = self.runner.name
        async with self._database.connection() as connection:
            living = {row["name"] for row in await connection.fetch(_LIVING, self._silent_s)} | {me}
        taken = await self._taken()
        # In this order: what has begun since is not among the taken, what has ended since is not queued again.
        mine = [each for each in taken if each["worker"] == me and each["run"] not in self.runner.running]
        left = [each for each in mine if is_first or each["run"] in self._unexplained]
        self._unexplained = {each["run"] for each in mine}  # one look may fall between a claim and its begin
        if self._presence.would_hear_others:
            left += [each for each in taken if each["worker"] not in living]
        return await self._hand_back(left, "Taken over from a worker that ended.", tries=1)

    async def _taken(self) -> list[Record]:
        async with self._database.connection() as connection:
            return await connection.fetch(_TAKEN)

    async def _hand_back(self, left: list[Record], message: str, *, tries: int) -> int:
        """``tries`` is how many that counts: who dies in the middle of a step again and again is given up, and after
        the first time those that ran beside come back each at a moment of its own."""
        count = 0
        for tenant_id in {each["tenant_id"] for each in left}:
            runs = sorted({each["run"] for each in left if each["tenant_id"] == tenant_id})
            task_ids = [run.partition(".")[0] for run in runs]
            async with self._database.transaction(acting_for(UUID(tenant_id), None)) as db:
                count += len(await db.fetch(_HAND_BACK, task_ids, runs, tries, message))
                await db.execute(_LET_GO, runs)
        return count

    async def _lead(self) -> None:
        """New work goes to workers of the newest version; ours is that one when nobody runs what was newer."""
        newest = (await DBOS.get_latest_application_version_async())["version_name"]
        if newest == self._version or not self._presence.would_hear_others:
            return
        async with self._database.connection() as connection:
            living = {row["version"] for row in await connection.fetch(_LIVING, self._silent_s)}
        if newest not in living:
            await DBOS.set_latest_application_version_async(self._version)

    async def _forget(self) -> None:
        """What became of a task stands in its row, as long as the setting says; DBOS keeps its own for a day."""
        while old := await _ended_before(KEPT_H):
            await DBOS.delete_workflows_async(old)
        await self.forget_tasks()
        async with self._database.connection() as connection:
            await connection.execute(_FORGET_WORKERS)

    async def forget_tasks(self) -> int:
        """Delete tasks that ended long ago, and their steps; how many. Events tell that they were."""
        count = 0
        while True:
            async with self._database.connection() as connection:
                old = await connection.fetch(_OLD, self._kept_days)
            if not old:
                return count
            for tenant_id in {row["tenant_id"] for row in old}:
                task_ids = [row["id"] for row in old if row["tenant_id"] == tenant_id]
                async with self._database.transaction(acting_for(UUID(tenant_id), None)) as db:
                    await db.execute(_FORGET_TASKS, task_ids, tenant_id)
            count += len(old)


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

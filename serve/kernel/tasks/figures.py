"""Whether tasks get on: which workers live, what waits in which queue. For operators; says nothing of any tenant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from serve.kernel.db import Database

# Both read an index over what is under way alone, however many tasks there have been. Without parameters: the doctor
# asks by another library.
WORKERS = """
    select name, version, extract(epoch from now() - seen_at)::float8 as silent_s from task_workers order by name
"""
QUEUES = """
    select queue_name as queue, count(*) filter (where status = 'ENQUEUED') as waiting,
        count(*) filter (where status = 'PENDING') as running
    from dbos.workflow_status
    where name = 'run_task' and status in ('ENQUEUED', 'PENDING') and queue_name is not null
    group by 1 order by 1
"""


@dataclass(frozen=True, slots=True)
class Figures:
    workers: Sequence[Mapping[str, Any]]
    queues: Sequence[Mapping[str, Any]]

    def alive(self, silent_s: float) -> list[str]:
        """Names of the workers that were heard of within so many seconds."""
        return [worker["name"] for worker in self.workers if worker["silent_s"] < silent_s]

    def by_queue(self, what: str) -> dict[str, int]:
        """How many are ``waiting`` or ``running``."""
        return {row["queue"]: row[what] for row in self.queues if row[what]}


async def figures(database: Database) -> Figures:
    """``database`` acts as the worker."""
    async with database.connection() as connection:
        return Figures(await connection.fetch(WORKERS), await connection.fetch(QUEUES))

"""What ``benchmarks.tasks`` measures, each function in a process of its own: jobs asked for, then carried out."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from uuid import UUID

import asyncpg
import psutil

from serve.kernel.db import Database
from serve.kernel.tasks import Work, enqueue, task
from serve.kernel.tasks.acting import acting_for
from serve.kernel.tasks.kinds import parse_queues
from serve.kernel.tasks.worker import Worker
from serve.settings import Settings

AT_ONCE = 8
CLAIM = """
    update raw_jobs set status = 'running', started_at = now() where id = (
        select id from raw_jobs where status = 'queued' order by id limit 1 for update skip locked
    ) returning id
"""


async def by_eight(count: int, do: Callable[[int], Awaitable[object]]) -> float:
    """Seconds until ``do`` was called so often, by eight at once."""
    numbers = iter(range(count))

    async def one() -> None:
        for number in numbers:
            await do(number)

    began = time.perf_counter()
    await asyncio.gather(*(one() for _ in range(AT_ONCE)))
    return time.perf_counter() - began


def facts(count: int, enqueue_s: float, drain_s: float) -> dict[str, Any]:
    return {
        "seconds": enqueue_s + drain_s,
        "enqueued_per_s": count / enqueue_s,
        "ended_per_s": count / drain_s,
    }


def raw(url: str, count: int) -> dict[str, Any]:
    """What one would write by hand: a row, claimed in one transaction and ended in another."""
    return asyncio.run(_raw(url, count))


async def _raw(url: str, count: int) -> dict[str, Any]:
    async with asyncpg.create_pool(url, min_size=AT_ONCE, max_size=AT_ONCE) as pool:
        await pool.execute(
            "drop table if exists raw_jobs; create table raw_jobs (id bigint generated always as identity primary key,"
            " status text not null default 'queued', tenant_id uuid, params jsonb,"
            " created_at timestamptz default now(), started_at timestamptz, finished_at timestamptz);"
            " create index on raw_jobs (id) where status = 'queued'"
        )
        insert = "insert into raw_jobs (params) values ('{}')"
        enqueue_s = await by_eight(count, lambda number: pool.execute(insert))

        async def carry_out(number: int) -> None:
            job_id = await pool.fetchval(CLAIM)
            await pool.execute(
                "update raw_jobs set status = 'ended', finished_at = now() where id = $1", job_id
            )

        return facts(count, enqueue_s, await by_eight(count, carry_out))


def procrastinate(url: str, count: int) -> dict[str, Any]:
    return asyncio.run(_procrastinate(url, count))


async def _procrastinate(url: str, count: int) -> dict[str, Any]:
    import procrastinate as library

    app = library.App(connector=library.PsycopgConnector(conninfo=url, max_size=AT_ONCE + 2))

    @app.task(name="nothing")
    async def nothing() -> None:
        return None

    async with app.open_async():
        if not await app.check_connection_async():
            await app.schema_manager.apply_schema_async()
        enqueue_s = await by_eight(count, lambda number: nothing.defer_async())
        began = time.perf_counter()
        await app.run_worker_async(wait=False, concurrency=AT_ONCE, install_signal_handlers=False)
        drain_s = time.perf_counter() - began
    return facts(count, enqueue_s, drain_s)


class Ours:
    """The API's connection to ask, and a worker with the settings that it has without any being set."""

    def __init__(self, api: str, worker: str, tenants: Sequence[str], steps: int) -> None:
        self.api, settings = Database(lambda: api, size=AT_ONCE), Settings()
        self.callers = [acting_for(UUID(tenant), UUID(int=1)) for tenant in tenants]
        queues = parse_queues(settings.task_queues)
        self.database = Database(lambda: worker, size=settings.worker_tasks * len(queues) + 2)
        self.worker = Worker(
            lambda: worker,
            self.database,
            name="bench",
            version="1",
            queues=queues,
            at_once=settings.worker_tasks,
        )

        @task("bench")
        async def bench(work: Work) -> None:
            for number in range(steps):
                await work.step(f"step {number}", nothing)

    async def ask(self, number: int) -> None:
        async with self.api.transaction(self.callers[number % len(self.callers)]) as db:
            await enqueue(db, "bench", {}, title="bench")

    async def ended(self) -> None:
        async with self.database.connection() as connection:
            while await connection.fetch("select from tasks where status in ('queued', 'running') limit 1"):
                await asyncio.sleep(0.05)

    async def fetch(self, sql: str, *values: Any) -> list[Any]:
        async with self.database.connection() as connection:
            return list(await connection.fetch(sql, *values))


async def nothing(db: Any) -> None:
    return None


def ours(api: str, worker: str, tenants: Sequence[str], count: int, steps: int) -> dict[str, Any]:
    return asyncio.run(_ours(Ours(api, worker, tenants, steps), count))


async def _ours(bench: Ours, count: int) -> dict[str, Any]:
    enqueue_s = await by_eight(count, bench.ask)
    began = time.perf_counter()
    await bench.worker.start()
    await bench.ended()
    drain_s = time.perf_counter() - began
    await bench.worker.stop()
    return facts(count, enqueue_s, drain_s)


def calm(
    api: str, worker: str, tenants: Sequence[str], per_s: float, for_s: float, steps: int
) -> dict[str, Any]:
    """A task now and then, and then none: how long each takes, and what a worker costs that has nothing to do."""
    return asyncio.run(_calm(Ours(api, worker, tenants, steps), per_s, for_s))


async def _calm(bench: Ours, per_s: float, for_s: float) -> dict[str, Any]:
    await bench.worker.start()
    await asyncio.sleep(2)
    began = await bench.fetch("select now() as at")
    for number in range(int(per_s * for_s)):
        await bench.ask(number)
        await asyncio.sleep(1 / per_s)
    await bench.ended()
    (row,) = await bench.fetch(
        "select percentile_cont(array[0.5, 0.99]) within group (order by"
        " extract(epoch from finished_at - created_at)::float8) as p from tasks where created_at >= $1",
        began[0]["at"],
    )
    await asyncio.sleep(6)  # until it has noticed that it is quiet
    process, count = psutil.Process(), "select xact_commit + xact_rollback as n from pg_stat_database"
    count += " where datname = current_database()"
    cpu_s, commits, from_s = sum(process.cpu_times()[:2]), await bench.fetch(count), time.perf_counter()
    await asyncio.sleep(10)
    idle_s = time.perf_counter() - from_s
    idle = {
        "idle_cpu_percent": 100 * (sum(process.cpu_times()[:2]) - cpu_s) / idle_s,
        "idle_transactions_per_s": ((await bench.fetch(count))[0]["n"] - commits[0]["n"]) / idle_s,
    }
    await bench.worker.stop()
    return {"seconds": row["p"][1], "p50_ms": row["p"][0] * 1000, "p99_ms": row["p"][1] * 1000, **idle}

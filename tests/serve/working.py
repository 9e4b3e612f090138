"""The worker's part, done by hand: tests say when."""

from __future__ import annotations

from typing import Any

from serve.kernel.tasks.runner import Runner

_QUEUED = """
    select id, tenant_id, run from tasks
    where status = 'queued' and ($1 or coalesce(not_before, now()) <= now()) and kind = coalesce($2, kind)
    order by id
"""


async def work(state: Any, *, waits_too: bool = False, kind: str | None = None) -> int:
    """Carry out what is queued, one task after the other, until nothing is; how many runs that took.

    ``state`` is the application's; ``waits_too`` does now what is to be tried again later, ``kind`` leaves all others.
    """
    runner = Runner(state.worker_database, "tests", state)
    count, seen = 0, set()  # a run that is not begun, because its tenant stands still, comes up once
    while True:
        async with state.worker_database.connection() as connection:
            queued = await connection.fetch(_QUEUED, waits_too, kind)
        new = [task for task in queued if (task["id"], task["run"]) not in seen]
        if not new:
            return count
        for task in new:
            seen.add((task["id"], task["run"]))
            await runner.run(task["tenant_id"], task["id"], task["run"])
            count += 1

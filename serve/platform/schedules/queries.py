"""Statements about schedules that no resource generates."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from serve.kernel.db import Transaction
from serve.kernel.paging import Paged, page_meta

_RUNS = """
    select r.id, r.due_at, r.trigger, r.outcome, r.reason, r.missed_count, r.task_id,
        t.status as task_status, t.finished_at
    from schedule_runs r left join tasks t on t.tenant_id = r.tenant_id and t.id = r.task_id
    where r.schedule_id = $1 order by r.created_at desc, r.id desc limit $2 offset $3
"""


async def runs(
    db: Transaction, schedule_id: UUID, asked: Paged
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    limit, offset = window = asked.window()
    rows = await db.fetch(_RUNS, schedule_id, limit, offset)
    counted = await db.fetch_one(
        "select count(*) as total from schedule_runs where schedule_id = $1", schedule_id
    )
    assert counted is not None
    return [dict(row) for row in rows], page_meta(window, counted["total"])

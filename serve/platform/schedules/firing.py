"""The clock of the worker: schedules whose time has come."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from serve.kernel.db import Database, Transaction
from serve.kernel.tasks.acting import acting_for
from serve.platform.schedules import service

log = logging.getLogger("throughline.schedules")

EVERY_S = 1.0
MOST = 200

_IS_DUE = """
    status = 'active' and deleted_at is null and (
        next_run_at <= $1 or (waiting_since is not null and not exists (
            select from tasks t where t.tenant_id = schedules.tenant_id and t.entity_type = 'schedule'
                and t.entity_id = schedules.id and t.status in ('queued', 'running', 'paused')
        ))
    )
"""
_DUE = (
    f"select id, tenant_id, user_id, api_key_id from schedules where {_IS_DUE}"
    f" and tenant_id not in (select held_tenants()) order by next_run_at limit {MOST}"
)
"""Not those of tenants that stand still: what came up meanwhile is caught up with afterwards, as each schedule says."""
_TAKE = f"select * from schedules where id = $2 and {_IS_DUE} for update skip locked"


async def fire_due(database: Database, now: datetime | None = None) -> int:
    """Fire what is due at this moment (``now`` is for tests); how many that were. ``database`` acts as the worker.

    Each is a transaction of its own: the time that came, its task, and when it comes next. Several workers may look at
    once: whoever finds a schedule locked leaves it to the other.
    """
    now = now or datetime.now(UTC)
    async with database.connection() as connection:
        due = await connection.fetch(_DUE, now)
    fired = 0
    for each in due:
        caller = acting_for(UUID(each["tenant_id"]), _uuid(each["user_id"]), _uuid(each["api_key_id"]))
        try:
            async with database.transaction(caller) as db:
                schedule = await db.fetch_one(_TAKE, now, each["id"])
                if schedule is not None:
                    await _change(db, schedule, await service.fire(db, schedule, now))
                    fired += 1
        except Exception:  # the others' times have come too
            log.exception("schedule %s could not be fired", each["id"])
    return fired


async def _change(db: Transaction, schedule: Mapping[str, Any], changes: Mapping[str, Any]) -> None:
    if changes:
        sets = ", ".join(f"{column} = ${n}" for n, column in enumerate(changes, 2))
        await db.execute(f"update schedules set {sets} where id = $1", schedule["id"], *changes.values())


def _uuid(text: str | None) -> UUID | None:
    return None if text is None else UUID(text)

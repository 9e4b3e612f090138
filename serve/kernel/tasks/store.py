"""Tasks in the database: asked for, stopped, tried again. A trigger puts a task that becomes queued into its queue.

What stands in the row decides; the queue only says when. So whatever is asked of a task is done when its transaction
commits: no step of a cancelled task writes anything afterwards.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Literal
from uuid import UUID

from serve.kernel.db import Record, Transaction
from serve.kernel.ids import uuid7
from serve.kernel.tasks.acting import Platform
from serve.kernel.tasks.errors import TaskEnded, TaskNotDead, TaskNotFailed, TaskNotPaused
from serve.kernel.tasks.kinds import KINDS

ENDED = ("succeeded", "failed", "cancelled")

_ENQUEUE = """
    insert into tasks (
        id, tenant_id, kind, queue, title, operation_id, entity_type, entity_id, params, total_count, most_attempts,
        not_before, external_id, user_id, api_key_id, request_id, cause_id
    )
    values (
        $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15,
        nullif(current_setting('app.request_id', true), ''), nullif(current_setting('app.cause', true), '')::uuid
    )
    on conflict (tenant_id, external_id) do nothing
    returning *
"""


async def enqueue(
    db: Transaction,
    kind: str,
    params: Mapping[str, Any] | None = None,
    *,
    title: str,
    about: tuple[str, UUID | str] | None = None,
    operation_id: str | None = None,
    total_count: int | None = None,
    not_before: datetime | None = None,
    key: str | None = None,
    task_id: UUID | str | None = None,
) -> Record | None:
    """Have work of this kind done for the caller, once the transaction commits; the task's row.

    ``params`` hold ids and choices, never secrets or the data of people: they stay in the queue. ``about`` is the kind
    and id of the row that it is for. With a ``key`` of the caller's choosing there is one task: None when there was
    one already.
    """
    declared = KINDS[kind]
    caller = db.caller
    user_id = None if isinstance(caller, Platform) else caller.user_id
    return await db.fetch_one(
        _ENQUEUE,
        *(task_id or uuid7(), caller.tenant_id, kind, declared.queue, title, operation_id),
        *(about or (None, None)),
        *(
            dict(params or {}),
            total_count,
            declared.most_attempts,
            not_before,
            key,
            user_id,
            caller.api_key_id,
        ),
    )


# What people ask of a task. Each gets the row, locked, and gives the columns to change.


def cancelled(task: Mapping[str, Any]) -> dict[str, Any]:
    """Raises TaskEnded."""
    if task["status"] == "cancelled":
        return {}
    if task["status"] in ENDED:
        raise TaskEnded
    return {"status": "cancelled", "finished_at": _now()}


def paused(task: Mapping[str, Any]) -> dict[str, Any]:
    """Raises TaskEnded."""
    if task["status"] in ENDED:
        raise TaskEnded
    return {"status": "paused"}


def resumed(task: Mapping[str, Any]) -> dict[str, Any]:
    """Raises TaskNotPaused."""
    if task["status"] in ("queued", "running"):
        return {}
    if task["status"] != "paused":
        raise TaskNotPaused
    return {"status": "queued", "run": task["run"] + 1, "attempt": 1, "not_before": None}


def retried(task: Mapping[str, Any], start: Literal["failed_step", "beginning"]) -> dict[str, Any]:
    """From the step that failed, or from the beginning: then nothing that was done counts. Raises TaskNotFailed."""
    if task["status"] not in ("failed", "cancelled"):
        raise TaskNotFailed
    anew = {"round": task["round"] + 1, "done_count": 0} if start == "beginning" else {}
    return {
        "status": "queued",
        "run": task["run"] + 1,
        "attempt": 1,
        "error": None,
        "result": None,
        "message": None,
        "not_before": None,
        "finished_at": None,
        "dismissed_at": None,
        **anew,
    }


def dismissed(task: Mapping[str, Any]) -> dict[str, Any]:
    """Raises TaskNotDead."""
    if task["status"] != "failed":
        raise TaskNotDead
    return {} if task["dismissed_at"] else {"dismissed_at": _now()}


def _now() -> datetime:
    return datetime.now(UTC)

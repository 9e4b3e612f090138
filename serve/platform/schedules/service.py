"""Schedules are written by people and fired by the worker; either way what is asked for becomes a task."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from serve.kernel.actions import Actions
from serve.kernel.caller import Caller, Lacks
from serve.kernel.db import Record, Transaction
from serve.kernel.errors import Invalid, Problem
from serve.kernel.ids import uuid7
from serve.kernel.resources.store import Row
from serve.kernel.tasks import invoke_later
from serve.platform.schedules.errors import ScheduleBusy, ScheduleFinished
from serve.platform.schedules.rules import decide, next_time

_RUN = """
    insert into schedule_runs (id, tenant_id, schedule_id, due_at, trigger, outcome, reason, missed_count, task_id)
    values ($1, current_setting('app.tenant_id')::uuid, $2, $3, $4, $5, $6, $7, $8)
"""
_BUSY = """
    select 1 from tasks
    where entity_type = 'schedule' and entity_id = $1 and status in ('queued', 'running', 'paused') limit 1
"""
_CANCEL = """
    update tasks set status = 'cancelled', finished_at = now(), message = 'The next run of its schedule has begun.'
    where entity_type = 'schedule' and entity_id = $1 and status in ('queued', 'running', 'paused')
    returning set_config('app.event', 'task.cancelled', true) as _event
"""


def check_action(actions: Actions, caller: Caller, values: Mapping[str, Any]) -> None:
    """Raises Invalid or Forbidden for an action that there is not, or that the caller may not invoke."""
    try:
        action = actions.get(values["operation_id"])
        action.asked(values["params"])
    except Problem as problem:
        field = "params" if isinstance(problem, Invalid) and problem.details else "operation_id"
        said = "; ".join(f"{name} {message}" for name, message in problem.details) or problem.detail
        raise Invalid(details=[(field, said)]) from problem
    if action.permission not in caller.permissions:
        said = f"You may not invoke {action.id} yourself: it needs the permission {action.permission}."
        raise Lacks(caller, action.permission, said)


def timed(values: Mapping[str, Any], *, is_paused: bool = False) -> dict[str, Any]:
    """The columns that follow from when it is to run."""
    following = next_time(values, datetime.now(UTC))
    if following is None:
        return {"status": "finished", "next_run_at": None}
    return {"status": "paused" if is_paused else "active", "next_run_at": None if is_paused else following}


def acted_by(caller: Caller) -> dict[str, Any]:
    return {"user_id": caller.user_id, "api_key_id": caller.api_key_id}


def paused(schedule: Mapping[str, Any]) -> dict[str, Any]:
    """Raises ScheduleFinished."""
    if schedule["status"] == "finished":
        raise ScheduleFinished
    return {"status": "paused", "next_run_at": None, "waiting_since": None}


def resumed(schedule: Mapping[str, Any]) -> dict[str, Any]:
    """Its next time is after now: what passed while it was held is not made up for. Raises ScheduleFinished."""
    if schedule["status"] == "active":
        return {}
    if schedule["status"] == "finished":
        raise ScheduleFinished
    return timed(schedule)


async def run_now(db: Transaction, schedule: Row, *, despite_overlap: bool) -> Record:
    """As the caller, whatever its times are. Raises ScheduleBusy."""
    if not despite_overlap and schedule["overlap"] != "allow" and await db.fetch_one(_BUSY, schedule["id"]):
        raise ScheduleBusy
    task = await _invoke(db, schedule)
    await _note(db, schedule, datetime.now(UTC), "person", "started", task=task)
    return task


async def fire(db: Transaction, schedule: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """Do what is due; the columns of the schedule that change. ``db`` acts for whom the schedule does."""
    is_busy = await db.fetch_one(_BUSY, schedule["id"]) is not None
    if schedule["waiting_since"] is not None and not is_busy:
        task = await _invoke(db, schedule)
        await _note(db, schedule, schedule["waiting_since"], "schedule", "started", task=task)
        return {"waiting_since": None} | ({} if schedule["next_run_at"] else {"status": "finished"})
    if schedule["next_run_at"] is None or schedule["next_run_at"] > now:
        return {}
    decision = decide(schedule, now, is_busy=is_busy)
    changes: dict[str, Any] = {}
    task = None
    if decision.deed == "cancel_and_start":
        await db.fetch(_CANCEL, schedule["id"])
    if decision.deed in ("start", "cancel_and_start"):
        task = await _invoke(db, schedule)
    elif decision.deed == "wait":
        changes["waiting_since"] = decision.due_at
    outcome = {"wait": "waiting", "skip": "skipped", "miss": "missed"}.get(decision.deed, "started")
    await _note(
        *(db, schedule, decision.due_at, "schedule", outcome),
        task=task,
        reason=decision.reason,
        missed_count=decision.missed_count,
    )
    following = next_time(schedule, max(now, decision.due_at))
    is_over = following is None and not changes
    return {**changes, "next_run_at": following, **({"status": "finished"} if is_over else {})}


async def _invoke(db: Transaction, schedule: Mapping[str, Any]) -> Record:
    task = await invoke_later(
        db,
        schedule["operation_id"],
        schedule["params"],
        title=schedule["name"],
        about=("schedule", UUID(str(schedule["id"]))),
    )
    assert task is not None, "without a key there is always a task"
    return task


async def _note(
    db: Transaction,
    schedule: Mapping[str, Any],
    due_at: datetime,
    trigger: str,
    outcome: str,
    *,
    task: Record | None = None,
    reason: str | None = None,
    missed_count: int = 0,
) -> None:
    task_id = task["id"] if task else None
    await db.execute(_RUN, uuid7(), schedule["id"], due_at, trigger, outcome, reason, missed_count, task_id)

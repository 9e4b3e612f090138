"""Statements about tasks that no resource generates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from serve.kernel.caller import Caller
from serve.kernel.db import Transaction
from serve.kernel.paging import Paged, page_meta
from serve.kernel.resources import Resource
from serve.kernel.resources.filters import ListQuery

_DEAD = """
    from tasks t where t.status = 'failed' and t.dismissed_at is null and t.deleted_at is null
        and ($1::uuid is null or t.user_id = $1)
"""


def whose(caller: Caller) -> UUID | None:
    """The person whose tasks the caller sees; None for everybody's."""
    return None if "tasks:read" in caller.permissions else caller.user_id


def only_own(asked: ListQuery, caller: Caller) -> ListQuery:
    """The list as it was asked for, of what the caller may see."""
    own = whose(caller)
    return asked if own is None else asked.model_copy(update={"user_id": [own]})


async def dead_letters(
    db: Transaction, tasks: Resource, asked: Paged, own: UUID | None
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    limit, offset = window = asked.window()
    columns = ", ".join(f"t.{column}" for column in tasks.columns)
    rows = await db.fetch(
        f"select {columns} {_DEAD} order by t.id desc limit $2 offset $3", own, limit, offset
    )
    counted = await db.fetch_one(f"select count(*) as total {_DEAD}", own)
    assert counted is not None
    return [dict(row) for row in rows], page_meta(window, counted["total"])


async def steps(db: Transaction, task_id: UUID, asked: Paged) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    limit, offset = window = asked.window()
    rows = await db.fetch(
        "select name, round, attempt, worker, started_at, finished_at, output from task_steps"
        " where task_id = $1 order by started_at, name limit $2 offset $3",
        *(task_id, limit, offset),
    )
    counted = await db.fetch_one("select count(*) as total from task_steps where task_id = $1", task_id)
    assert counted is not None
    return [dict(row) for row in rows], page_meta(window, counted["total"])


def change(tasks: Resource, task_id: str, changes: Mapping[str, Any], name: str) -> tuple[Any, ...]:
    """The statement and what it binds: clients read fewer columns of a task than change."""
    sets = ", ".join(f"{column} = ${n}" for n, column in enumerate(changes, 3))
    return (
        f"update tasks t set {sets} where t.id = $2 returning {tasks.selected},"
        " set_config('app.event', $1, true) as _event",
        *(name, task_id, *changes.values()),
    )

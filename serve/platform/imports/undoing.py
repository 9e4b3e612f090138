"""Undoing an import, as a task: rows that it made go, rows that it changed are what they were.

Nothing is guessed: every event of an import names the import as its cause. Whoever has touched a row since keeps it,
and so does a row of something else that refers to it; what is left is named with the reason. Each step is one
transaction of 200 events, the newest first.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy import Table

from serve.kernel.db import Transaction
from serve.kernel.errors import Forbidden, Problem
from serve.kernel.resources.declaration import Resource
from serve.kernel.resources.errors import meaning
from serve.kernel.resources.import_runs import IMPORTERS
from serve.kernel.resources.store import Row
from serve.kernel.schema import metadata
from serve.kernel.tasks import Work, enqueue, task
from serve.platform.imports.errors import ImportNotFound, ImportStillRuns, ImportUndone, NothingToUndo
from serve.platform.imports.rules import Verdict, verdict

KIND = "imports.undo"
BATCH = 200

_LOCKED = """
    select id, resource, filename, is_dry_run, status, undo_task_id, created_count, updated_count
    from imports where id = $1 and tenant_id = $2 for no key update
"""
_BEGUN = "update imports set undo_task_id = $2 where id = $1"
_ENDED = "update imports set undone_at = now() where id = $1"
_COUNTED = """
    update imports set removed_count = removed_count + $2, reverted_count = reverted_count + $3,
        left_count = left_count + $4
    where id = $1
"""
_LEFT = """
    insert into import_leftovers (tenant_id, import_id, row_id, reason)
    select $1, $2, l.row_id, l.reason from jsonb_to_recordset($3) l (row_id uuid, reason text)
    on conflict (tenant_id, import_id, row_id) do update set reason = excluded.reason
"""
# The events of an import lie within its time, which has an index; their causes have none. A clock that was set back a
# little is no harm.
_PAGE = """
    select e.entity_id, e.position from events e join imports i on i.tenant_id = e.tenant_id and i.id = $1
    where e.tenant_id = $2 and e.cause_id = $1 and e.entity_type = $3 and e.position < $4
        and e.happened_at between i.created_at - interval '5 minutes'
            and coalesce(i.finished_at, now()) + interval '5 minutes'
    order by e.position desc limit $5
"""
_EVENTS = """
    select e.entity_id, e.name, e.actor_kind, e.cause_id, e.before from events e
    where e.tenant_id = $1 and e.entity_type = $2 and e.entity_id = any($3::uuid[]) and e.category = 'change'
        and e.position >= (
            select min(f.position) from events f
            where f.tenant_id = $1 and f.entity_type = $2 and f.entity_id = e.entity_id and f.cause_id = $4
        )
    order by e.entity_id, e.position
"""
_LAST = 2**62


async def ask(db: Transaction, import_id: UUID) -> Mapping[str, Any]:
    """The task that undoes it. Raises ImportNotFound, or why it cannot be undone."""
    found = await db.fetch_one(_LOCKED, import_id, db.caller.tenant_id)
    if found is None or found["resource"] not in IMPORTERS:
        raise ImportNotFound
    if IMPORTERS[found["resource"]][0].writing not in db.caller.permissions:
        raise ImportNotFound
    if found["status"] == "running":
        raise ImportStillRuns
    if found["undo_task_id"] is not None:
        raise ImportUndone(details=[("undo_task_id", f"task {found['undo_task_id']} undoes it, or has")])
    count = found["created_count"] + found["updated_count"]
    if found["is_dry_run"] or not count:
        raise NothingToUndo
    params = {"import_id": found["id"], "resource": found["resource"]}
    title = f"Undo of the import of {found['filename'] or found['resource'].replace('_', ' ')}"
    asked = await enqueue(db, KIND, params, title=title, about=("import", found["id"]), total_count=count)
    assert asked is not None
    await db.execute(_BEGUN, found["id"], asked["id"])
    return asked


@task(KIND, queue="files")
async def undo(work: Work) -> Any:
    """As whoever asked for it, with what they may do now. Raises Forbidden."""
    import_id, (resource, _) = str(work.params["import_id"]), IMPORTERS[work.params["resource"]]
    if resource.writing not in (await work.person()).permissions:
        raise Forbidden(f"Whoever asked for it has no permission {resource.writing} any more.")
    below: int | None = _LAST
    while below is not None:
        below = await work.step(f"below {below}", partial(_batch, work, resource, import_id, below))
    await work.step("end", partial(_end, import_id))


async def _end(import_id: str, db: Transaction) -> None:
    await db.execute(_ENDED, import_id)


async def _batch(work: Work, resource: Resource, import_id: str, below: int, db: Transaction) -> int | None:
    """The place of the last event that was looked at; None when there are no more."""
    page = await db.fetch(_PAGE, import_id, work.tenant_id, resource.entity, below, BATCH)
    ids = list(dict.fromkeys(row["entity_id"] for row in page))
    rows = {row_id: await _locked(resource, db, row_id) for row_id in sorted(ids)}
    # Only once they are locked: nobody touches them any more while we look.
    events: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for event in await db.fetch(_EVENTS, work.tenant_id, resource.entity, ids, import_id):
        events[event["entity_id"]].append(event)
    counts: Counter[str] = Counter()
    left: list[dict[str, str]] = []
    for row_id in ids:
        what = verdict(events[row_id], import_id, work.id)
        what = await _tried(resource, db, row_id, rows[row_id], what)
        counts[what.what] += 1
        if what.what == "leave":
            left.append({"row_id": row_id, "reason": what.reason})
    if left:
        await db.execute(_LEFT, work.tenant_id, import_id, left)
    await db.execute(_COUNTED, import_id, counts["remove"], counts["revert"], counts["leave"])
    await db.execute(
        "update tasks set done_count = done_count + $2 where id = $1",
        work.id,
        counts.total() - counts["done"],
    )
    return page[-1]["position"] if len(page) == BATCH else None


async def _locked(resource: Resource, db: Transaction, row_id: str) -> Row | None:
    try:
        return await resource.get(db, UUID(row_id), lock=True)
    except resource.NotFound:
        return None


async def _tried(resource: Resource, db: Transaction, row_id: str, row: Row | None, what: Verdict) -> Verdict:
    """What came of it: what was to be done, or that the row is left because it could not."""
    if what.what in ("leave", "done"):
        return what
    if row is None:
        return Verdict("leave", reason="is not there any more")
    try:
        async with db.attempt():
            if what.what == "remove":
                await _remove(resource, db, row_id, row)
            else:
                await _revert(resource, db, row, what.before or {})
    except Exception as error:
        problem = error if isinstance(error, Problem) else meaning(error)
        if problem is None:
            raise
        said = "; ".join(f"{field}: {message}" for field, message in problem.details)
        return Verdict("leave", reason=said or problem.detail)
    return what


class _ReferredTo(Problem):
    """Rows of something else refer to it."""

    status, code, message = 409, "REFERRED_TO", "Other rows refer to it."


async def _remove(resource: Resource, db: Transaction, row_id: str, row: Row) -> None:
    """As by hand, only that the client's own id is free again: the file may be mended and sent once more.

    Raises Problem.
    """
    if referring := await _referring(resource, db, row_id):
        raise _ReferredTo(f"is referred to by {', '.join(referring)}")
    if row.get("external_id") is not None:
        await resource.update(db, row, {"external_id": None})
    await resource.delete(db, UUID(row_id))


async def _revert(resource: Resource, db: Transaction, row: Row, before: Mapping[str, Any]) -> None:
    """Values as the events have them; no rule is asked: it was like this. Raises Problem."""
    values = db.vault.open_values(row.person_key, before)
    if any(isinstance(value, dict) and value.keys() == {"sealed"} for value in values.values()):
        raise _ReferredTo("its former values cannot be read any more")
    await resource.update(db, row, _as_columns(resource.table, values))


def _as_columns(table: Table, values: Mapping[str, Any]) -> dict[str, Any]:
    """Values of an event, which are JSON, as the columns take them; those that are computed follow by themselves."""
    found = {}
    for name, value in values.items():
        column = table.columns.get(name)
        if column is None or column.computed is not None or name in ("deleted_at", "person_key"):
            continue
        kind = column.type.python_type
        if value is not None and kind in (datetime, date, time):
            value = kind.fromisoformat(value)
        elif value is not None and kind is Decimal:
            value = Decimal(str(value))
        found[name] = value
    return found


async def _referring(resource: Resource, db: Transaction, row_id: str) -> list[str]:
    """Tables with rows that are there and refer to the row."""
    asked = _REFERRING.get(resource.name)
    if asked is None:
        asked = _REFERRING[resource.name] = _statement(resource.table)
    return [row["name"] for row in await db.fetch(asked, row_id)] if asked else []


_REFERRING: dict[str, str] = {}


def _statement(table: Table) -> str:
    parts = []
    for other, column in references_to(table):
        alive = " and r.deleted_at is null" if "deleted_at" in other.columns else ""
        parts.append(
            f"select '{other.name}' as name where exists (select from {other.name} r where r.{column} = $1{alive}"
            " and r.tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)"
        )
    return " union ".join(parts) + " order by 1" if parts else ""


def references_to(table: Table) -> Sequence[tuple[Table, str]]:
    """Each table with a column that names rows of this one, and the column."""
    return [
        (other, column)
        for other in metadata.sorted_tables
        for key in other.foreign_key_constraints
        if key.referred_table is table
        for column in key.column_keys
        if column != "tenant_id"
    ]

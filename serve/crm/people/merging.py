"""Two rows of a kind become one, and come apart again exactly as they were.

What refers to a row is asked of the database's own catalogue, so a new table is not forgotten. Each row that is moved
and each value that is taken is noted; undoing puts back what still stands as the merge left it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from serve.crm.people import rules
from serve.crm.people.combining import combined, difference, revived
from serve.crm.people.errors import ChangedSince, ErasedSince, MergedAlready, MergeStands, TooMuchToMerge
from serve.crm.people.mergeable import Mergeable
from serve.crm.people.models import merges as table
from serve.crm.people.schemas import MergeAsked, MergeFields, MergeRead
from serve.kernel.db import Transaction
from serve.kernel.envelope import dumps
from serve.kernel.errors import Invalid, NotFound
from serve.kernel.events import event
from serve.kernel.resources import Resource, Row

merges = Resource(
    table, fields=MergeFields, read=MergeRead, calls=("list", "get", "history"), permission="people"
)

MERGEABLE: dict[str, Mergeable] = {}
"""The resources whose rows can be put together, by entity: ``add_merge`` fills it."""

for _entity in ("contact", "lead", "account"):
    event(f"{_entity}.merged", "It is part of another one now: the event `merge.created` says of which.")
    event(f"{_entity}.unmerged", "It is one of its own again.")
    event(f"{_entity}.took_over", "It has values of another one that was merged into it.")
    event(f"{_entity}.gave_back", "A merge was undone: the values that it had taken are gone again.")
event("merge.undone", "The two rows are two again; `after.left_as_changed` names what stayed.")

MOST_MOVED = 20_000
OTHERWISE_NAMED = tuple((name, "entity_type", "entity_id") for name in ("files", "notifications", "tasks"))
"""Tables that name rows of any kind: (table, column of the kind, column of the id)."""

_OWN = "tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid"
_REFERRING = """
    select c.conrelid::regclass::text as table_name, a.attname::text as column_name
    from pg_constraint c
    cross join lateral unnest(c.conkey, c.confkey) as k (own, other)
    join pg_attribute a on a.attrelid = c.conrelid and a.attnum = k.own
    join pg_attribute o on o.attrelid = c.confrelid and o.attnum = k.other and o.attname = 'id'
    join pg_class t on t.oid = c.conrelid and not t.relispartition
    where c.contype = 'f' and c.confrelid = $1::text::regclass
        and has_column_privilege(c.conrelid, a.attname, 'update')
    order by 1, 2
"""
_LOCK = (
    "select id, deleted_at from {table} where " + _OWN + " and id = any($1::uuid[]) order by id for update"
)
_QUIET = "select set_config('app.event', '', true), set_config('app.sealed', '', true)"
_MOVE = "update {table} set {column} = $1::uuid where " + _OWN + " and {column} = $2::uuid{more} returning id"
_MOVE_BACK = (
    "update {table} set {column} = $1::uuid where "
    + _OWN
    + " and {column} = $2::uuid and id = any($3::uuid[]) returning id"
)
_STILL = "select id from {table} where " + _OWN + " and {column} = $1::uuid and id = any($2::uuid[])"
_MARK = (
    "update {table} set deleted_at = {value} where "
    + _OWN
    + " and id = $1::uuid returning set_config('app.event', $2, true)"
)
_NOTE_MOVES = """
    insert into merge_moves (tenant_id, merge_id, table_name, column_name, row_id)
    select $1, $2, $3, $4, row_id from unnest($5::uuid[]) row_id
"""
_MOVES = "select table_name, column_name, row_id from merge_moves where merge_id = $1 order by id"
_STANDING = (
    "select id, survivor_id from merges where "
    + _OWN
    + " and entity_type = $1 and merged_id = $2 and undone_at is null"
)
_COUNTRY = "select country from tenants where id = $1"
_SECRETS = "select taken, erased_at from merges where id = $1"


async def merge(db: Transaction, resource: Mergeable, survivor_id: UUID, asked: MergeAsked) -> Row:
    """The merge; asked again, the one that stands.

    Raises NotFound, Invalid, MergedAlready, TooMuchToMerge, or what the resource's rule says.
    """
    if survivor_id == asked.from_id:
        raise Invalid(details=[("from_id", "is the same row")])
    await resource.before_merge(db)
    await _lock(db, resource, survivor_id, asked.from_id)
    survivor = await resource.get(db, survivor_id, lock=True)
    if standing := await db.fetch_one(_STANDING, resource.entity, asked.from_id):
        if standing["survivor_id"] == str(survivor_id):
            return await merges.get(db, standing["id"])
        raise MergedAlready(details=[("from_id", f"was merged into {standing['survivor_id']}")])
    try:
        merged = await resource.get(db, asked.from_id, lock=True)
    except NotFound:
        raise Invalid(details=[("from_id", "names nothing that exists")]) from None
    if survivor.get("kind") != merged.get("kind"):
        raise Invalid(details=[("from_id", "a company and a household are not one")])

    chance, evidence = rules.likeness(
        _compared(resource, survivor),
        _compared(resource, merged),
        ((await db.fetch_one(_COUNTRY, db.caller.tenant_id)) or {}).get("country"),
    )
    stands, offered = await resource.make_way(db, survivor, merged, asked)
    await db.execute(_QUIET)
    moves = await _move(db, resource, survivor_id, asked.from_id)
    await db.fetch(
        _MARK.format(table=resource.name, value="now()"), asked.from_id, f"{resource.entity}.merged"
    )
    changes = combined(stands, offered, resource.writable, take=asked.take, fill_gaps=asked.fill_gaps)
    after = await resource.change(db, stands, event=f"{resource.entity}.took_over", **changes)
    was, became = difference(resource.table, survivor, after)
    made = await merges.insert(
        db,
        {
            "entity_type": resource.entity,
            "survivor_id": survivor_id,
            "merged_id": asked.from_id,
            "merged_by": db.caller.user_id,
            "taken_fields": sorted(became),
            "taken": _sealed(db, resource, after, was, became),
            "moved": dict(Counter(name for name, _, ids in moves for _ in ids)),
            "moved_count": sum(len(ids) for *_, ids in moves),
            "chance": round(chance, 4),
            "evidence": [each.model_dump() for each in evidence],
        },
    )
    for name, column, ids in moves:
        await db.execute(_NOTE_MOVES, db.caller.tenant_id, made["id"], name, column, ids)
    return made


async def undo(db: Transaction, merge_id: UUID, *, leave_changed: bool = False) -> Row:
    """The merge, undone; asked again it stays so.

    Raises NotFound, ErasedSince, MergeStands, or ChangedSince unless what was changed may be left as it is.
    """
    made = await merges.get(db, merge_id, lock=True)
    if made["undone_at"] is not None:
        return made
    secrets = await db.fetch_one(_SECRETS, merge_id)
    assert secrets is not None
    if secrets["erased_at"] is not None:
        raise ErasedSince
    resource = MERGEABLE[made["entity_type"]]
    survivor_id, merged_id = UUID(made["survivor_id"]), UUID(made["merged_id"])
    await resource.before_merge(db)
    await _lock(db, resource, survivor_id, merged_id)
    if later := await db.fetch_one(_STANDING, resource.entity, survivor_id):
        raise MergeStands(details=[("merge_id", str(later["id"]))])
    try:
        survivor = await resource.get(db, survivor_id, lock=True)
    except NotFound:
        raise MergeStands(details=[("survivor_id", "was deleted: restore it first")]) from None

    was, became = _opened(db, resource, survivor, secrets["taken"])
    moves = await _noted(db, merge_id)
    left: list[tuple[str, str]] = [
        (name, "was changed since") for name, value in became.items() if survivor[name] != value
    ]
    for (name, column), ids in moves.items():
        still = await db.fetch(_STILL.format(table=name, column=column), survivor_id, ids)
        if gone := len(ids) - len(still):
            left.append((f"{name}.{column}", f"{gone} refer to something else now, or are gone"))
    if left and not leave_changed:
        raise ChangedSince(details=left)

    await db.fetch(_MARK.format(table=resource.name, value="null"), merged_id, f"{resource.entity}.unmerged")
    await db.execute(_QUIET)
    for (name, column), ids in moves.items():
        if stuck := await _move_back(db, name, column, ids, merged_id, survivor_id):
            left.append((f"{name}.{column}", f"{stuck} cannot go back to where they stood"))
    back = {name: value for name, value in was.items() if survivor[name] == became[name]}
    # Past the resource's rule: it was so before, whatever may follow what.
    event_name = f"{resource.entity}.gave_back"
    try:
        async with db.attempt():
            await resource.update(db, survivor, back, event=event_name)
    except asyncpg.CheckViolationError:
        if "parent_id" not in back:
            raise
        left.append(("parent_id", "cannot stand again where it stood"))
        del back["parent_id"]
        await resource.update(db, survivor, back, event=event_name)
    if left and not leave_changed:
        raise ChangedSince(details=left)
    changes = {
        "undone_at": datetime.now(UTC),
        "undone_by": db.caller.user_id,
        "left_as_changed": [{"field": field, "message": message} for field, message in left],
    }
    return await merges.update(db, made, changes, event="merge.undone")


async def _lock(db: Transaction, resource: Mergeable, *ids: UUID) -> None:
    """Both rows, in order of their ids: two merges that cross do not block each other.

    So strongly that whoever is just adding something to one of them is waited for.
    """
    await db.fetch(_LOCK.format(table=resource.name), list(ids))


async def _move(
    db: Transaction, resource: Mergeable, to: UUID, away_from: UUID
) -> list[tuple[str, str, list[str]]]:
    """(table, column, ids) of all rows that referred to the one and refer to the other now."""
    moved, count = [], 0
    targets = [
        (row["table_name"], row["column_name"], "") for row in await db.fetch(_REFERRING, resource.name)
    ]
    targets += [
        (name, column, f" and {kind} = '{resource.entity}'") for name, kind, column in OTHERWISE_NAMED
    ]
    for name, column, more in targets:
        sql = _MOVE.format(table=name, column=column, more=more)
        try:
            async with db.attempt():
                ids = [row["id"] for row in await db.fetch(sql, to, away_from)]
        except asyncpg.UniqueViolationError:
            ids = await _move_some(db, name, column, more, to, away_from)
        count += len(ids)
        if count > MOST_MOVED:
            raise TooMuchToMerge
        if ids:
            moved.append((name, column, ids))
    return moved


async def _move_some(
    db: Transaction, name: str, column: str, more: str, to: UUID, away_from: UUID
) -> list[str]:
    """One by one: a row of which the survivor has its own, and may have one only, stays with the merged row."""
    found = await db.fetch(
        f"select id from {name} where {_OWN} and {column} = $1::uuid{more} order by id limit $2",
        *(away_from, MOST_MOVED + 1),
    )
    sql, moved = _MOVE.format(table=name, column=column, more=f"{more} and id = $3::uuid"), list[str]()
    for row in found:
        with suppress(asyncpg.UniqueViolationError):
            async with db.attempt():
                moved += [each["id"] for each in await db.fetch(sql, to, away_from, row["id"])]
    return moved


async def _move_back(
    db: Transaction, name: str, column: str, ids: list[str], to: UUID, away_from: UUID
) -> int:
    """How many the database does not let go back: accounts that would stand below themselves by now."""
    sql = _MOVE_BACK.format(table=name, column=column)
    try:
        async with db.attempt():
            await db.fetch(sql, to, away_from, ids)
        return 0
    except asyncpg.CheckViolationError:
        stuck = 0
    for row_id in ids:
        try:
            async with db.attempt():
                await db.fetch(sql, to, away_from, [row_id])
        except asyncpg.CheckViolationError:
            stuck += 1
    return stuck


async def _noted(db: Transaction, merge_id: UUID) -> dict[tuple[str, str], list[str]]:
    noted: dict[tuple[str, str], list[str]] = {}
    for row in await db.fetch(_MOVES, merge_id):
        noted.setdefault((row["table_name"], row["column_name"]), []).append(row["row_id"])
    return noted


def _compared(resource: Mergeable, row: Mapping[str, Any]) -> dict[str, Any]:
    if resource.entity == "account":
        return {"full_name": row["name"], "city": row["city"]}
    return dict(row)


def _sealed(
    db: Transaction, resource: Mergeable, survivor: Row, was: Mapping[str, Any], became: Mapping[str, Any]
) -> dict[str, Any]:
    """As JSON, personal values under the survivor's own key: without it nobody reads them."""
    sides = {}
    for side, values in (("was", was), ("became", became)):
        plain: dict[str, Any] = orjson.loads(dumps(dict(values)))
        personal = {name: plain[name] for name in plain if name in resource.personal}
        if survivor.person_key is not None:
            plain |= db.vault.seal_values(survivor.person_key, personal)
        sides[side] = plain
    return sides


def _opened(
    db: Transaction, resource: Mergeable, survivor: Row, taken: Mapping[str, Any]
) -> Sequence[dict[str, Any]]:
    """(what was, what became) as the row has them."""
    return [
        revived(resource.table, db.vault.open_values(survivor.person_key, taken.get(side, {})))
        for side in ("was", "became")
    ]

"""Events of all rows that concern an account or a contact, the newest first."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from serve.crm.activity.schemas import ActivityAsked
from serve.crm.activity.sources import Source, sources_of
from serve.kernel.caller import Caller, Lacks
from serve.kernel.db import Transaction
from serve.kernel.errors import Invalid
from serve.kernel.events import note_read

# Of each row its newest ones, along the index of events by row; of those the newest of all.
_NEWEST = """
    with recursive one (id) as (
        select $1::uuid
        union
        select m.merged_id from one join merges m
            on m.entity_type = $2 and m.survivor_id = one.id and m.undone_at is null and m.deleted_at is null
    ),
    concerned as ({concerned})
    select n.*, a.full_name as actor_name from (
        select e.*, r.kind, r.label, r.person_key from concerned r
        cross join lateral (
            select e.id, e.happened_at, e.name, e.entity_type, e.entity_id, e.actor_kind, e.actor_id, e.cause_id,
                e.before, e.after, e.position
            from events e
            where e.tenant_id = r.tenant_id and e.entity_type = r.entity_type and e.entity_id = r.id
                and e.category = 'change' and e.position < $3
                and ($4::timestamptz is null or e.happened_at >= $4)
                and ($5::timestamptz is null or e.happened_at < $5)
            order by e.position desc limit $6
        ) e
        order by e.position desc limit $6
    ) n
    left join (select distinct user_id, full_name from tenant_members()) a on a.user_id = n.actor_id
    order by n.position desc
"""
_PLACE = "select position from events where id = $1"
_LAST = 2**62


async def activity(
    db: Transaction, entity: str, row_id: UUID, asked: ActivityAsked
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """(a page of what happened, what is said beside it); that somebody read it is noted.

    Raises Invalid for a cursor of another list, or Lacks for a kind that the caller asks for and may not read.
    """
    sources, left_out = permitted(db.caller, list(sources_of(entity)), asked.kind)
    position = _LAST
    if asked.cursor is not None:
        place = await db.fetch_one(_PLACE, asked.cursor)
        if place is None:
            raise Invalid(details=[("cursor", "is none of this list")])
        position = place["position"]
    sql = _NEWEST.format(concerned=" union all ".join(source.sql(entity) for source in sources))
    values = (row_id, entity, position, asked.since, asked.until, asked.limit + 1)
    found = [dict(row) for row in await db.fetch(sql, *values)]
    has_more = len(found) > asked.limit
    shown = [_opened(db, entry) for entry in found[: asked.limit]]
    kinds = sorted({source.kind for source in sources})
    await note_read(db, f"{entity}.history_read", entity, row_id, {"kinds": kinds})
    cursor = shown[-1]["id"] if has_more else None
    return shown, {"next_cursor": cursor, "has_more": has_more, "left_out": left_out}


def permitted(
    caller: Caller, sources: Sequence[Source], asked: Collection[str] | None
) -> tuple[list[Source], list[str]]:
    """(what is read, kinds that are left out of it). Raises Lacks."""
    readable = [source for source in sources if source.permission in caller.permissions]
    hidden = {source.kind for source in sources} - {source.kind for source in readable}
    if asked is None:
        return readable, sorted(hidden)
    for source in sources:
        if source.kind in hidden and source.kind in asked:
            raise Lacks(caller, source.permission)
    chosen = [source for source in readable if source.kind in asked]
    if not chosen:
        raise Invalid(details=[("kind", "concerns none of these")])
    return chosen, []


def _opened(db: Transaction, entry: dict[str, Any]) -> dict[str, Any]:
    key = entry.pop("person_key")
    del entry["position"]
    for side in ("before", "after"):
        if entry[side]:
            values = db.vault.open_values(key, entry[side])
            # A new row has many fields that say nothing.
            entry[side] = {name: value for name, value in values.items() if value not in (None, [], {})}
    return entry

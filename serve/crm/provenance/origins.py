"""Where the values of contacts, leads and accounts come from: derived from their events, kept nowhere.

Events say who changed which fields, when and because of what; merges, conversions and imports name themselves. So the
answer is right for every row that was ever written here, an erasure leaves nothing behind, and undoing a merge gives
the origins back with the values.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Literal

from serve.crm.places.locating import LOCATED
from serve.crm.provenance.rules import Origin, Step, origins_after
from serve.kernel.db import Transaction

Entity = Literal["contact", "lead", "account"]
TABLES: dict[Entity, str] = {"contact": "contacts", "lead": "leads", "account": "accounts"}
FIELDS: dict[Entity, tuple[str, ...]] = {
    "contact": ("full_name", "email", "phone", "job_title", "account_id", "consent_email"),
    "lead": (
        *("full_name", "email", "phone", "company", "job_title", "website", "city", "postcode", "country"),
        *("latitude", "longitude", "source", "consent_email"),
    ),
    "account": ("name", "city", "country"),
}
"""What says who somebody is, how they are reached and whether they may be."""

MOST_ROWS_BACK = 20
"""So many rows that were merged one into the other, or became one another, are looked back through."""
_LAST = 2**62

_EVENTS = """
    select e.id, e.name, e.position, e.happened_at, e.actor_kind, e.actor_id, e.cause_id,
        array(select k from jsonb_object_keys(e.after) k where k = any ($3::text[])) as fields
    from events e
    where e.entity_type = $1 and e.entity_id = $2 and e.category = 'change' and e.position < $4
        and e.after ?| $3::text[]
    order by e.position
"""
# A merge is noted right behind what it does to the survivor, in the same transaction; merges of one survivor wait for
# each other.
_MERGES = """
    select m.id, m.merged_id, m.merged_by, e.name, e.position, e.happened_at
    from merges m join events e on e.tenant_id = m.tenant_id and e.entity_type = 'merge' and e.entity_id = m.id
    where m.entity_type = $1 and m.survivor_id = $2 and e.name in ('merge.created', 'merge.undone')
    order by e.position
"""
_CONVERSION = """
    select c.id, c.lead_id, c.user_id, c.created_at from lead_conversions c
    where c.{entity}_id = $1 and '{entity}' = any (c.made) order by c.created_at limit 1
"""
_IMPORTS = """
    select i.id, i.filename, i.undo_task_id from imports i
    where i.id = any ($1::uuid[]) or i.undo_task_id = any ($1::uuid[])
"""


async def origins_of(
    db: Transaction, entity: Entity, row_id: str, *, before: int = _LAST, rows_left: int = MOST_ROWS_BACK
) -> dict[str, Origin]:
    """The origin of each field as it was set last before that place among the events; none where a load set it."""
    found = await db.fetch(_EVENTS, entity, row_id, list(FIELDS[entity]), before)
    imports = await _imports(db, {row["cause_id"] for row in found if row["cause_id"] is not None})
    merges = [] if rows_left <= 0 else await db.fetch(_MERGES, entity, row_id)
    steps = []
    for event in found:
        step = _plain(event, imports)
        verb = event["name"].partition(".")[2]
        if verb in ("took_over", "gave_back"):
            step = await _merged(db, entity, event, step, merges, rows_left)
        elif verb == "created" and entity != "lead" and rows_left > 0:
            step = await _converted(db, entity, row_id, event, step, rows_left)
        steps.append(step)
    return origins_after(steps)


def _plain(event: Mapping[str, Any], imports: Mapping[str, Mapping[str, Any]]) -> Step:
    cause = imports.get(event["cause_id"] or "")
    origin = {
        "source": {"user": "person", "api_key": "api_key"}.get(event["actor_kind"], "system"),
        "at": event["happened_at"],
        **{name: event[name] for name in ("actor_kind", "actor_id", "cause_id")},
        "event_id": event["id"],
        "import_id": None,
        "import_filename": None,
        "by_way_of": [],
    }
    fields = frozenset(event["fields"])
    if event["name"] == LOCATED:
        return Step(fields, "write", origin | {"source": "geocoding"})
    if cause is None:
        return Step(fields, "write", origin)
    if cause["undo_task_id"] == event["cause_id"]:
        return Step(fields, "revert", origin, cause["id"])
    named = {"source": "import", "import_id": cause["id"], "import_filename": cause["filename"]}
    return Step(fields, "import", origin | named, cause["id"])


async def _imports(db: Transaction, causes: Collection[str]) -> dict[str, Mapping[str, Any]]:
    """Imports by their own ids and by those of the tasks that undid them."""
    if not causes:
        return {}
    found = await db.fetch(_IMPORTS, list(causes))
    return {row[name]: row for row in found for name in ("id", "undo_task_id") if row[name] is not None}


async def _merged(
    db: Transaction,
    entity: Entity,
    event: Mapping[str, Any],
    step: Step,
    merges: Sequence[Mapping[str, Any]],
    rows_left: int,
) -> Step:
    is_back = event["name"].endswith(".gave_back")
    noted = "merge.undone" if is_back else "merge.created"
    made = next((m for m in merges if m["name"] == noted and m["position"] > event["position"]), None)
    if made is None:
        return step
    if is_back:
        return Step(step.fields, "give_back", step.origin, made["id"])
    theirs = await _others(db, entity, made["merged_id"], event, rows_left)
    by = {
        "way": "merge",
        "id": made["id"],
        "entity": entity,
        "entity_id": made["merged_id"],
        "at": event["happened_at"],
        "actor_id": made["merged_by"],
    }
    return Step(step.fields, "take", step.origin, made["id"], theirs, by)


async def _converted(
    db: Transaction, entity: Entity, row_id: str, event: Mapping[str, Any], step: Step, rows_left: int
) -> Step:
    """A row that a conversion made has the lead's values."""
    made = await db.fetch_one(_CONVERSION.format(entity=entity), row_id)
    if made is None:
        return step
    by = {
        "way": "conversion",
        "id": made["id"],
        "entity": "lead",
        "entity_id": made["lead_id"],
        "at": event["happened_at"],
        "actor_id": made["user_id"],
    }
    origin = {**step.origin, "source": "conversion", "by_way_of": [by]}
    # A contact has the lead's own fields; an account's may have been named with the conversion.
    theirs = await _others(db, "lead", made["lead_id"], event, rows_left) if entity == "contact" else {}
    return Step(step.fields, "made", origin, made["id"], theirs, by)


async def _others(
    db: Transaction, entity: Entity, row_id: str, event: Mapping[str, Any], rows_left: int
) -> dict[str, Origin]:
    """The origins of another row's fields as they stood then; those that a load has set too."""
    known = await origins_of(db, entity, row_id, before=event["position"], rows_left=rows_left - 1)
    return dict.fromkeys(FIELDS[entity], await loaded(db, entity, row_id)) | known


async def loaded(db: Transaction, entity: Entity, row_id: str) -> Origin:
    """The origin of what no event has set: the row was loaded by whoever runs the database."""
    row = await db.fetch_one(f"select created_at from {TABLES[entity]} where id = $1", row_id)
    return {
        "source": "load",
        "at": row["created_at"] if row else None,
        **dict.fromkeys(("actor_kind", "actor_id", "cause_id", "event_id", "import_id", "import_filename")),
        "by_way_of": [],
    }


async def fields_of(
    db: Transaction, entity: Entity, row_id: str, row: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Each field that has a value, with where that came from."""
    known = await origins_of(db, entity, row_id)
    rest = await loaded(db, entity, row_id)
    return [
        {"field": name, **known.get(name, rest)} for name in FIELDS[entity] if row.get(name) not in (None, "")
    ]

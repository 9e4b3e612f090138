"""Names of events, and those that no trigger writes: what a service says itself, and reads worth noting.

Every change of a recorded table is an event of its own accord (``record_events`` in migration 0060); its name is the
entity and what happened to it, ``contact.updated``. Everything else that may happen is declared with ``event``, so that
``docs/api/events.md`` is complete and readers can go by names; ``emit`` says that it happened.

Listeners (serve/kernel/realtime) are told of changes when they have the permission that goes with the name. What is
over the moment it is said, such as how far some work has got, is no event: ``hint`` tells whoever listens just now.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

import orjson
from sqlalchemy import MetaData, Table

from serve.kernel.db import Transaction
from serve.kernel.permissions import Permission

Category = Literal["change", "read", "security"]
Kind = Category | Literal["hint"]

_VERBS = {
    "created": "A new {}.",
    "updated": "Some values of the {} changed: `before` and `after` hold those that did.",
    "removed": "The {} is gone for good; only the platform itself does that.",
}
_SOFT_VERBS = {
    "deleted": "The {} was deleted; it can be restored.",
    "restored": "The {} was brought back.",
}
_PERSONAL_READS = {
    "history_read": "Somebody read the history of the {}, with values that the row no longer shows.",
    "exported": "Rows of the kind {} were taken away as a file: `after` has the format and the columns.",
}


HINTS = "hints"
"""The channel of NOTIFY on which hints go to the API processes."""
MOST_HINT_BYTES = 6_000  # NOTIFY takes 8,000, with the tenant and the name


@dataclass(frozen=True, slots=True)
class Event:
    """A name under which events appear.

    ``permission`` is what whoever is told of it live must have; without one the permission of its entity counts.
    ``is_addressed``: only the person is told whose id stands in ``after.user_id``.
    A ``hint`` is said to those who listen at this moment, and kept nowhere.
    """

    name: str
    category: Kind
    meaning: str
    permission: Permission | None = None
    is_addressed: bool = False


_declared: dict[str, Event] = {}


def event(
    name: str,
    meaning: str,
    *,
    category: Kind = "change",
    permission: Permission | None = None,
    is_addressed: bool = False,
) -> str:
    """Declare a name beside those of every entity; gives it back: ``MERGED = event("contact.merged", "…")``."""
    _declared[name] = Event(name, category, meaning, permission, is_addressed)
    return name


def catalogue(tables: MetaData) -> Iterator[Event]:
    """Every name there is, once the modules that declare them are imported."""
    found = {each.name: each for table in tables.tables.values() for each in _events_of(table)}
    yield from sorted((found | _declared).values(), key=lambda each: each.name)


def _events_of(table: Table) -> Iterator[Event]:
    entity = table.info.get("entity")
    if entity is None:
        return
    changes = _VERBS | (_SOFT_VERBS if "deleted_at" in table.columns else {})
    for verb, meaning in changes.items():
        yield Event(f"{entity}.{verb}", "change", meaning.format(entity.replace("_", " ")))
    for verb, meaning in _PERSONAL_READS.items() if table.info["personal"] else ():
        yield Event(f"{entity}.{verb}", "read", meaning.format(entity.replace("_", " ")))


async def emit(
    db: Transaction, name: str, entity_type: str, entity_id: UUID | str | None, data: dict[str, Any]
) -> str:
    """Say that it happened, in this transaction; the event's id.

    For what is no change of a recorded row: ``await emit(db, "approval.pending", "approval", approval_id, {…})``. The
    event is of the tenant that the transaction acts for. ``data`` stays in the history for ever: no personal values.
    """
    assert name in _declared, f"{name} is not declared; say event({name!r}, …) where it happens"
    assert _declared[name].category == "change", f"{name} is not said with emit()"
    return await _record(db, name, "change", entity_type, entity_id, data)


async def hint(
    db: Transaction, name: str, entity_type: str, entity_id: UUID | str | None, data: dict[str, Any]
) -> None:
    """Tell those who listen at this moment, once the transaction commits; nobody else ever hears of it.

    Say it a few times a second at most, and in a transaction of few words: those that hint commit one after the other.
    """
    assert _declared[name].category == "hint", f"{name} is not declared as a hint"
    said = orjson.dumps(
        {"name": name, "entity_type": entity_type, "entity_id": entity_id and str(entity_id), "data": data}
    )
    if len(said) > MOST_HINT_BYTES:
        raise ValueError(f"a hint may take {MOST_HINT_BYTES} bytes; {name} has {len(said)}")
    await db.execute(
        "select pg_notify($1, jsonb_build_object("
        "  'tenant_id', current_setting('app.tenant_id')::uuid, 'said', $2::text::jsonb,"
        "  'actor_kind', a.kind, 'actor_id', a.id, 'happened_at', clock_timestamp()"
        " )::text) from acting() a",
        *(HINTS, said.decode()),
    )


async def note_read(
    db: Transaction, name: str, entity_type: str, entity_id: UUID | None, detail: dict[str, Any]
) -> None:
    """Record that the caller read something sensitive: an event of category ``read``.

    It stands in the caller's own tenant, whoever the rows belong to. ``detail`` says what was asked for, never what
    was answered.
    """
    await _record(db, name, "read", entity_type, entity_id, detail)


async def note_security(
    db: Transaction, name: str, entity_type: str, entity_id: UUID | str | None, detail: dict[str, Any]
) -> None:
    """Record what guards should know of: an event of category ``security``, of the tenant at work.

    What a person did or suffered is recorded by ``record_security_event`` for each of their tenants.
    """
    await _record(db, name, "security", entity_type, entity_id, detail)


async def _record(
    db: Transaction,
    name: str,
    category: Category,
    entity_type: str,
    entity_id: UUID | str | None,
    after: dict[str, Any],
) -> str:
    recorded = await db.fetch_one(
        "insert into events"
        " (tenant_id, name, category, entity_type, entity_id, after, actor_kind, actor_id, request_id, cause_id)"
        " select current_setting('app.tenant_id')::uuid, $1, $2, $3, $4, $5, a.kind, a.id,"
        "  nullif(current_setting('app.request_id', true), ''), nullif(current_setting('app.cause', true), '')::uuid"
        " from acting() a returning id",
        *(name, category, entity_type, entity_id, after),
    )
    assert recorded is not None
    recorded_id: str = recorded["id"]
    return recorded_id


for _entity in ("account", "lead", "vehicle"):  # what `score_batches` holds and is recorded
    event(f"{_entity}.scored", f"A model gave the {_entity} another score or other reasons for it.")

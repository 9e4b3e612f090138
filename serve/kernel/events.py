"""Names of events, and those that no trigger writes: reads worth noting.

Every change of a recorded table is an event of its own accord (``record_event`` in migration 0002); its name is the
entity and what happened to it, ``contact.updated``. Everything else that may happen is declared with ``event``, so that
``docs/api/events.md`` is complete and readers can go by names.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import MetaData, Table

from serve.kernel.db import Transaction

Category = Literal["change", "read", "security"]

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


@dataclass(frozen=True, slots=True)
class Event:
    """A name under which events appear."""

    name: str
    category: Category
    meaning: str


_declared: dict[str, Event] = {}


def event(name: str, meaning: str, *, category: Category = "change") -> str:
    """Declare a name beside those of every entity; gives it back: ``MERGED = event("contact.merged", "…")``."""
    _declared[name] = Event(name, category, meaning)
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


async def note_read(
    db: Transaction, name: str, entity_type: str, entity_id: UUID | None, detail: dict[str, Any]
) -> None:
    """Record that the caller read something sensitive: an event of category ``read``.

    It stands in the caller's own tenant, whoever the rows belong to. ``detail`` says what was asked for, never what
    was answered.
    """
    await db.execute(
        "insert into events"
        " (tenant_id, name, category, entity_type, entity_id, after, actor_kind, actor_id, request_id)"
        " select current_setting('app.tenant_id')::uuid, $1, 'read', $2, $3, $4, a.kind, a.id,"
        "  nullif(current_setting('app.request_id', true), '') from acting() a",
        *(name, entity_type, entity_id, detail),
    )


for _entity in ("account", "vehicle"):  # what `score_batches` holds and is recorded
    event(f"{_entity}.scored", f"A model gave the {_entity} another score or other reasons for it.")

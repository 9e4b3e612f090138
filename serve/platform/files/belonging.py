"""What files belong to, and who may therefore see and change them (docs/decisions/0042-whose-files.md).

Who sent a file sees it and may change it. A file that belongs to a row is read by whoever may read the kind of that
row, and changed by whoever may change it; pictures of people and of the company are for all. ``files:all`` reaches
every file.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from uuid import UUID

from serve.kernel.caller import Caller
from serve.kernel.db import Transaction
from serve.kernel.errors import Invalid
from serve.kernel.resources.declaration import DECLARED
from serve.kernel.resources.seen import Seen
from serve.platform.files.errors import NotYourFile
from serve.platform.files.rules import PICTURES

ALL = "files:all"
_OWN = "tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid"
_ADOPT = f"""
    update files t set entity_type = $1, entity_id = $2
    where t.id = any($3::uuid[]) and t.{_OWN} and t.deleted_at is null and t.entity_type is null
        and ($4 or t.uploaded_by = $5)
"""


@dataclass(frozen=True, slots=True)
class Kind:
    """Rows that files may belong to: ``row`` is SQL for one that is there, by its id ``$1``; the permissions, of which
    one is enough."""

    row: str
    reading: frozenset[str]
    writing: frozenset[str]


def _rows_of(table: str) -> str:
    return f"select from {table} where id = $1 and {_OWN} and deleted_at is null"


MORE = {
    "user": Kind(
        "select from tenant_members() m where m.user_id = $1 and m.tenant_id::text = current_setting('app.tenant_id')",
        *(frozenset({"users:read"}), frozenset({"users:write"})),
    ),
    "tenant": Kind(
        "select from tenants where id = $1 and id::text = current_setting('app.tenant_id')",
        *(frozenset({"settings:read"}), frozenset({"settings:write"})),
    ),
    "ticket_reply": Kind(
        _rows_of("ticket_replies"), frozenset({"tickets:read"}), frozenset({"tickets:write"})
    ),
    "lead_activity": Kind(_rows_of("lead_activities"), frozenset({"leads:read"}), frozenset({"leads:write"})),
}
"""Beside those of every resource."""


def kinds() -> Mapping[str, Kind]:
    """By the entity's name, as in events."""
    return _kinds(len(DECLARED))


@lru_cache(maxsize=2)
def _kinds(declared_count: int) -> Mapping[str, Kind]:
    """``declared_count``: more of them are declared as modules are imported."""
    found: dict[str, Kind] = {}
    for each in DECLARED:
        known = found.get(each.entity) or Kind(_rows_of(each.name), frozenset(), frozenset())
        found[each.entity] = Kind(known.row, known.reading | {each.reading}, known.writing | {each.writing})
    found.pop("file", None)
    return found | MORE


@lru_cache(maxsize=256)
def _read_with(permissions: frozenset[str], declared_count: int) -> list[str] | None:
    """The kinds whose files are read with these; None for all files."""
    if ALL in permissions:
        return None
    return sorted(name for name, kind in _kinds(declared_count).items() if kind.reading & permissions)


SEEN = Seen(
    "({0}::text[] is null or t.entity_type = any({0}::text[]) or t.uploaded_by = {1}::uuid"
    f" or t.purpose in ({', '.join(repr(each) for each in PICTURES)}))",
    lambda caller: (_read_with(caller.permissions, len(DECLARED)), caller.user_id),
    count=2,
)


def check_may_change(row: Mapping[str, Any], caller: Caller) -> None:
    """Raises NotYourFile for one that the caller may only read."""
    kind = kinds().get(row["entity_type"] or "")
    allowed = kind is not None and kind.writing & caller.permissions
    if not (allowed or ALL in caller.permissions or str(row["uploaded_by"]) == str(caller.user_id)):
        raise NotYourFile


async def check_place(db: Transaction, entity_type: str | None, entity_id: UUID | None) -> None:
    """Where a client wants a file to belong. Raises Invalid, or NotYourFile for rows that the caller may not change."""
    if entity_type is None:
        return
    kind = kinds().get(entity_type)
    if kind is None:
        raise Invalid(details=[("entity_type", f"names no kind; there are: {', '.join(sorted(kinds()))}")])
    if not kind.writing & db.caller.permissions and ALL not in db.caller.permissions:
        raise NotYourFile(f"Your role may not give a file to a row of the kind {entity_type}.")
    if await db.fetch_one(kind.row, entity_id) is None:
        raise Invalid(details=[("entity_id", f"names no {entity_type.replace('_', ' ')} that exists")])


async def adopt(
    db: Transaction, entity_type: str, entity_id: UUID | str, ids: Collection[UUID | str]
) -> None:
    """Files that a row names belong to it from now on, if they are the caller's to give and belong to none yet."""
    if ids:
        gives_all = ALL in db.caller.permissions
        await db.execute(_ADOPT, entity_type, entity_id, list(ids), gives_all, db.caller.user_id)

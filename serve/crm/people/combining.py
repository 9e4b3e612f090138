"""What one row gets from another when they are put together: plain functions, no database."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date, datetime
from typing import Any

from sqlalchemy import Date, DateTime, Table

from serve.kernel.errors import Invalid

KEEPS = frozenset({"external_id"})
"""Stays with the row that it names: the one that is merged may come back."""

NO_GAPS = frozenset({"lost_reason", "won_at", "lost_at", "churned_at", "first_replied_at", "since_date"})
"""What goes with a row's own status or story: another row's is no answer where this one has none."""

MOST_TAGS = 50


def combined(
    survivor: Mapping[str, Any],
    merged: Mapping[str, Any],
    writable: Collection[str],
    *,
    take: Collection[str] = (),
    fill_gaps: bool = True,
) -> dict[str, Any]:
    """The survivor's new values: ``take`` from the other, its gaps filled, tags and attributes united.

    Raises Invalid naming fields that cannot be taken.
    """
    if unknown := sorted({*take} - ({*writable} - KEEPS)):
        raise Invalid(details=[("take", f"{name} is no field that can be taken") for name in unknown])
    changes = {}
    for name in sorted({*writable} - KEEPS):
        own, other = survivor.get(name), merged.get(name)
        if name in take:
            changes[name] = other
        elif name == "tags":
            changes[name] = _united(own or [], other or [])
        elif name == "attributes":
            changes[name] = {**(other or {}), **(own or {})}
        elif fill_gaps and own is None and other is not None and name not in NO_GAPS:
            changes[name] = other
    if changes.get("value_cents") is not None and survivor.get("currency") != merged.get("currency"):
        if "value_cents" in take:
            changes["currency"] = merged["currency"]
        else:
            del changes["value_cents"]  # an amount in another currency is no answer either
    return {name: value for name, value in changes.items() if value != survivor.get(name)}


def difference(
    table: Table, before: Mapping[str, Any], after: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """(what was, what is) of the columns that a writer gives and that are not the same."""
    names = [
        str(column.name)  # a plain one: JSON takes no subclass
        for column in table.columns
        if column.computed is None
        and column.name in after
        and column.name not in ("updated_at",)
        and before.get(column.name) != after[column.name]
    ]
    return {name: before.get(name) for name in names}, {name: after[name] for name in names}


def revived(table: Table, values: Mapping[str, Any]) -> dict[str, Any]:
    """Values as a row has them, from how JSON keeps them."""
    return {name: _revived(table.columns[name].type, value) for name, value in values.items()}


def _revived(kind: Any, value: Any) -> Any:
    if isinstance(value, str) and isinstance(kind, DateTime):
        return datetime.fromisoformat(value)
    if isinstance(value, str) and isinstance(kind, Date):
        return date.fromisoformat(value)
    return value


def _united(own: list[str], other: list[str]) -> list[str]:
    known = {tag.lower() for tag in own}
    return [*own, *(tag for tag in other if tag.lower() not in known)][: max(MOST_TAGS, len(own))]

"""Many rows of one table in one statement, for as long as none of them is refused.

What the server prepares for a statement (the table's checks, indexes and triggers) it then prepares once for all of
them: more than half of what an import cost went there (measured).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import Table
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, dialect

_SAID = (
    "with said as materialized (select set_config('app.event', '', true), set_config('app.sealed', $1, true))"
)

Sealed = dict[str, Any]
"""What the events of rows hold of personal values, encrypted; by the row's id."""
Statement = tuple[str, list[Any]]


class Parts:
    """Rows by the columns in which they have values, and what their events hold sealed."""

    def __init__(self) -> None:
        self.sealed: Sealed = {}
        self.alike: dict[tuple[str, ...], list[Mapping[str, Any]]] = {}

    def add(self, names: tuple[str, ...], row: Mapping[str, Any]) -> None:
        self.alike.setdefault(names, []).append(row)


class Many:
    """The statements of one table, one for all rows that have values in the same columns."""

    def __init__(self, table: Table) -> None:
        self.name = table.name
        self._types = {column.name: column.type for column in table.columns}

    def insertions(self, parts: Parts, tenant_id: UUID) -> Iterator[Statement]:
        sealed = as_setting(parts.sealed)
        for names, rows in parts.alike.items():
            sql = (
                f"{_SAID} insert into {self.name} (tenant_id, {', '.join(names)})"
                f" select $2::uuid, {', '.join(map(self._value, names))} from said, {self._rows(names, first=3)}"
            )
            yield sql, [sealed, tenant_id, *self._columns(names, rows)]

    def changes(self, parts: Parts) -> Iterator[Statement]:
        """Rows have an ``id`` and what is to stand in them. (Twice ``id``: a join alone reads the whole tenant.)"""
        sealed = as_setting(parts.sealed)
        for names, rows in parts.alike.items():
            sets = ", ".join(f"{name} = {self._value(name)}" for name in names if name != "id")
            sql = (
                f"{_SAID} update {self.name} t set {sets} from said, {self._rows(names, first=2)}"
                " where t.id = v.id and t.id = any($2) and t.deleted_at is null"
            )
            yield sql, [sealed, *self._columns(names, rows)]

    def _rows(self, names: Sequence[str], *, first: int) -> str:
        arrays = ", ".join(f"${n}::{self._sent_as(name)}[]" for n, name in enumerate(names, first))
        return f"unnest({arrays}) as v ({', '.join(names)})"

    def _value(self, name: str) -> str:
        type_ = self._types[name]
        if isinstance(type_, ARRAY):
            listed = f"array(select jsonb_array_elements_text(v.{name}::jsonb))"
            return f"case when v.{name} is not null then {listed}::{_sql(type_)} end"
        return f"v.{name}::jsonb" if isinstance(type_, JSONB) else f"v.{name}"

    def _sent_as(self, name: str) -> str:
        type_ = self._types[name]
        return "text" if isinstance(type_, (ARRAY, JSONB)) else _sql(type_)

    def _columns(self, names: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> list[list[Any]]:
        return [[self._sent(name, row[name]) for row in rows] for name in names]

    def _sent(self, name: str, value: Any) -> Any:
        """Lists and objects as JSON: the parts of an array of arrays would have to be of one length."""
        if value is None or not isinstance(self._types[name], (ARRAY, JSONB)):
            return value
        return orjson.dumps(value).decode()


def as_setting(sealed: Sealed) -> str:
    """For the trigger that writes the events: ``app.sealed``."""
    return orjson.dumps(sealed).decode()


def _sql(type_: Any) -> str:
    return str(type_.compile(dialect=_DIALECT))


_DIALECT = dialect()  # type: ignore[no-untyped-call]

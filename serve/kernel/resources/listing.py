"""A list of rows: filters, words, order, pages by number or by cursor, and how many there are."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import Any

import orjson
from sqlalchemy.dialects import postgresql

from serve.kernel.db import Reads, guarded
from serve.kernel.errors import Invalid
from serve.kernel.paging import page_meta
from serve.kernel.resources.filters import Filter, ListQuery
from serve.kernel.resources.store import Store

EXACT_UNTIL = 10_000
NEWEST_FIRST = "-created_at"


@dataclass(frozen=True, slots=True)
class Listed:
    rows: list[dict[str, Any]]
    meta: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Order:
    """Columns and whether each descends; the id makes it total."""

    terms: tuple[tuple[str, bool], ...]

    @classmethod
    def of(cls, sort: str | None, sortable: tuple[str, ...]) -> Order:
        """Raises Invalid naming the word that cannot be sorted by."""
        terms: dict[str, bool] = {}
        for word in (sort or NEWEST_FIRST).split(","):
            name = word.strip().removeprefix("-")
            if name not in sortable:
                raise Invalid(
                    details=[("sort", f"cannot sort by {name!r}; use one of: {', '.join(sortable)}")]
                )
            terms.setdefault(name, word.strip().startswith("-"))
        if "id" not in terms:
            terms["id"] = next(reversed(terms.values()))
        return cls(tuple(terms.items()))

    @property
    def sql(self) -> str:
        return ", ".join(
            f"t.{name} {'desc nulls last' if down else 'asc nulls last'}" for name, down in self.terms
        )

    def cursor(self, row: Mapping[str, Any]) -> str:
        """The place of a row in this order."""
        place = [[[name, down] for name, down in self.terms], [row[name] for name, _ in self.terms]]
        return base64.urlsafe_b64encode(orjson.dumps(place)).decode().rstrip("=")

    def after(self, cursor: str, bind: Bindings, kinds: Mapping[str, str]) -> str:
        """The condition for rows behind the cursor's. Raises Invalid for a cursor of another list."""
        try:
            padded = cursor + "=" * (-len(cursor) % 4)
            terms, values = orjson.loads(base64.urlsafe_b64decode(padded))
            if [[name, down] for name, down in self.terms] != terms or len(values) != len(terms):
                raise ValueError
            if any(isinstance(value, (list, dict)) for value in values):
                raise ValueError
        except (ValueError, binascii.Error, TypeError) as error:
            raise Invalid(details=[("cursor", "does not belong to this order of the list")]) from error
        cases: list[str] = []
        same: list[str] = []
        for (name, down), value in zip(self.terms, values, strict=True):
            column = f"t.{name}"
            if value is not None:
                place = f"cast({bind(str(value))}::text as {kinds[name]})"
                behind = f"({column} {'<' if down else '>'} {place} or {column} is null)"
                cases.append(" and ".join([*same, behind]))
                same.append(f"{column} = {place}")
            else:  # empty ones come last: nothing but another empty one is behind
                same.append(f"{column} is null")
        return f"({' or '.join(f'({case})' for case in cases)})"


class Bindings:
    """Values and their places in a guarded statement, whose first parameter is not ours."""

    def __init__(self) -> None:
        self.values: list[Any] = []

    def __call__(self, value: Any) -> str:
        self.values.append(value)
        return f"${len(self.values) + 1}"


class Listing:
    """What lists of one resource have in common."""

    def __init__(self, store: Store, filters: Mapping[str, Filter], sortable: tuple[str, ...]) -> None:
        self.store, self.filters, self.sortable = store, filters, sortable
        self._kinds = {column.name: column.type.compile(dialect=_dialect()) for column in store.table.columns}

    def where(self, query: ListQuery, bind: Bindings, *, tenants: str) -> str:
        """The conditions of the query; ``tenants`` says in SQL which tenants' rows may be read."""
        conditions = [f"t.tenant_id = {tenants}", f"t.deleted_at is {'not ' if query.deleted else ''}null"]
        for name, entry in self.filters.items():
            asked = getattr(query, name, None)
            if asked is not None:
                conditions.append(entry.sql.format(bind(entry.value(asked))))
        words = getattr(query, "search", None)
        if words and (prefixes := _prefixes(words)):
            conditions.append(f"t.search_text @@ to_tsquery('simple', {bind(prefixes)})")
        return " and ".join(conditions)

    async def page(self, db: Reads, query: ListQuery) -> Listed:
        """One page. Raises Invalid."""
        limit, offset = query.window()
        if query.cursor is not None and (query.offset is not None or query.page is not None):
            raise Invalid(details=[("cursor", "goes without page and offset")])
        order = Order.of(query.sort, self.sortable)
        asked: list[str] = query.fields or list(self.store.columns)  # type: ignore[attr-defined]
        names = [*asked, *(name for name, _ in order.terms if name not in asked)]
        bind = Bindings()
        # One tenant is a value and not a list: then the index gives the order too.
        tenants = "g.tenants::uuid" if len(db.caller.tenant_ids) == 1 else MANY
        source = f"from {self.store.name} t where {self.where(query, bind, tenants=tenants)}"
        counted = list(bind.values)
        behind = f" and {order.after(query.cursor, bind, self._kinds)}" if query.cursor else ""
        inner = f"select {', '.join(f't.{name}' for name in names)} {source}{behind} order by {order.sql}"
        records = await db.fetch(guarded(f"{inner} limit {limit + 1}", offset=offset), *bind.values)
        rows, more = records[:limit], len(records) > limit
        meta = page_meta((limit, offset), 0) | {
            "next_cursor": order.cursor(_plain(rows[-1])) if more else None,
            "total_is_estimate": False,
        }
        if query.cursor is None and not more and (rows or not offset):
            meta |= _total(offset + len(rows), limit)  # the last page tells
        elif query.count == "exact" or (query.count == "usual" and query.cursor is None):
            cap = "" if query.count == "exact" else f" limit {EXACT_UNTIL + 1}"
            sql = guarded(
                f"select count(*) as total from (select 1 {source}{cap}) c where g.tenants is not null"
            )
            total = (await db.fetch(sql, *counted))[0]["total"]
            meta["total_is_estimate"] = query.count == "usual" and total > EXACT_UNTIL
            meta |= _total(min(total, EXACT_UNTIL) if meta["total_is_estimate"] else total, limit)
        else:
            meta |= {"total": None, "total_pages": None}
        if query.cursor is not None:
            meta |= {"page": None, "offset": None}
        return Listed([{name: row[name] for name in asked} for row in rows], meta)


MANY = "any(string_to_array(g.tenants, ',')::uuid[])"


def _total(total: int, limit: int) -> dict[str, int]:
    return {"total": total, "total_pages": -(-total // limit)}


def _prefixes(words: str) -> str:
    """``to_tsquery``'s way to say: every word, or what begins with it. Quoted, so nothing in it is an operator."""
    return " & ".join("'" + word.replace("'", "''").replace("\\", "\\\\") + "':*" for word in words.split())


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: value.isoformat() if isinstance(value, (date, datetime)) else value
        for name, value in row.items()
    }


@cache
def _dialect() -> Any:
    return postgresql.dialect()  # type: ignore[no-untyped-call]

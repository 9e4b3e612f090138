"""A list of rows: filters, words, order, pages by number or by cursor, and how many there are."""

from __future__ import annotations

import base64
import binascii
import time
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

import orjson
from sqlalchemy import Table
from sqlalchemy.dialects import postgresql

from serve.kernel.db import Reads, guarded
from serve.kernel.envelope import dumps
from serve.kernel.errors import Invalid
from serve.kernel.memory import remembered
from serve.kernel.paging import page_meta
from serve.kernel.resources.filters import Filter, ListQuery
from serve.kernel.resources.store import Store

EXACT_UNTIL = 10_000
NEWEST_FIRST = "-created_at"


@dataclass(frozen=True, slots=True)
class Listed:
    data: bytes
    """The rows, a JSON array."""
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

    def sql(self, table: Table) -> str:
        """Empty values last; where there are none that is not said, or no index would be in this order."""
        ends = {name: " nulls last" if table.columns[name].nullable else "" for name, _ in self.terms}
        return ", ".join(f"t.{name} {'desc' if down else 'asc'}{ends[name]}" for name, down in self.terms)

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


@dataclass(frozen=True, slots=True)
class Plan:
    """The statements of one page with what they bind, the tenants aside."""

    limit: int
    offset: int
    asked: tuple[str, ...]
    is_whole: bool
    order: Order
    rows: str
    rows_and_news: str
    bound: tuple[Any, ...]
    total: str
    counted: tuple[Any, ...]
    is_cursor: bool
    count: str


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
        self._totals: dict[Hashable, Total] = remembered(10_000)
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
        return await self.show(db, self.plan(query, is_one=len(db.caller.tenant_ids) == 1))

    def plan(self, query: ListQuery, *, is_one: bool) -> Plan:
        """The statements of a page, whoever asks; ``is_one``: for a caller who reads one tenant. Raises Invalid."""
        limit, offset = query.window()
        if query.cursor is not None and (query.offset is not None or query.page is not None):
            raise Invalid(details=[("cursor", "goes without page and offset")])
        order = Order.of(query.sort, self.sortable)
        asked = list(dict.fromkeys(getattr(query, "fields", None) or self.store.columns))
        names = [*asked, *(name for name, _ in order.terms if name not in asked)]
        bind = Bindings()
        tenants = ONE if is_one else MANY
        source = f"from {self.store.name} t where {self.where(query, bind, tenants=tenants)}"
        counted = tuple(bind.values)
        behind = f" and {order.after(query.cursor, bind, self._kinds)}" if query.cursor else ""
        columns = ", ".join(f"t.{name}" for name in names)
        inner = f"select {columns} {source}{behind} order by {order.sql(self.store.table)} limit {limit + 1}"
        data = f"{self.store.as_json(names, 'q')} as data"
        news = NEWS.format(tenants=tenants, entity=self.store.entity, horizon=f"${len(bind.values) + 2}")
        cap = "" if query.count == "exact" else f" limit {EXACT_UNTIL + 1}"
        return Plan(
            limit=limit,
            offset=offset,
            asked=tuple(asked),
            is_whole=len(names) == len(asked),
            order=order,
            rows=guarded(inner, offset=offset, select=data),
            rows_and_news=guarded(inner, offset=offset, select=f"{data}, n.is_news", beside=news),
            bound=tuple(bind.values),
            total=guarded(
                f"select count(*) as total, {NOW} as horizon"
                f" from (select 1 {source}{cap}) c where g.tenants is not null"
            ),
            counted=counted,
            is_cursor=query.cursor is not None,
            count=query.count,
        )

    async def show(self, db: Reads, plan: Plan) -> Listed:
        """The page of a plan."""
        limit, offset = plan.limit, plan.offset
        is_counted = plan.count == "exact" or (plan.count == "usual" and not plan.is_cursor)
        key = (db.caller.tenant_ids, plan.total, repr(plan.counted))
        known = self._known(key) if is_counted else None
        if known is None:
            records = await db.fetch(plan.rows, *plan.bound)
        else:
            records = await db.fetch(plan.rows_and_news, *plan.bound, known.horizon)
        rows, more = [record["data"] for record in records[:limit]], len(records) > limit
        meta = page_meta((limit, offset), 0) | {
            "next_cursor": plan.order.cursor(orjson.loads(rows[-1])) if more else None,
            "total_is_estimate": False,
        }
        if not plan.is_cursor and not more and (rows or not offset):
            meta |= _total(offset + len(rows), limit)  # the last page tells
        elif is_counted:
            if known is None or not records or records[0]["is_news"]:
                known = await self._count(db, plan, key)
            meta["total_is_estimate"] = plan.count == "usual" and known.total > EXACT_UNTIL
            meta |= _total(min(known.total, EXACT_UNTIL) if meta["total_is_estimate"] else known.total, limit)
        else:
            meta |= {"total": None, "total_pages": None}
        if plan.is_cursor:
            meta |= {"page": None, "offset": None}
        if not plan.is_whole:
            rows = [_part(row, plan.asked) for row in rows]
        return Listed(b"[%b]" % b",".join(rows), meta)

    def _known(self, key: Hashable) -> Total | None:
        known = self._totals.get(key)
        return known if known is not None and time.monotonic() < known.until_s else None

    async def _count(self, db: Reads, plan: Plan, key: Hashable) -> Total:
        """How many there are, remembered until something happens.

        Counting ten thousand rows takes longer than all the rest of a request. Every change is an event in its own
        transaction, so a total stays true until there is an event of a transaction that its snapshot has not seen. One
        that counts what may yet be rolled back is remembered by nobody.
        """
        (found,) = await db.fetch(plan.total, *plan.counted)
        known = Total(found["total"], found["horizon"], time.monotonic() + KEPT_S)
        if not db.sees_more:
            self._totals[key] = known
        return known


class Total(NamedTuple):
    """How many rows there were, and from which transaction on something may have changed since."""

    total: int
    horizon: int
    until_s: float


# One tenant is a value that the planner sees, not a list and not the result of a function: only then does it
# expect enough rows to read them in the order of the index. Row security looks at the setting, which `g` has
# made, all the same.
ONE = "$1::uuid and g.tenants is not null"
MANY = "any(string_to_array(g.tenants, ',')::uuid[])"
NOW = "pg_snapshot_xmin(pg_current_snapshot())::text::bigint"
# In the order of the feed's index, whatever the planner thinks of a table that has not been analysed yet.
NEWS = """
    select coalesce((
        select true from events e
        where e.tenant_id = {tenants} and e.entity_type = '{entity}' and e.change_xid >= {horizon}
        order by e.tenant_id, e.change_xid, e.position limit 1
    ), false) as is_news where g.tenants is not null
"""
KEPT_S = 60.0  # rows that the schema's owner loads leave no events


def _total(total: int, limit: int) -> dict[str, int]:
    return {"total": total, "total_pages": -(-total // limit)}


def _prefixes(words: str) -> str:
    """``to_tsquery``'s way to say: every word, or what begins with it. Quoted, so nothing in it is an operator."""
    return " & ".join("'" + word.replace("'", "''").replace("\\", "\\\\") + "':*" for word in words.split())


def _part(row: bytes, names: tuple[str, ...]) -> bytes:
    values = orjson.loads(row)
    return dumps({name: values[name] for name in names})


@cache
def _dialect() -> Any:
    return postgresql.dialect()  # type: ignore[no-untyped-call]

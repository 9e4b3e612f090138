"""A list of rows: filters, words, order, pages by number or by cursor, and how many there are."""

from __future__ import annotations

import time
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

import orjson
from sqlalchemy.dialects import postgresql

from serve.kernel.db import Reads, guarded
from serve.kernel.envelope import dumps
from serve.kernel.errors import Invalid
from serve.kernel.memory import remembered
from serve.kernel.paging import page_meta
from serve.kernel.resources.conditions import Kind, compiled
from serve.kernel.resources.filters import Filter, ListQuery
from serve.kernel.resources.order import NEWEST, Bindings, Conditions, Order, first_rows, some_rows
from serve.kernel.resources.seen import for_caller
from serve.kernel.resources.store import Store

EXACT_UNTIL = 10_000


@dataclass(frozen=True, slots=True)
class Listed:
    data: bytes
    """The rows, a JSON array."""
    meta: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Plan:
    """The statements of one page with what they bind, the tenants aside, and of a caller what ``for_caller`` says."""

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
    afresh: bool
    """Rows were asked for by values, and it depends on them which way is quick."""


class Listing:
    """What lists of one resource have in common."""

    def __init__(
        self,
        store: Store,
        filters: Mapping[str, Filter],
        sortable: tuple[str, ...],
        kinds: Mapping[str, Kind],
    ) -> None:
        """``kinds`` says what conditions may ask of which field."""
        self.store, self.filters, self.sortable, self.kinds = store, filters, sortable, kinds
        self._totals: dict[Hashable, Total] = remembered(10_000)
        self._indexed = [[column.name for column in index.columns] for index in store.table.indexes]
        self._kinds = {column.name: column.type.compile(dialect=_dialect()) for column in store.table.columns}

    def where(self, query: ListQuery, bind: Bindings, *, tenants: str) -> str:
        """The conditions of the query; ``tenants`` says in SQL which tenants' rows may be read."""
        return self._asked(query, bind, tenants).all

    def _asked(self, query: ListQuery, bind: Bindings, tenants: str) -> Conditions:
        usual = f"t.tenant_id = {tenants} and t.deleted_at is {'not ' if query.deleted else ''}null"
        if self.store.seen is not None:
            usual += f" and {self.store.seen.condition(bind)}"
        asked: list[str] = []
        in_order, several, only = True, None, ""
        for name, entry in self.filters.items():
            if (value := getattr(query, name, None)) is None:
                continue
            asked.append(entry.condition(value, bind))
            only = self._index_order(entry)
            newest_first = entry.way == "equal" and only == NEWEST
            in_order = in_order and (newest_first or entry.column in ("id", "created_at"))
            if newest_first and isinstance(value, list) and len(value) > 1:
                kind = self._kinds[entry.column]
                several = (
                    len(asked) - 1,
                    f"${len(bind.values) + 1}::{kind}[]",
                    f"t.{entry.column} = v.value",
                )
        words = getattr(query, "search", None)
        if matching := getattr(query, "matching", None) or (_prefixes(words) if words else ""):
            asked.append(f"t.search_text @@ to_tsquery('simple', {bind(matching)})")
            in_order, only = False, ""
        if (where := getattr(query, "where", None)) is not None:
            asked.append(compiled(self.kinds, where, bind))
            in_order, only = False, ""
        each = None
        if several is not None:
            place, values, one = several
            each = (values, one, (*asked[:place], *asked[place + 1 :]))
        return Conditions(usual, tuple(asked), in_order, each, only if len(asked) == 1 else "")

    def _index_order(self, entry: Filter) -> str:
        """The order in which an index gives the rows of a filter, if there is one."""
        if entry.way == "equal" and ["tenant_id", entry.column, "created_at", "id"] in self._indexed:
            return NEWEST
        if entry.way == "range" and any(names[:2] == ["tenant_id", entry.column] for names in self._indexed):
            return f"t.{entry.column}"
        return ""

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
        conditions = self._asked(query, bind, tenants)
        counted = tuple(bind.values)
        cap = None if query.count == "exact" else EXACT_UNTIL + 1
        behind = (order.after(query.cursor, bind, self._kinds, self.store.table),) if query.cursor else ()
        columns = ", ".join(f"t.{name}" for name in names)
        inner = first_rows(self.store.table, columns, conditions, behind, order, limit + 1, offset)
        data = f"{self.store.as_json(names, 'q')} as data"
        news = NEWS.format(tenants=tenants, entity=self.store.entity, horizon=f"${len(bind.values) + 2}")
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
                f" from ({some_rows(self.store.name, conditions, cap)}) c where g.tenants is not null"
            ),
            counted=counted,
            is_cursor=query.cursor is not None,
            count=query.count,
            afresh=bool(conditions.asked),
        )

    async def show(self, db: Reads, plan: Plan) -> Listed:
        """The page of a plan."""
        limit, offset = plan.limit, plan.offset
        is_counted = plan.count == "exact" or (plan.count == "usual" and not plan.is_cursor)
        bound, counted = for_caller(plan.bound, db.caller), for_caller(plan.counted, db.caller)
        key = (db.caller.tenant_ids, plan.total, repr(counted))
        known = self._known(key) if is_counted else None
        if known is None:
            records = await db.fetch(plan.rows, *bound, afresh=plan.afresh)
        else:
            records = await db.fetch(plan.rows_and_news, *bound, known.horizon, afresh=plan.afresh)
        rows, more = [record["data"] for record in records[:limit]], len(records) > limit
        meta = page_meta((limit, offset), 0) | {
            "next_cursor": plan.order.cursor(orjson.loads(rows[-1])) if more else None,
            "total_is_estimate": False,
        }
        if not plan.is_cursor and not more and (rows or not offset):
            meta |= _total(offset + len(rows), limit)  # the last page tells
        elif is_counted:
            if known is None or not records or records[0]["is_news"]:
                known = await self._count(db, plan, counted, key)
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

    async def _count(self, db: Reads, plan: Plan, counted: tuple[Any, ...], key: Hashable) -> Total:
        """How many there are, remembered until something happens.

        Counting ten thousand rows takes longer than all the rest of a request. Every change is an event in its own
        transaction, so a total stays true until there is an event of a transaction that its snapshot has not seen. One
        that counts what may yet be rolled back is remembered by nobody.
        """
        (found,) = await db.fetch(plan.total, *counted, afresh=plan.afresh)
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

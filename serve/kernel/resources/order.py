"""The order of a list, and the SQL that reaches its first rows quickly, wherever they lie in the table."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import orjson
from sqlalchemy import Table

from serve.kernel.errors import Invalid

NEWEST_FIRST = "-created_at"
NEWEST = "t.created_at desc, t.id desc"
_ONE, _FROM_TO = "t.tenant_id = $1::uuid", "t.tenant_id between $1::uuid and $1::uuid"
NEAR = 5_000
"""How many of the newest rows are looked through before an index is asked."""


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

    def after(self, cursor: str, bind: Bindings, kinds: Mapping[str, str], table: Table) -> str:
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
        downs = {down for _, down in self.terms}
        if len(downs) == 1 and not any(table.columns[name].nullable for name, _ in self.terms):
            columns = ", ".join(f"t.{name}" for name, _ in self.terms)
            place = ", ".join(
                f"cast({bind(str(value))}::text as {kinds[name]})"
                for (name, _), value in zip(self.terms, values, strict=True)
            )
            return f"({columns}) {'<' if downs.pop() else '>'} ({place})"  # what an index can begin at
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


class Conditions(NamedTuple):
    """What rows must fulfil: whose they are, and what was ``asked``."""

    usual: str
    asked: tuple[str, ...]
    in_order: bool
    """Whether an index can give the newest of them first."""
    each: tuple[str, str, tuple[str, ...]] | None = None
    """Where one of several values is asked for: the values, what is asked of one of them, and the rest."""
    by_index: str = ""
    """Of a single condition: the order in which an index gives its rows."""

    @property
    def all(self) -> str:
        return " and ".join((self.usual, *self.asked))


def first_rows(
    table: Table,
    columns: str,
    conditions: Conditions,
    behind: tuple[str, ...],
    order: Order,
    first: int,
    offset: int,
) -> str:
    """SQL of the ``first`` rows in this order, from the ``offset`` on that ``guarded`` adds to it.

    Whoever goes through the newest rows for some of a kind is done at once where there are many, and goes through the
    whole table where all are old. Whoever has an index give the rows of that kind and sorts them is done at once where
    they are few. Which one it is the planner does not know: it believes that they lie anywhere. So the first way ends
    after ``NEAR`` rows, and only if there were not enough does the other begin.
    """
    source, count, in_order = f"from {table.name} t", first + offset, order.sql(table)
    usual = " and ".join((conditions.usual, *behind))
    leading, down = order.terms[0]

    if leading == "id" and _ONE in usual:
        # Were it equal, the key of the table would do as well, which has all other tenants' newer rows before ours.
        usual = usual.replace(_ONE, _FROM_TO)
        in_order = f"t.tenant_id {'desc' if down else 'asc'}, {in_order}"

    def some(*asked: str, by: str = in_order, most: int = count) -> str:
        return f"select {columns} {source} where {' and '.join((usual, *asked))} order by {by} limit {most}"

    if table.columns[leading].nullable:  # no index has the empty ones last, both ways up
        rest = Order(order.terms[1:]).sql(table)
        there = f"t.{leading} {'desc' if down else 'asc'}, {rest}"
        found = (
            f"({some(*conditions.asked, f't.{leading} is not null', by=there)})"
            # They are all alike in it; named all the same, or the planner goes through other tenants' rows by id.
            f" union all ({some(*conditions.asked, f't.{leading} is null', by=there)})"
        )
    elif leading != "created_at" or (conditions.in_order and conditions.each is None):
        return some(*conditions.asked, most=first)
    elif conditions.each is not None:
        values, one, others = conditions.each
        each = f"(select distinct unnest({values})) v (value)"
        found = f"select t.* from {each} cross join lateral ({some(one, *others)}) t"
    else:
        asked = " and ".join(conditions.asked)
        newest = f"select t.* {source} where {usual} order by {in_order} limit {NEAR}"
        wherever = f"select t.* {source} where {usual} and {asked} offset 0"  # with no order in mind
        found = (
            f"with near as materialized (select {columns} from ({newest}) t where {asked} limit {count})"
            f" select * from near where (select count(*) from near) >= {count} union all (select {columns}"
            f" from ({wherever}) t where (select count(*) from near) < {count} order by {in_order} limit {count})"
        )
    return f"select * from ({found}) t order by {in_order} limit {first}"


def some_rows(table: str, conditions: Conditions, most: int | None) -> str:
    """SQL of all rows, or as many as are counted.

    Whoever is to find ten thousand of a tenth of the table begins to read it from its beginning, which is in vain
    where all are at its end: hence the order of the index, which has them together.
    """
    if most is None:
        return f"select 1 from {table} t where {conditions.all}"
    if conditions.each is not None:
        values, one, others = conditions.each
        asked = " and ".join((conditions.usual, one, *others))
        some = f"select 1 from {table} t where {asked} order by {NEWEST} limit {most}"
        return f"select 1 from (select distinct unnest({values})) v (value) cross join lateral ({some}) t limit {most}"
    order = f" order by {conditions.by_index}" if conditions.by_index else ""
    return f"select 1 from {table} t where {conditions.all}{order} limit {most}"

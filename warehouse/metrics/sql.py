"""The SQL around MetricFlow's: filters with placeholders, comparison with an earlier range, order and limit.

Every name in it comes from the semantic manifest, every value is a placeholder.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from warehouse.metrics.query import METRIC_TIME, Comparison, FilterShape

if TYPE_CHECKING:
    from warehouse.metrics.engine import Column

_BOUNDS = re.compile(r"\$(first_day|day_after)\b")


def filter_sql(subject: str, item: FilterShape, index: int) -> str:
    """The condition; an empty subject is different from every value and passes only `!=` and `not in`."""
    names = [f"$p{index}_{position}" for position in range(item.count)]
    if not names:
        return f"{subject} is null" if item.op in ("=", "in") else f"{subject} is not null"
    if item.op == "between":
        return f"{subject} between {names[0]} and {names[1]}"
    if item.op == "in":
        condition = f"{subject} in ({', '.join(names)})"
        return f"({condition} or {subject} is null)" if item.has_none else condition
    if item.op == "not in":
        condition = f"{subject} not in ({', '.join(names)})"
        return condition if item.has_none else f"({condition} or {subject} is null)"
    if item.op == "!=":
        return f"{subject} is distinct from {names[0]}"
    return f"{subject} {item.op} {names[0]}"


def compare(sql: str, groups: Sequence[Column], metrics: Sequence[str], comparison: Comparison) -> str:
    """Each row of `sql` beside its counterpart in the earlier range; rows without one stay, with nulls.

    Counterparts have the same groups. A period of `metric_time` corresponds to the one in the same position
    counted from the first day of its range, but with the year before to the one of the same calendar date
    (weeks, which have none, by position). `change` is the difference over the size of the earlier value: 0.1 is
    ten percent more; null where the earlier value is null or zero.
    """
    conditions = [_counterpart(column, comparison) for column in groups] or ["true"]
    values = [f"this.{_quoted(column.name)}" for column in groups]
    for name in metrics:
        current, previous = f"this.{_quoted(name)}", f"earlier.{_quoted(name)}"
        values += [
            current,
            f"{previous} as {_quoted(name + '__previous')}",
            f"cast(({current} - {previous}) / nullif(abs({previous}), 0) as double) as {_quoted(name + '__change')}",
        ]
    earlier = _BOUNDS.sub(r"$previous_\1", sql)
    return (
        f"with this as ({sql}), earlier as ({earlier})\n"
        f"select {', '.join(values)}\nfrom this left join earlier on {' and '.join(conditions)}"
    )


def _counterpart(column: Column, comparison: Comparison) -> str:
    this, earlier = f"this.{_quoted(column.name)}", f"earlier.{_quoted(column.name)}"
    if column.of != METRIC_TIME:
        return f"{this} is not distinct from {earlier}"
    if comparison == "previous_year" and column.grain != "week":
        return f"(year({this}), month({this}), day({this})) = (year({earlier}) + 1, month({earlier}), day({earlier}))"
    position = "date_diff('{grain}', date_trunc('{grain}', cast({start} as date)), {period})"
    return " = ".join(
        (
            position.format(grain=column.grain, start="$first_day", period=this),
            position.format(grain=column.grain, start="$previous_first_day", period=earlier),
        )
    )


def finish(sql: str, columns: Sequence[Column], order: Sequence[tuple[str, bool]], *, has_limit: bool) -> str:
    """The columns in order, periods as dates, rows ordered with empty values last."""
    values = [
        f"cast({_quoted(column.name)} as date) as {_quoted(column.name)}"
        if column.kind == "time"
        else _quoted(column.name)
        for column in columns
    ]
    text = f"select {', '.join(values)}\nfrom ({sql}) as answer"
    if order:
        terms = [f"{_quoted(name)} {'desc' if descends else 'asc'} nulls last" for name, descends in order]
        text += f"\norder by {', '.join(terms)}"
    return f"{text}\nlimit $row_limit" if has_limit else text


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'

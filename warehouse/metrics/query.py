"""A question about metrics, as data: what it may contain, what its shape is, and the values it binds.

The *shape* is everything that decides the SQL; values (filter values, days, the limit) are bound at execution and
never become part of it, so one compiled shape serves every value.
"""

from __future__ import annotations

import calendar
import uuid
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Literal, get_args

Grain = Literal["day", "week", "month", "quarter", "year"]
Operator = Literal["=", "!=", "in", "not in", "<", "<=", ">", ">=", "between"]
Comparison = Literal["none", "previous_period", "previous_year"]
Value = str | int | float | bool | Decimal | date | datetime | uuid.UUID

GRAINS: tuple[Grain, ...] = get_args(Grain)
OPERATORS: tuple[Operator, ...] = get_args(Operator)
COMPARISONS: tuple[Comparison, ...] = get_args(Comparison)
METRIC_TIME = "metric_time"
MAX_VALUES = 1_000


class MetricQueryError(ValueError):
    """The question cannot be answered; `field` names the part at fault, such as `filters[0].op`."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field
        self.message = message


@dataclass(frozen=True, slots=True)
class Filter:
    """Keep rows whose `dimension` compares so with `values`.

    One value for the comparisons, two (both included) for `between`, one or more for `in` and `not in`. An empty
    dimension counts as different: it passes `!=` and `not in` and nothing else, except `=` with the value None.
    """

    dimension: str
    op: Operator
    values: tuple[Value | None, ...]


@dataclass(frozen=True, slots=True)
class MetricQuery:
    """
    Parameters
    ----------
    metrics : names of metrics.
    group_by : dimensions and entities, `metric_time` among them; a time dimension may carry its own grain
        (`account__since_date__month`), else `grain` applies.
    start, end : the first and the last day counted, by UTC; either may be left out. Metrics known by month are
        counted in months that begin within the range.
    order_by : output columns, `-` before one that descends. Without it the groups themselves order the rows.
    limit : the most rows returned.
    compare : adds `<metric>__previous` and `<metric>__change` to every row; needs `start` and `end`.
    """

    metrics: tuple[str, ...]
    group_by: tuple[str, ...] = ()
    grain: Grain = "day"
    start: date | None = None
    end: date | None = None
    filters: tuple[Filter, ...] = ()
    order_by: tuple[str, ...] = ()
    limit: int | None = None
    compare: Comparison = "none"

    @property
    def shape(self) -> Shape:
        """What the SQL depends on. Raises MetricQueryError for a question that cannot be meant."""
        _check(self)
        return Shape(
            metrics=tuple(dict.fromkeys(self.metrics)),
            group_by=tuple(dict.fromkeys(self.group_by)),
            grain=self.grain,
            has_start=self.start is not None,
            has_end=self.end is not None,
            filters=tuple(_filter_shape(item) for item in self.filters),
            order_by=self.order_by,
            has_limit=self.limit is not None,
            compare=self.compare,
        )

    @property
    def params(self) -> dict[str, Any]:
        """The values that the shape's SQL binds, by name."""
        params: dict[str, Any] = {}
        if self.start is not None:
            params["first_day"] = self.start
        if self.end is not None:
            params["day_after"] = self.end + timedelta(days=1)
        if self.compare != "none" and self.start is not None and self.end is not None:
            first, last = previous_range(self.start, self.end, self.compare)
            params["previous_first_day"] = first
            params["previous_day_after"] = last + timedelta(days=1)
        if self.limit is not None:
            params["row_limit"] = self.limit
        for index, item in enumerate(self.filters):
            values = [value for value in item.values if value is not None]
            padded = values + values[-1:] * (_padded_count(len(values)) - len(values))
            params |= {f"p{index}_{position}": value for position, value in enumerate(padded)}
        return params


@dataclass(frozen=True, slots=True)
class FilterShape:
    """A filter without its values: `count` placeholders are bound, `has_none` adds the empty dimension."""

    dimension: str
    op: Operator
    count: int
    has_none: bool


@dataclass(frozen=True, slots=True)
class Shape:
    metrics: tuple[str, ...]
    group_by: tuple[str, ...]
    grain: Grain
    has_start: bool
    has_end: bool
    filters: tuple[FilterShape, ...]
    order_by: tuple[str, ...]
    has_limit: bool
    compare: Comparison


def previous_range(start: date, end: date, compare: Comparison) -> tuple[date, date]:
    """The first and last day that `start` to `end` is compared with.

    `previous_year` moves both ends back one year. `previous_period` is the stretch that ends the day before
    `start`: as many whole months when the range is made of whole months, else as many days.

    >>> previous_range(date(2026, 1, 1), date(2026, 3, 31), "previous_period")
    (datetime.date(2025, 10, 1), datetime.date(2025, 12, 31))
    >>> previous_range(date(2026, 1, 5), date(2026, 1, 11), "previous_period")
    (datetime.date(2025, 12, 29), datetime.date(2026, 1, 4))
    >>> previous_range(date(2025, 2, 1), date(2025, 2, 28), "previous_year")
    (datetime.date(2024, 2, 1), datetime.date(2024, 2, 29))
    """
    after = end + timedelta(days=1)
    if compare == "previous_year":
        return _months_earlier(start, 12), _months_earlier(after, 12) - timedelta(days=1)
    if start.day == 1 and after.day == 1:
        months = (after.year - start.year) * 12 + after.month - start.month
        return _months_earlier(start, months), start - timedelta(days=1)
    return start - (after - start), start - timedelta(days=1)


def _months_earlier(day: date, months: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def _check(query: MetricQuery) -> None:
    if not query.metrics:
        raise MetricQueryError("metrics", "name at least one metric")
    if query.grain not in GRAINS:
        raise MetricQueryError("grain", f"{query.grain!r} is not one of {', '.join(GRAINS)}")
    if query.compare not in COMPARISONS:
        raise MetricQueryError("compare", f"{query.compare!r} is not one of {', '.join(COMPARISONS)}")
    for field, day in (("start", query.start), ("end", query.end)):
        if day is not None and (isinstance(day, datetime) or not isinstance(day, date)):
            raise MetricQueryError(field, "must be a day")
        if day is not None and not 1900 <= day.year <= 2200:
            raise MetricQueryError(field, "must lie between the years 1900 and 2200")
    if query.start is not None and query.end is not None and query.end < query.start:
        raise MetricQueryError("end", "lies before start")
    if query.compare != "none" and (query.start is None or query.end is None):
        raise MetricQueryError("compare", "needs start and end")
    if query.limit is not None and (isinstance(query.limit, bool) or not 1 <= query.limit <= 1_000_000):
        raise MetricQueryError("limit", "must be between 1 and 1,000,000")
    for index, item in enumerate(query.filters):
        _check_filter(f"filters[{index}]", item)


def _check_filter(field: str, item: Filter) -> None:
    if item.op not in OPERATORS:
        raise MetricQueryError(f"{field}.op", f"{item.op!r} is not one of {', '.join(OPERATORS)}")
    allowed = {"in": (1, MAX_VALUES), "not in": (1, MAX_VALUES), "between": (2, 2)}
    least, most = allowed.get(item.op, (1, 1))
    if not least <= len(item.values) <= most:
        wanted = f"{least}" if least == most else f"{least} to {most:,}"
        raise MetricQueryError(
            f"{field}.values", f"{item.op} takes {wanted} values, not {len(item.values):,}"
        )
    for value in item.values:
        if value is None and item.op not in ("=", "!=", "in", "not in"):
            raise MetricQueryError(f"{field}.values", f"{item.op} needs a value")
        if value is not None and not isinstance(value, Value):
            raise MetricQueryError(f"{field}.values", "values are text, numbers, booleans, days or moments")


def _filter_shape(item: Filter) -> FilterShape:
    count = sum(value is not None for value in item.values)
    return FilterShape(item.dimension, item.op, _padded_count(count), has_none=count < len(item.values))


def _padded_count(count: int) -> int:
    # Lists are filled up to a power of two by repeating their last value: 10 shapes serve 1,000 lengths.
    return 1 << (count - 1).bit_length() if count > 0 else 0

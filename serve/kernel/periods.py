"""Spans of days and months that answers are about. "Now" is the last day of the data, never the server's clock."""

from __future__ import annotations

import calendar
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, Field

from serve.kernel.envelope import Day, Output
from serve.kernel.errors import Invalid

Grain = Literal["day", "week", "month"]
Compare = Literal["previous_period", "previous_year", "none"]
LONGEST_DAYS = 3_700

_DAYS = {"7d": 7, "30d": 30, "90d": 90}
_MONTHS = {"1m": 1, "3m": 3, "6m": 6, "12m": 12, "24m": 24}


class SpanRead(Output):
    """First and last day, both included."""

    start: date = Field(examples=["2026-01-01"])
    end: date = Field(examples=["2026-01-31"])


class PeriodRead(SpanRead):
    """The days an answer is about and those it is compared with."""

    range: str = Field(examples=["30d"])
    compared_to: SpanRead | None = None


@dataclass(frozen=True, slots=True)
class Span:
    """Days from ``start`` to ``end``, both included."""

    start: date
    end: date

    @property
    def days(self) -> int:
        return (self.end - self.start).days + 1

    def before(self, compare: Compare) -> Span | None:
        """The span to compare with: the same number of days just before, or the same dates a year before."""
        if compare == "none":
            return None
        if compare == "previous_year":
            return Span(add_months(self.start, -12), add_months(self.end, -12))
        return Span(self.start - timedelta(days=self.days), self.start - timedelta(days=1))

    def grain(self) -> Grain:
        """The grain at which a trend over the span can be read: at most about 100 points."""
        return "day" if self.days <= 100 else "week" if self.days <= 400 else "month"

    def as_dict(self) -> dict[str, Any]:
        return {"start": self.start, "end": self.end}


class DayRange(BaseModel):
    """``range=7d|30d|90d|12m``, or ``start`` and ``end``."""

    usual: ClassVar[str] = "30d"

    range: Literal["7d", "30d", "90d", "12m", "custom"] | None = Field(
        None, description="Days up to the last day of the data; 30d unless said. custom takes start and end."
    )
    start: Day | None = Field(None, description="First day, with range=custom.")
    end: Day | None = Field(
        None, description="Last day, with range=custom; the last day of the data unless said."
    )

    def span(self, as_of: date) -> Span:
        """Raises Invalid naming the parameter that does not fit."""
        word = self.range or ("custom" if self.start or self.end else self.usual)
        if word == "custom":
            return _custom(self.start, self.end or as_of)
        _refuse_dates(self.start, self.end)
        if word in _DAYS:
            return Span(as_of - timedelta(days=_DAYS[word] - 1), as_of)
        return Span(add_months(as_of, -_MONTHS[word]) + timedelta(days=1), as_of)

    def describe(self, span: Span, previous: Span | None = None) -> dict[str, Any]:
        """The fields of PeriodRead."""
        word = self.range or ("custom" if self.start or self.end else self.usual)
        return {"range": word, **span.as_dict(), "compared_to": previous and previous.as_dict()}


class MonthRange(BaseModel):
    """Whole months up to the month of the last day of the data, or those that ``start`` and ``end`` lie in."""

    usual: ClassVar[str] = "12m"

    range: Literal["1m", "3m", "6m", "12m", "24m", "all", "custom"] | None = Field(
        None,
        description="Calendar months up to the last one with data; 12m unless said. custom takes start and end.",
    )
    start: Day | None = Field(None, description="A day of the first month, with range=custom.")
    end: Day | None = Field(None, description="A day of the last month, with range=custom.")

    def span(self, as_of: date) -> Span:
        """From the first day of the first month to the last day known. Raises Invalid."""
        word = self.range or ("custom" if self.start or self.end else self.usual)
        if word == "custom":
            span = _custom(self.start, self.end or as_of)
            return Span(span.start.replace(day=1), min(_month_end(span.end), max(as_of, span.end)))
        _refuse_dates(self.start, self.end)
        if word == "all":
            return Span(date(1970, 1, 1), as_of)
        return Span(add_months(as_of.replace(day=1), 1 - _MONTHS[word]), as_of)

    def describe(self, span: Span) -> dict[str, Any]:
        word = self.range or ("custom" if self.start or self.end else self.usual)
        return {"range": word, **span.as_dict(), "compared_to": None}


class Compared(BaseModel):
    compare: Compare = Field("previous_period", description="What to compare with.")


def add_months(day: date, months: int) -> date:
    """The same day of another month, or that month's last day when it is shorter.

    >>> add_months(date(2024, 2, 29), -12)
    datetime.date(2023, 2, 28)
    """
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def _month_end(day: date) -> date:
    return day.replace(day=calendar.monthrange(day.year, day.month)[1])


def _custom(start: date | None, end: date) -> Span:
    if start is None:
        raise Invalid(details=[("start", "is needed with range=custom")])
    if start > end:
        raise Invalid(details=[("start", f"lies after the end, {end}")])
    if (end - start).days > LONGEST_DAYS:
        raise Invalid(details=[("start", f"lies more than {LONGEST_DAYS} days before the end")])
    if start.year < 2:
        raise Invalid(details=[("start", "is too long ago")])
    return Span(start, end)


def _refuse_dates(start: date | None, end: date | None) -> None:
    wrong = [(name, "needs range=custom") for name, value in (("start", start), ("end", end)) if value]
    if wrong:
        raise Invalid(details=wrong)

"""Working time: how much of it lies between two moments, and when so much of it has passed.

Pure functions, inverse to each other: ``worked(c, begin, add_worked(c, begin, d)) == d`` whenever ``d`` is reached.
Opening hours are written as a clock on the wall shows them; here they become moments, so a day on which clocks change
has an hour more or less. All intervals are half-open: the moment of closing belongs to no working time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
FARTHEST = timedelta(days=5 * 366)
"""A moment that lies farther ahead is none: nobody works by such a calendar."""
_SECOND = timedelta(seconds=1)

Interval = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True)
class Calendar:
    """``weekly`` has for each day, Monday first, when it is open: minutes after midnight, in order."""

    timezone: str
    weekly: tuple[tuple[tuple[int, int], ...], ...]
    country: str | None = None
    subdivision: str | None = None
    closed_days: frozenset[date] = frozenset()


def calendar_of(row: Mapping[str, Any]) -> Calendar:
    """From how it is stored."""
    by_day: dict[str, list[tuple[int, int]]] = {day: [] for day in DAYS}
    for span in row["hours"]:
        by_day[span["day"]].append((minutes_of(span["opens"]), minutes_of(span["closes"])))
    return Calendar(
        row["timezone"],
        tuple(tuple(sorted(by_day[day])) for day in DAYS),
        row["country"],
        row["subdivision"],
        frozenset(date.fromisoformat(str(closed["date"])) for closed in row["closed_days"]),
    )


def minutes_of(clock: str) -> int:
    """
    >>> minutes_of("08:30"), minutes_of("24:00")
    (510, 1440)
    """
    hour, _, minute = clock.partition(":")
    return int(hour) * 60 + int(minute)


def worked(calendar: Calendar | None, begin: datetime, end: datetime) -> timedelta:
    """The working time between two moments, none when ``end`` is not the later one. Without a calendar all time is."""
    if end <= begin:
        return timedelta()
    if calendar is None:
        return end - begin
    total = timedelta()
    for opens, closes in _open_from(calendar, begin):
        if opens >= end:
            break
        total += max(min(closes, end) - max(opens, begin), timedelta())
    return total


def add_worked(calendar: Calendar | None, begin: datetime, much: timedelta) -> datetime | None:
    """The first moment by which so much working time has passed since ``begin``; None when that is years away."""
    if calendar is None or much <= timedelta():
        return begin + max(much, timedelta())
    left = much
    for opens, closes in _open_from(calendar, begin):
        opens = max(opens, begin)
        if closes - opens >= left:
            return opens + left
        left -= max(closes - opens, timedelta())
    return None


def worked_s(calendar: Calendar | None, begin: datetime, end: datetime) -> float:
    """``worked`` in seconds."""
    return worked(calendar, begin, end).total_seconds()


def _open_from(calendar: Calendar, begin: datetime) -> Iterator[Interval]:
    """When it is open, in order, from the day of ``begin``."""
    day = begin.astimezone(ZoneInfo(calendar.timezone)).date()
    last = day + FARTHEST if day < date.max - FARTHEST else date.max
    while day < last:
        yield from open_on(calendar, day)
        day += timedelta(days=1)


@lru_cache(maxsize=20_000)
def open_on(calendar: Calendar, day: date) -> tuple[Interval, ...]:
    """When it is open on this day of its zone, in UTC."""
    if closed_because(calendar, day) is not None:
        return ()
    zone = ZoneInfo(calendar.timezone)
    spans = [
        (_moment(zone, day, opens), _moment(zone, day, closes))
        for opens, closes in calendar.weekly[day.weekday()]
    ]
    return tuple((opens, closes) for opens, closes in spans if closes > opens)


def closed_because(calendar: Calendar, day: date) -> str | None:
    """The name of the holiday, or that the firm itself is closed; None for an ordinary day."""
    if day in calendar.closed_days:
        return "closed"
    if calendar.country is None:
        return None
    return _holidays(calendar.country, calendar.subdivision, day.year).get(day)


@lru_cache(maxsize=500)
def _holidays(country: str, subdivision: str | None, year: int) -> Mapping[date, str]:
    import holidays  # of all countries: a third of a second that most processes never need

    return dict(holidays.country_holidays(country, subdiv=subdivision, years=year))


def _moment(zone: ZoneInfo, day: date, minutes: int) -> datetime:
    """When a clock on the wall shows that time: the first time that it does, or when it leaps over it."""
    after, minute = divmod(minutes, 24 * 60)
    wall = datetime.combine(day + timedelta(days=after), time(minute // 60, minute % 60))
    found = wall.replace(tzinfo=zone).astimezone(UTC)
    if found.astimezone(zone).replace(tzinfo=None) == wall:
        return found
    before = wall.replace(tzinfo=zone, fold=1).astimezone(UTC)
    while found - before > _SECOND:
        middle = before + (found - before) // 2
        if middle.astimezone(zone).replace(tzinfo=None) < wall:
            before = middle
        else:
            found = middle
    return found.replace(microsecond=0)


def countries() -> Mapping[str, list[str]]:
    """Which countries' holidays are known, and by which of their parts they can differ."""
    import holidays

    return holidays.list_supported_countries()


def overlap(spans: list[tuple[int, int]]) -> bool:
    """Whether two of a day's hours share time."""
    return any(one[1] > other[0] for one, other in pairwise(sorted(spans)))

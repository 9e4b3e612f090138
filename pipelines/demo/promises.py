"""What a simulated company promises of its tickets: when it works, how soon it answers, and whether it did.

The clocks are those of the service (`serve/crm/sla`), for all tickets at once: a test compares the two.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from pipelines.demo.calendar import EPOCH, Calendar
from pipelines.demo.draw import MINUTE_US, NEVER, Bools, Floats, Ints
from pipelines.demo.profiles import Profile

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
WEEKDAY, SATURDAY = ("08:00", "18:00"), ("09:00", "13:00")
CLOCKS = ("first_reply", "resolution")
NO_END = int(np.iinfo(np.int64).max)


@dataclass(frozen=True)
class Policy:
    """What is promised of the tickets of one priority, or of all others."""

    name: str
    priority: str | None
    first_reply_minutes: int
    resolution_minutes: int
    warn_before_minutes: int
    by_calendar: bool

    def target_us(self, clock: str) -> int:
        minutes = self.first_reply_minutes if clock == "first_reply" else self.resolution_minutes
        return minutes * MINUTE_US


POLICIES = (
    Policy("Urgent, day and night", "urgent", 120, 2_880, 20, by_calendar=False),
    Policy("High", "high", 240, 1_800, 60, by_calendar=True),
    Policy("Standard", None, 600, 3_600, 120, by_calendar=True),
)
POLICY_OF_PRIORITY = np.array([2, 2, 1, 0])
"""By low, normal, high, urgent."""


def opening_hours(profile: Profile) -> list[tuple[str, str, str]]:
    """Day, opening and closing on the wall's clock."""
    week = [(day, *WEEKDAY) for day in DAYS[:5]]
    return [*week, ("saturday", *SATURDAY)] if profile.kind == "marketplace" else week


def hours_json(profile: Profile) -> str:
    spans = opening_hours(profile)
    return json.dumps([{"day": day, "opens": opens, "closes": closes} for day, opens, closes in spans])


class Hours:
    """Working time as a function of the moment, and the way back; outside the simulated years it stands still."""

    def __init__(self, spans_us: list[tuple[int, int]]) -> None:
        spans = np.array(spans_us, dtype=np.int64)
        self._base = int(spans[0, 0])
        done = np.cumsum(spans[:, 1] - spans[:, 0])
        self._at = (spans - self._base).ravel().astype(np.float64)
        self._worked = np.stack([done - (spans[:, 1] - spans[:, 0]), done], 1).ravel().astype(np.float64)

    def worked(self, begin_us: Ints, end_us: Ints) -> Floats:
        """Microseconds of working time between two moments."""
        return self._until(end_us) - self._until(begin_us)

    def after(self, begin_us: Ints, much_us: Floats) -> Ints:
        """The first moment by which so much working time has passed."""
        wanted = np.rint(self._until(begin_us) + much_us)
        reached = np.interp(wanted, self._worked, self._at)
        # What is reached at the very end of a day is not reached only on the next morning.
        place = np.minimum(np.searchsorted(self._worked, wanted), len(self._worked) - 1)
        reached = np.where(self._worked[place] == wanted, self._at[place], reached)
        return np.where(much_us <= 0, begin_us, np.rint(reached).astype(np.int64) + self._base)

    def is_open(self, at_us: Ints) -> Bools:
        return np.searchsorted(self._at, np.asarray(at_us) - self._base, side="right") % 2 == 1

    def next_open(self, at_us: Ints) -> Ints:
        """The moment itself in working time, else the next opening."""
        place = np.searchsorted(self._at, np.asarray(at_us) - self._base, side="right")
        opening = self._at[np.minimum(place, len(self._at) - 2)].astype(np.int64) + self._base
        return np.where(place % 2 == 1, at_us, opening)

    def _until(self, at_us: Ints) -> Floats:
        return np.interp(np.asarray(at_us) - self._base, self._at, self._worked)


def hours_of(profile: Profile, calendar: Calendar) -> Hours:
    """The company's working time, without the holidays of its country."""
    zone = ZoneInfo(profile.timezone)
    by_day = {DAYS.index(day): (opens, closes) for day, opens, closes in opening_hours(profile)}
    spans = []
    for day in np.flatnonzero(~calendar.is_holiday):
        if clock := by_day.get(int(calendar.weekday[day])):
            on = EPOCH + timedelta(days=int(day) + calendar.first_day)
            spans.append((_moment_us(on, clock[0], zone), _moment_us(on, clock[1], zone)))
    return Hours(spans)


def _moment_us(day: date, clock: str, zone: ZoneInfo) -> int:
    at = datetime.combine(day, time.fromisoformat(clock), zone).astimezone(UTC)
    return int(at.timestamp()) * 1_000_000


@dataclass(frozen=True)
class Spans:
    """While each ticket's clock ran, a column a span: `begin` NEVER where there is none, `end` NO_END where it runs."""

    begin: Ints
    end: Ints
    is_paused: Bools
    """Then the customer had the word."""

    def of(self, which: Bools) -> "Spans":
        return Spans(self.begin[which], self.end[which], self.is_paused[which])

    def reached(self, hours: Hours | None, target_us: int, now_us: int) -> Iterator[tuple[int, Ints]]:
        """Each column and when the promised time is over if the clock runs on; NEVER where no clock runs."""
        elapsed = np.zeros(len(self.begin))
        for nth in range(self.begin.shape[1]):
            begin, runs = self.begin[:, nth], self.begin[:, nth] != NEVER
            left = target_us - elapsed
            plainly = begin + np.maximum(left, 0).astype(np.int64)
            reached = plainly if hours is None else hours.after(begin, left)
            yield nth, np.where(runs, reached, NEVER)
            end = np.minimum(self.end[:, nth], now_us)
            worked = (end - begin).astype(np.float64) if hours is None else hours.worked(begin, end)
            elapsed = elapsed + np.where(runs, np.maximum(worked, 0), 0)


def due_and_breached(spans: Spans, hours: Hours | None, target_us: int, now_us: int) -> tuple[Ints, Ints]:
    """By when it is or was due (NEVER while a pause hides it), and since when it was late."""
    count = len(spans.begin)
    due, breached, was_due = np.full(count, NEVER), np.full(count, NEVER), np.full(count, NEVER)
    for nth, reached in spans.reached(hours, target_us, now_us):
        is_new = (reached != NEVER) & (due == NEVER)
        end = spans.end[:, nth]
        runs_on = is_new & (end == NO_END)
        missed = is_new & (end != NO_END) & (reached < end)
        breached = np.where((runs_on & (reached <= now_us)) | missed, reached, breached)
        due = np.where(runs_on | missed, reached, due)
        was_due = np.where(is_new, np.where(spans.is_paused[:, nth], NEVER, reached), was_due)
    return np.where(due != NEVER, due, was_due), breached


def told(spans: Spans, hours: Hours | None, policy: Policy, clock: str) -> tuple[tuple[str, Ints, Ints], ...]:
    """Level, by when it was due and when people are told (NEVER: never), for warnings and breaches."""
    count = len(spans.begin)
    warned_due, warned, late = (np.full(count, NEVER) for _ in range(3))
    for nth, reached in spans.reached(hours, policy.target_us(clock), NO_END):
        runs = (reached != NEVER) & (late == NEVER)
        warn_at = np.maximum(spans.begin[:, nth], reached - policy.warn_before_minutes * MINUTE_US)
        is_warned = runs & (warned == NEVER) & (warn_at < spans.end[:, nth]) & (warn_at < reached)
        warned, warned_due = np.where(is_warned, warn_at, warned), np.where(is_warned, reached, warned_due)
        late = np.where(runs & (reached < spans.end[:, nth]), reached, late)
    return ("warning", warned_due, warned), ("breach", late, late)

"""Days of one tenant: weekdays, holidays, seasons of demand, and which days are open for work."""

from dataclasses import dataclass
from datetime import date, timedelta

import holidays
import numpy as np
from numpy.typing import NDArray

from pipelines.demo import truths
from pipelines.demo.draw import DAY_US, Bools, Floats, Ints

EPOCH = date(1970, 1, 1)
HISTORY_DAYS = 730
AHEAD_DAYS = 8
"""Days simulated beyond the last visible one: increments are a later look at the same world."""
MARGIN_DAYS = 200
"""Room for what is planned near the end: a due date, a slow repair, a late payment."""


@dataclass(frozen=True)
class Calendar:
    """Arrays by day of the simulation; day 0 is the first of the 24 months."""

    first_day: int
    days: int
    weekday: Ints
    is_holiday: Bools
    demand: Floats
    next_open: Ints

    def day_us(self, day: Ints | int) -> Ints:
        """Midnight UTC that begins the day."""
        return (np.asarray(day, dtype=np.int64) + self.first_day) * DAY_US

    def open_day(self, day: Ints, rng: np.random.Generator, works_when_closed: float) -> Ints:
        """The day itself if work is done on it, else the next open one."""
        stays = rng.random(len(day)) < works_when_closed
        return np.where(stays, day, self.next_open[day])

    @property
    def month(self) -> NDArray:
        """The month of each day as datetime64[M]."""
        return (np.arange(self.days) + self.first_day).astype("datetime64[D]").astype("datetime64[M]")

    @property
    def day_of_month(self) -> Ints:
        days = (np.arange(self.days) + self.first_day).astype("datetime64[D]")
        return (days - days.astype("datetime64[M]")).astype(np.int64) + 1


def make_calendar(until: date, country: str) -> Calendar:
    first = until - timedelta(days=HISTORY_DAYS - 1)
    first_day = (first - EPOCH).days
    length = HISTORY_DAYS + AHEAD_DAYS + MARGIN_DAYS
    days = np.arange(length) + first_day
    years = range(first.year, first.year + 5)
    off = [(day - EPOCH).days for day in holidays.country_holidays(country, years=years)]
    weekday = (days + 3) % 7  # 1970-01-01 was a Thursday
    is_holiday = np.isin(days, off)
    is_open = (weekday != 6) & ~is_holiday
    positions = np.where(is_open, np.arange(length), length - 1)
    next_open = np.minimum.accumulate(positions[::-1])[::-1]
    day_of_year = (
        days.astype("datetime64[D]") - days.astype("datetime64[D]").astype("datetime64[Y]")
    ).astype(int)
    demand = truths.demand(np.arange(length), weekday, day_of_year, is_holiday)
    return Calendar(first_day, HISTORY_DAYS + AHEAD_DAYS, weekday, is_holiday, demand, next_open)

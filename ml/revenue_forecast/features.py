"""The daily revenue series: every complete day before `as_of`, in order, without holes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl

from ml.terms import Context, Floats, NotEnoughData

SEASON_DAYS = 7
MIN_DAYS = 7
COLUMNS = ("date", "revenue_cents")
DAY_IS_OVER_AFTER_H = 23
"""A day counts as complete an hour before midnight: clocks of sources stop at their last row, not at midnight."""


@dataclass(frozen=True)
class Series:
    """Revenue in cents of `len(cents)` days in a row, the first being `start`."""

    start: date
    cents: Floats

    def __len__(self) -> int:
        return len(self.cents)

    @property
    def end(self) -> date:
        """The last day."""
        return self.start + timedelta(days=len(self) - 1)

    def head(self, days: int) -> Series:
        return Series(self.start, self.cents[:days])

    def dates(self, *, ahead: int = 0) -> list[date]:
        """Its days, or the `ahead` days that follow."""
        first = len(self) if ahead else 0
        return [self.start + timedelta(days=first + step) for step in range(ahead or len(self))]


def to_series(frame: pl.DataFrame, context: Context) -> Series:
    """Only `COLUMNS`, and only days that were over at `as_of`; a day without a row had no revenue.

    Raises
    ------
    NotEnoughData
        If fewer than `MIN_DAYS` days are over.
    ValueError
        If a day appears twice.
    """
    days = frame.select(pl.col("date").cast(pl.Date), pl.col("revenue_cents").cast(pl.Float64))
    over = pl.col("date").cast(pl.Datetime("us", "UTC")) + timedelta(hours=DAY_IS_OVER_AFTER_H)
    days = days.filter(over <= pl.lit(context.as_of_utc)).sort("date")
    if days["date"].is_duplicated().any():
        raise ValueError("revenue_days has a date twice")
    if days.height:
        days = days.upsample("date", every="1d").with_columns(pl.col("revenue_cents").fill_null(0.0))
    if days.height < MIN_DAYS:
        raise NotEnoughData(f"Revenue is known for {days.height} days; a forecast needs at least {MIN_DAYS}.")
    return Series(days["date"][0], np.array(days["revenue_cents"].to_numpy(), dtype=np.float64))

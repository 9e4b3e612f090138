"""Rolling-origin backtest: stand at several past days, forecast 28 days, compare with what came."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ml.cores import one_core
from ml.revenue_forecast.features import SEASON_DAYS, Series
from ml.revenue_forecast.methods import Method
from ml.terms import Floats

HORIZON_DAYS = 28
CUTOFFS = 6
MIN_CUTOFFS = 3
MIN_PAST_DAYS = 2 * SEASON_DAYS
MIN_SPACING_DAYS = SEASON_DAYS
FLOOR = "seasonal_naive"
LEVEL = 0.80
"""Share of days that should fall inside the interval."""
BANDS = HORIZON_DAYS // SEASON_DAYS


@dataclass(frozen=True)
class Backtest:
    """What each method said at each cut-off (oldest first), and what came."""

    cutoffs: list[int]
    actual: Floats
    """Shape (cut-offs, days), cents."""
    forecasts: Mapping[str, Floats]
    naive_error: Floats
    """Mean miss of repeating last week in the past of each cut-off, cents."""
    levels: Floats
    """Mean size of a day in the eight weeks before each cut-off, cents."""

    def scaled_errors(self, method: str) -> Floats:
        """Absolute misses over the past's naive error, shape (cut-offs, days); their mean is the MASE."""
        misses = np.abs(self.actual - self.forecasts[method])
        return np.asarray(misses / self.naive_error[:, None], dtype=np.float64)

    def mase(self, method: str) -> float:
        """Mean absolute scaled error over all cut-offs: 1.0 is as good as repeating last week was in the past.

        Source: Hyndman and Koehler (2006), Int. J. Forecasting 22(4), 679-688.
        """
        return float(self.scaled_errors(method).mean())

    def relative_misses(self, method: str) -> Floats:
        """Signed misses over the level of their time, so that a growing business keeps its width in per cent."""
        return np.asarray((self.actual - self.forecasts[method]) / self.levels[:, None], dtype=np.float64)

    def only(self, rows: slice) -> Backtest:
        forecasts = {name: values[rows] for name, values in self.forecasts.items()}
        return Backtest(
            self.cutoffs[rows], self.actual[rows], forecasts, self.naive_error[rows], self.levels[rows]
        )

    def winner(self) -> str:
        """The lowest MASE; methods stand dullest first, so a tie stays dull. Never worse than seasonal naive."""
        return min(self.forecasts, key=self.mase)


def cutoffs(days: int) -> list[int]:
    """Lengths of the pasts to stand at, oldest first; the last leaves exactly one horizon.

    Up to `CUTOFFS`, spaced a horizon apart where history allows, else closer together; fewer than `MIN_CUTOFFS`
    means the series is too short for a backtest.

    >>> cutoffs(730)
    [562, 590, 618, 646, 674, 702]
    >>> cutoffs(40)
    []
    """
    room = days - HORIZON_DAYS - MIN_PAST_DAYS
    if room < (MIN_CUTOFFS - 1) * MIN_SPACING_DAYS:
        return []
    spacing = HORIZON_DAYS
    while room // spacing + 1 < CUTOFFS and spacing > MIN_SPACING_DAYS:
        spacing -= SEASON_DAYS
    count = min(CUTOFFS, room // spacing + 1)
    return [days - HORIZON_DAYS - step * spacing for step in reversed(range(count))]


def backtest(series: Series, candidates: Mapping[str, tuple[Method, int]]) -> Backtest | None:
    """Every candidate whose shortest past fits the oldest cut-off, at every cut-off.

    None if the series is too short, or so flat before a cut-off that there is no naive error to scale by.
    """
    stops = cutoffs(len(series))
    scales = np.array([naive_error(series.cents[:stop]) for stop in stops])
    if not stops or (scales <= 0).any():
        return None
    fitting = {name: method for name, (method, shortest) in candidates.items() if stops[0] >= shortest}
    return Backtest(
        stops,
        np.array([series.cents[stop : stop + HORIZON_DAYS] for stop in stops]),
        {name: _at_each(method, series, stops) for name, method in fitting.items()},
        scales,
        np.array([level(series.cents[:stop]) for stop in stops]),
    )


def naive_error(cents: Floats) -> float:
    """Mean absolute change from one week to the next, cents; 0.0 if nothing ever changed."""
    return (
        float(np.abs(cents[SEASON_DAYS:] - cents[:-SEASON_DAYS]).mean()) if len(cents) > SEASON_DAYS else 0.0
    )


def level(cents: Floats) -> float:
    """Mean size of a day over the last eight weeks, cents; 1.0 for a series of zeros."""
    return float(np.abs(cents[-8 * SEASON_DAYS :]).mean()) or 1.0


def interval_misses(relative_misses: Floats) -> tuple[Floats, Floats]:
    """Lower and upper relative miss for each day ahead, shape (days,), from misses of shape (cut-offs, days).

    Split-conformal: the quantiles of past misses a week ahead at a time, with the small-sample step outwards.
    """
    lows, highs = [], []
    for week in np.array_split(relative_misses, BANDS, axis=1):
        misses = np.sort(week.ravel())
        rank = int(np.ceil((len(misses) + 1) * (1 + LEVEL) / 2))
        highs.append(misses[min(rank, len(misses)) - 1])
        lows.append(misses[max(len(misses) - rank, 0)])
    lower, upper = np.repeat(lows, SEASON_DAYS), np.repeat(highs, SEASON_DAYS)
    return np.minimum(lower, 0.0), np.maximum(upper, 0.0)


def coverage(relative_misses: Floats, rows: Iterable[int] | None = None) -> float:
    """Share of days inside intervals made from the other cut-offs alone, over the judged `rows` (default all)."""
    inside = []
    for row in range(len(relative_misses)) if rows is None else rows:
        lower, upper = interval_misses(np.delete(relative_misses, row, axis=0))
        inside.append((relative_misses[row] >= lower) & (relative_misses[row] <= upper))
    return float(np.mean(inside))


def _at_each(method: Method, series: Series, stops: list[int]) -> Floats:
    with one_core():
        return np.array([method(series.head(stop), HORIZON_DAYS) for stop in stops])


def metrics(tested: Backtest) -> tuple[dict[str, Any], dict[str, Any]]:
    """Figures of the winner over all cut-offs and of seasonal naive on the same days.

    `holdout_…` is stricter: the method that the earlier cut-offs would have chosen, judged on the last 28 days alone,
    with intervals made from the earlier cut-offs.
    """
    name, chosen_before, last = tested.winner(), tested.only(slice(None, -1)).winner(), slice(-1, None)
    figures = {
        "mase": tested.mase(name),
        "skill_against_naive": 1 - tested.mase(name) / max(tested.mase(FLOOR), 1e-9),
        "interval_coverage": coverage(tested.relative_misses(name)),
        "holdout_mase": tested.only(last).mase(chosen_before),
        "holdout_coverage": coverage(tested.relative_misses(chosen_before), [len(tested.cutoffs) - 1]),
    }
    rounded: dict[str, Any] = {key: round(value, 5) for key, value in figures.items()}
    by_method = {method: round(tested.mase(method), 5) for method in tested.forecasts}
    names = {
        "method": name,
        "holdout_method": chosen_before,
        "interval_level": LEVEL,
        "mase_by_method": by_method,
    }
    floor = {"mase": round(tested.mase(FLOOR), 5), "holdout_mase": round(tested.only(last).mase(FLOOR), 5)}
    return names | rounded, {FLOOR: floor}

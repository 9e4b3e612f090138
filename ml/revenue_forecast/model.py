"""The method that won its backtest, and how far it missed: enough to forecast from any later history.

A forecast always continues the whole history at hand, so what is kept is not a fitted object but which method won and
the misses its intervals are made of. Refitting the winner takes under two seconds.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import polars as pl

from ml.cores import one_core
from ml.revenue_forecast import evaluate, methods
from ml.revenue_forecast.evaluate import BANDS, FLOOR, HORIZON_DAYS, Backtest
from ml.revenue_forecast.features import SEASON_DAYS, Series, to_series
from ml.revenue_forecast.methods import Method
from ml.terms import Context, Floats, State

FALLBACK_NOTE = "(too short or flat to compare methods)"


@dataclass(frozen=True)
class Forecaster:
    """`relative_low` and `relative_high`: miss over level for each day ahead, shape (28,)."""

    method: str
    is_fallback: bool
    relative_low: Floats
    relative_high: Floats

    @property
    def model_name(self) -> str:
        return f"{self.method} {FALLBACK_NOTE}" if self.is_fallback else self.method

    def to_state(self) -> State:
        return asdict(self)

    @classmethod
    def from_state(cls, state: State) -> Forecaster:
        return cls(**state)


def build(*, seed: int, country: str = "") -> dict[str, tuple[Method, int]]:
    """The candidates by name, dullest first, each with its shortest past in days."""
    return methods.methods(country, seed=seed)


def fit(series: Series, tested: Backtest | None) -> Forecaster:
    """The winner of the backtest; without one, last week again, or the mean of a series that is flat or tiny."""
    if tested is not None:
        name = tested.winner()
        return Forecaster(name, False, *evaluate.interval_misses(tested.relative_misses(name)))
    changes = series.cents[SEASON_DAYS:] - series.cents[:-SEASON_DAYS]
    name = FLOOR if len(series) >= 2 * SEASON_DAYS and changes.any() else "mean"
    misses = changes if name == FLOOR else series.cents - series.cents.mean()
    week = np.resize(misses, (max(len(misses) // BANDS, 1), BANDS))  # the same misses for each week ahead
    relative = np.tile(week.reshape(-1, 1), (1, HORIZON_DAYS)) / evaluate.level(series.cents)
    return Forecaster(name, True, *evaluate.interval_misses(relative))


def predict(model: Forecaster, frame: pl.DataFrame, context: Context, *, version: str) -> pl.DataFrame:
    """`ml.revenue_forecast`: the 28 days that follow the last complete day, in cents.

    A tenant whose revenue was never negative is not forecast to have negative revenue.
    """
    series = to_series(frame, context)
    method, _ = build(seed=context.seed, country=context.country)[model.method]
    with one_core():
        expected = method(series, HORIZON_DAYS)
    level = evaluate.level(series.cents)
    columns = {
        "forecast_cents": expected,
        "lower_cents": expected + model.relative_low * level,
        "upper_cents": expected + model.relative_high * level,
    }
    floor = 0.0 if series.cents.min() >= 0 else -np.inf
    days: dict[str, Any] = {name: _cents(np.maximum(values, floor)) for name, values in columns.items()}
    return pl.DataFrame({"date": series.dates(ahead=HORIZON_DAYS)} | days).select(
        pl.lit(context.tenant_id).alias("tenant_id"),
        pl.all(),
        pl.lit(model.model_name).alias("model_name"),
        pl.lit(version).alias("model_version"),
        pl.lit(series.end).alias("made_on_date"),
    )


def _cents(values: Floats) -> pl.Series:
    return pl.Series(values.round()).cast(pl.Int64)

"""Ways to continue a daily series. Each sees the past alone and returns cents for the days that follow."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable
from functools import partial

import numpy as np

from ml.revenue_forecast.features import SEASON_DAYS, Series
from ml.terms import Floats

Method = Callable[[Series, int], Floats]

MIN_HISTORY_DAYS = {
    "mean": 1,
    "seasonal_naive": SEASON_DAYS,
    "weekly_level": 2 * SEASON_DAYS,
    "theta": 28,
    "ets": 28,
}
"""Shortest past a method may be tried on."""
PROPHET_MIN_DAYS = 120
YEARLY_FROM_DAYS = 540
"""A yearly rhythm is told from a trend only once a good part of it came twice."""
WEEKS_OF_SHAPE = 12


def methods(country: str, *, seed: int) -> dict[str, tuple[Method, int]]:
    """All candidates, dullest first: how to continue, and the shortest past in days."""
    plain: dict[str, Method] = {
        "mean": mean,
        "seasonal_naive": seasonal_naive,
        "weekly_level": weekly_level,
        "theta": theta,
        "ets": ets,
    }
    known = {name: (method, MIN_HISTORY_DAYS[name]) for name, method in plain.items()}
    return known | {"prophet": (partial(prophet, country=country, seed=seed), PROPHET_MIN_DAYS)}


def mean(past: Series, days: int) -> Floats:
    """The mean of the last eight weeks."""
    return np.full(days, past.cents[-8 * SEASON_DAYS :].mean())


def seasonal_naive(past: Series, days: int) -> Floats:
    """The last week again: the floor that every method must reach."""
    return np.asarray(np.resize(past.cents[-SEASON_DAYS:], days), dtype=np.float64)


def weekly_level(past: Series, days: int) -> Floats:
    """A smoothed weekly total, shared out over the weekdays as in the last quarter; closed days stay closed."""
    weeks = len(past) // SEASON_DAYS
    table = past.cents[-weeks * SEASON_DAYS :].reshape(weeks, SEASON_DAYS)
    shape = table[-WEEKS_OF_SHAPE:].sum(axis=0)
    if shape.sum() <= 0:
        return mean(past, days)
    return np.asarray(np.resize(shape / shape.sum() * _smoothed(table.sum(axis=1)), days), dtype=np.float64)


def _smoothed(totals: Floats) -> float:
    """Simple exponential smoothing with the weight on the newest that missed least one step ahead."""
    best_miss, best_level = np.inf, float(totals[-1])
    for weight in np.arange(0.1, 1.0, 0.1):
        level, miss = float(totals[0]), 0.0
        for total in totals[1:]:
            miss += (total - level) ** 2
            level += weight * (total - level)
        if miss < best_miss:
            best_miss, best_level = miss, level
    return best_level


def theta(past: Series, days: int) -> Floats:
    """Theta (Assimakopoulos and Nikolopoulos 2000) after taking out the week."""
    from statsmodels.tsa.forecasting.theta import ThetaModel

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        kind = "multiplicative" if past.cents.min() > 0 else "additive"
        fitted = ThetaModel(past.cents, period=SEASON_DAYS, deseasonalize=True, method=kind).fit()
        return np.asarray(fitted.forecast(days), dtype=np.float64)


def ets(past: Series, days: int) -> Floats:
    """Exponential smoothing with a damped trend and an additive week."""
    from statsmodels.tsa.holtwinters import ExponentialSmoothing

    scale = np.abs(past.cents).mean() or 1.0
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore"
        )  # a stop before full convergence is judged by the backtest, not by a message
        model = ExponentialSmoothing(
            past.cents / scale, trend="add", damped_trend=True, seasonal="add", seasonal_periods=SEASON_DAYS
        )
        return np.asarray(model.fit().forecast(days) * scale, dtype=np.float64)


def prophet(past: Series, days: int, *, country: str, seed: int) -> Floats:
    """Prophet with the country's holidays; effects multiply where every day had revenue, and add where not."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pandas as pd
        from prophet import Prophet

        for name in ("prophet", "prophet.plot", "prophet.forecaster", "cmdstanpy"):
            logging.getLogger(name).setLevel(logging.CRITICAL)  # after the import, which sets its own levels

        model = Prophet(
            yearly_seasonality=len(past) >= YEARLY_FROM_DAYS,
            weekly_seasonality=True,
            daily_seasonality=False,
            seasonality_mode="multiplicative" if past.cents.min() > 0 else "additive",
            uncertainty_samples=0,  # intervals come from the backtest
        )
        if _has_holidays(country):
            model.add_country_holidays(country_name=country)
        model.fit(pd.DataFrame({"ds": pd.to_datetime(past.dates()), "y": past.cents}), seed=seed)
        ahead = pd.DataFrame({"ds": pd.to_datetime(past.dates(ahead=days))})
        return np.asarray(model.predict(ahead)["yhat"], dtype=np.float64)


def _has_holidays(country: str) -> bool:
    import holidays

    return bool(country) and country.upper() in holidays.list_supported_countries()

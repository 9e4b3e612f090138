"""Vehicle-days: what was known at midnight, and whether a failure followed within the horizon."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import polars as pl

from ml.columns import Encoder, FeatureSet
from ml.frames import moments, times, units
from ml.terms import Context, Examples, Floats

SENSORS = ("vibration", "temperature", "pressure", "voltage", "rpm")
WINDOWS = ("mean_3h", "mean_24h", "sd_24h", "mean_7d", "delta_7d", "slope_14d")
STALE_DAYS = 7
"""A vehicle without a row this recent is not scored: nothing is known of its state."""

FEATURES = FeatureSet(
    numeric=(
        *(f"{sensor}_{window}" for sensor in SENSORS for window in WINDOWS),
        "reading_count_24h",
        "error_count_24h",
        "error_count_7d",
        "odometer_km",
        "km_7d",
        "age_days",
        "days_since_service",
        "km_since_service",
        "failures_365d",
    ),
    categorical=("kind", "make", "model"),
    refused=frozenset({"next_failure_at", "vehicle_id"}),
    families={
        **{f"{sensor}_{window}": sensor for sensor in SENSORS for window in WINDOWS},
        "error_count_24h": "errors",
        "error_count_7d": "errors",
        "days_since_service": "service",
        "km_since_service": "service",
    },
)


def examples(frame: pl.DataFrame, context: Context) -> Examples:
    """Rows whose whole horizon lies before `as_of`; positive when a failure opened within it.

    Rows with an unfinished horizon are left out even if they failed already: keeping only those would teach that
    recent days fail more often.
    """
    rows = moments(frame, ("as_of_at", "next_failure_at", "known_until_at"))
    horizon, now = timedelta(hours=context.horizon_h), pl.lit(context.as_of_utc)
    known_until = pl.min_horizontal(pl.col("known_until_at"), now)
    rows = rows.filter(pl.col("as_of_at") + horizon <= known_until).sort("as_of_at", "vehicle_id")
    failure, start = pl.col("next_failure_at"), pl.col("as_of_at")
    labels = rows.select(((failure > start) & (failure <= start + horizon)).fill_null(False)).to_series()
    gap = np.timedelta64(context.horizon_h, "h")
    return Examples(rows, labels.to_numpy(), units(rows, "vehicle_id"), times(rows, "as_of_at"), gap)


def to_score(frame: pl.DataFrame, context: Context) -> pl.DataFrame:
    """The newest row of each vehicle at `as_of`; the running day has one, dated at the midnight that will end it."""
    day_began = pl.col("as_of_at") - timedelta(days=1) < context.as_of_utc
    rows = moments(frame, ("as_of_at",)).filter(day_began)
    recent = pl.col("as_of_at") > pl.col("as_of_at").max() - timedelta(days=STALE_DAYS)
    return rows.filter(recent).sort("as_of_at").unique("vehicle_id", keep="last").sort("vehicle_id")


def to_matrix(frame: pl.DataFrame, encoder: Encoder) -> Floats:
    """Shape (rows, inputs and levels); see `ml.columns.Encoder`."""
    return encoder.matrix(encoder.raw(frame))

"""Leads two days after they came in, and whether they were won within 30 days of that.

A snapshot (no history) has the source's own label instead, and claims nothing about time.
"""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import polars as pl

from ml.columns import Encoder, FeatureSet
from ml.frames import is_snapshot, moments, times, units
from ml.terms import Context, Examples, Floats

WON_WITHIN_DAYS = 30

FEATURES = FeatureSet(
    numeric=(
        "hour_of_day",
        "reply_hours",
        "visit_count",
        "call_count",
        "email_count",
        "reply_count",
        "meeting_count",
        "visit_duration_s",
        "cost_cents",
        "is_company",
    ),
    categorical=("source", "day_of_week"),
    attributes="attributes",
    refused=frozenset(
        {
            "is_won",
            "closed_at",
            "lead_id",
            "is_snapshot",
            "converted",
            "status",
            "won_at",
            "lost_at",
            "value_cents",
        }
        # filled in by the sales team after talking to the lead
        | {"tags", "lead_quality", "lead_profile", "last_activity", "last_notable_activity"}
        | {"asymmetrique_activity_index", "asymmetrique_profile_index"}
        | {"asymmetrique_activity_score", "asymmetrique_profile_score"}
    ),
)


def examples(frame: pl.DataFrame, context: Context) -> Examples:
    """Leads that had 30 days to be won by `as_of` and were still open when scored; unanswered ones count as not won.

    Waiting for the closed ones only would teach from fast decisions alone.
    """
    if is_snapshot(frame):
        rows = frame.filter(pl.col("is_won").is_not_null()).sort("lead_id")
        return Examples(rows, rows["is_won"].cast(pl.Boolean).to_numpy(), units(rows, "lead_id"), None)
    rows = moments(frame, ("as_of_at", "closed_at", "known_until_at"))
    horizon, now = timedelta(days=WON_WITHIN_DAYS), pl.lit(context.as_of_utc)
    moment, closed = pl.col("as_of_at"), pl.col("closed_at")
    rows = rows.filter(
        moment + horizon <= pl.min_horizontal(pl.col("known_until_at"), now),
        closed.is_null() | (closed > moment),
    ).sort("as_of_at", "lead_id")
    labels = rows.select((pl.col("is_won") & (closed <= moment + horizon)).fill_null(False)).to_series()
    gap = np.timedelta64(WON_WITHIN_DAYS, "D")
    return Examples(rows, labels.to_numpy(), units(rows, "lead_id"), times(rows, "as_of_at"), gap)


def to_score(frame: pl.DataFrame, context: Context) -> pl.DataFrame:
    """Leads open at `as_of`; every lead of a snapshot."""
    if is_snapshot(frame):
        return frame.sort("lead_id")
    rows = moments(frame, ("as_of_at", "closed_at"))
    now = pl.lit(context.as_of_utc)
    is_open = pl.col("is_won").is_null() | (pl.col("closed_at") > now)
    return rows.filter(pl.col("as_of_at") <= now, is_open).sort("lead_id")


def to_matrix(frame: pl.DataFrame, encoder: Encoder) -> Floats:
    """Shape (rows, inputs and levels); see `ml.columns.Encoder`."""
    return encoder.matrix(encoder.raw(frame))

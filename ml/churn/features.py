"""Account-months: what was known at the end of a day, and whether the account left within 90 days of it.

A snapshot (one row an account, no history) has the source's own label instead, and claims nothing about time.
"""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import polars as pl

from ml.columns import Encoder, FeatureSet
from ml.frames import is_snapshot, moments, times, units
from ml.terms import Context, Examples, Floats

HORIZON_DAYS = 90

FEATURES = FeatureSet(
    numeric=(
        "tenure_days",
        "revenue_90d_cents",
        "revenue_prev_90d_cents",
        "invoice_count_90d",
        "days_since_last_invoice",
        "job_count_90d",
        "late_job_count_90d",
        "cancelled_job_count_90d",
        "rating_mean_180d",
        "ticket_count_90d",
        "open_ticket_count",
        "days_since_last_message",
        "failed_payment_count_90d",
        "mrr_cents",
    ),
    categorical=("segment", "kind"),
    attributes="attributes",
    refused=frozenset(
        {"churned_at", "snapshot_churned", "account_id", "is_snapshot"}
        | {"churn", "churned", "churn_score", "churn_label", "churn_value", "churn_reason", "cancelled_date"}
    ),
)


def examples(frame: pl.DataFrame, context: Context) -> Examples:
    """Rows whose outcome is known at `as_of`; accounts that had left already are no examples."""
    if is_snapshot(frame):
        rows = frame.filter(pl.col("snapshot_churned").is_not_null()).sort("account_id")
        labels = rows["snapshot_churned"].cast(pl.Boolean)
        return Examples(rows, labels.to_numpy(), units(rows, "account_id"), None)
    rows = _with_moment(frame)
    horizon, now = timedelta(days=HORIZON_DAYS), pl.lit(context.as_of_utc)
    moment, left = pl.col("known_at"), pl.col("churned_at")
    rows = rows.filter(
        moment + horizon <= pl.min_horizontal(pl.col("known_until_at"), now),
        left.is_null() | (left > moment),
    ).sort("known_at", "account_id")
    labels = rows.select((left <= moment + horizon).fill_null(False)).to_series()
    gap = np.timedelta64(HORIZON_DAYS, "D")
    return Examples(rows, labels.to_numpy(), units(rows, "account_id"), times(rows, "known_at"), gap)


def to_score(frame: pl.DataFrame, context: Context) -> pl.DataFrame:
    """The newest row of each account that had not left at `as_of`; the running day has one."""
    if is_snapshot(frame):
        return frame.filter(pl.col("snapshot_churned").fill_null(False).not_()).sort("account_id")
    rows = _with_moment(frame)
    now = pl.lit(context.as_of_utc)
    here = pl.col("churned_at").is_null() | (pl.col("churned_at") > now)
    rows = rows.filter(pl.col("as_of_date") <= now.dt.date(), here)
    return rows.sort("known_at").unique("account_id", keep="last").sort("account_id")


def to_matrix(frame: pl.DataFrame, encoder: Encoder) -> Floats:
    """Shape (rows, inputs and levels); see `ml.columns.Encoder`."""
    return encoder.matrix(encoder.raw(frame))


def _with_moment(frame: pl.DataFrame) -> pl.DataFrame:
    """`known_at`: the midnight that ends `as_of_date`."""
    rows = moments(frame, ("churned_at", "known_until_at"))
    ends = pl.col("as_of_date").cast(pl.Datetime("us")).dt.replace_time_zone("UTC") + timedelta(days=1)
    return rows.with_columns(ends.alias("known_at"))

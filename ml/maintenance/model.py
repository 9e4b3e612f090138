"""Chance of a failure within the horizon, the threshold at which acting pays, and what inaction would cost."""

from __future__ import annotations

import polars as pl

from ml import classifier
from ml.classifier import Classifier, Maker
from ml.maintenance.features import FEATURES, to_score
from ml.terms import Context, Examples


def build(*, seed: int) -> dict[str, Maker]:
    """Unfitted candidates by name, simplest first."""
    return classifier.candidates(seed=seed)


def fit(examples: Examples, *, seed: int, kind: str | None = None) -> Classifier:
    """Fit the best candidate, or the one named `kind`. Raises NotEnoughData."""
    models = build(seed=seed)
    return classifier.fit(examples, FEATURES, {kind: models[kind]} if kind else models, seed=seed)


def threshold(context: Context) -> float:
    """The chance at which an expected failure costs as much as an unneeded service.

    Acting costs (1 - p) x unneeded, waiting costs p x missed; with a calibrated p they meet here.
    """
    costs = context.missed_failure_cents + context.unneeded_service_cents
    return context.unneeded_service_cents / costs


def predict(model: Classifier, frame: pl.DataFrame, context: Context, *, version: str) -> pl.DataFrame:
    """`ml.vehicle_failure`: one row a vehicle, at its newest moment known at `as_of`."""
    rows = to_score(frame, context)
    scores, reasons = model.scores_and_reasons(rows)
    return rows.select(
        pl.lit(context.tenant_id).alias("tenant_id"),
        pl.col("vehicle_id"),
        pl.col("as_of_at"),
        pl.Series("failure_score", scores, pl.Float64),
        pl.lit(context.horizon_h, pl.Int32).alias("horizon_h"),
        pl.lit(threshold(context)).alias("threshold"),
        pl.Series("reasons", reasons, pl.String),
        pl.Series("expected_cost_cents", (scores * context.missed_failure_cents).round(), pl.Float64).cast(
            pl.Int64
        ),
        pl.lit(version).alias("model_version"),
    )

"""Chance that a lead is won within 30 days (or, for a snapshot, that it is one that was won)."""

from __future__ import annotations

import polars as pl

from ml import classifier
from ml.classifier import Classifier, Maker
from ml.lead_score.features import FEATURES, to_score
from ml.terms import Context, Examples


def build(*, seed: int) -> dict[str, Maker]:
    """Unfitted candidates by name, simplest first."""
    return classifier.candidates(seed=seed)


def fit(examples: Examples, *, seed: int, kind: str | None = None) -> Classifier:
    """Fit the best candidate, or the one named `kind`. Raises NotEnoughData."""
    models = build(seed=seed)
    return classifier.fit(examples, FEATURES, {kind: models[kind]} if kind else models, seed=seed)


def predict(model: Classifier, frame: pl.DataFrame, context: Context, *, version: str) -> pl.DataFrame:
    """`ml.lead_score`: one row for each open lead."""
    rows = to_score(frame, context)
    scores, reasons = model.scores_and_reasons(rows)
    return rows.select(
        pl.lit(context.tenant_id).alias("tenant_id"),
        pl.col("lead_id"),
        pl.Series("score", scores, pl.Float64),
        pl.Series("reasons", reasons, pl.String),
        pl.lit(version).alias("model_version"),
    )

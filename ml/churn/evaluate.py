"""Later months after a gap of the horizon; for a snapshot a stratified 80/20 split."""

from __future__ import annotations

from typing import Any

from ml import baselines, metrics, splits
from ml.classifier import Classifier
from ml.terms import Context, Examples

TEST_SHARE = 0.2
RULES = ("days_since_last_invoice", "days_since_last_message", "tenure_days", "mrr_cents")


def split(examples: Examples, context: Context) -> tuple[Examples, Examples, dict[str, Any]]:
    """The last 20 % of account-months after 90 days' gap, or a stratified fifth of a snapshot."""
    return splits.hold_out(examples, share=TEST_SHARE, seed=context.seed)


def evaluate(
    model: Classifier, learn: Examples, exam: Examples, context: Context
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Metrics of `model` on `exam`, and those of the baselines that learnt from the same rows."""
    figures = metrics.summary(exam.labels, model.scores(exam.frame), exam.units, seed=context.seed)
    return figures, baselines.summary(learn, exam, RULES)

"""The dullest answers a model must beat: everyone alike, and one rule that people use without a model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl

from ml import metrics
from ml.terms import Examples, Floats


def rule_scores(learn: Examples, exam: Examples, column: str) -> Floats:
    """Score by the past share of positives among rows like it in one column (levels, or tenths of a number).

    Shares are drawn towards the overall share by ten rows' worth, so a rare level does not score 0 or 1.
    """
    past, now = _bins(learn.frame[column], exam.frame[column])
    overall = float(learn.labels.mean())
    counts = (
        pl.DataFrame({"bin": past, "won": learn.labels}).group_by("bin").agg(pl.len(), pl.col("won").sum())
    )
    share = {name: (won + 10 * overall) / (rows + 10) for name, rows, won in counts.iter_rows()}
    return np.array([share.get(one, overall) for one in now], dtype=np.float64)


def summary(learn: Examples, exam: Examples, rules: Sequence[str]) -> dict[str, Any]:
    """Figures of the base rate, and of the first of `rules` that has values to go by."""
    rate = np.full(len(exam), learn.labels.mean())
    result: dict[str, Any] = {"base_rate": _figures(exam, rate)}
    for column in rules:
        if column in learn.frame.columns and learn.frame[column].drop_nulls().n_unique() > 1:
            result["rule"] = {"column": column} | _figures(exam, rule_scores(learn, exam, column))
            break
    return result


def beaten(figures: dict[str, Any], baseline: dict[str, Any]) -> tuple[bool, str]:
    """Whether a model ranks better than every baseline and its scores miss less than the base rate's."""
    best_name, best = max(((n, b["pr_auc"]) for n, b in baseline.items()), key=lambda pair: pair[1])
    dull = baseline["base_rate"]["brier"]
    against = f"PR-AUC {figures['pr_auc']:.3f} against {best:.3f} ({best_name}), Brier {figures['brier']:.4f} against"
    return figures["pr_auc"] > best and figures["brier"] < dull, f"{against} {dull:.4f} (base_rate)"


def _figures(exam: Examples, scores: Floats) -> dict[str, float]:
    return {
        "pr_auc": round(metrics.pr_auc(exam.labels, scores), 5),
        "roc_auc": round(metrics.roc_auc(exam.labels, scores), 5),
        "brier": round(metrics.brier(exam.labels, scores), 5),
        "lift_at_10_percent": round(metrics.lift(exam.labels, scores), 5),
    }


def _bins(past: pl.Series, now: pl.Series) -> tuple[list[str], list[str]]:
    if not past.dtype.is_numeric():
        return [str(value) for value in past], [str(value) for value in now]
    values = past.cast(pl.Float64).drop_nulls().to_numpy()
    edges = np.unique(np.quantile(values, np.linspace(0, 1, 11)[1:-1]))

    def tenth(column: pl.Series) -> list[str]:
        return ["None" if v is None else str(np.searchsorted(edges, v)) for v in column.cast(pl.Float64)]

    return tenth(past), tenth(now)

"""Figures of merit for scores between 0 and 1, each with its unit and direction."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ml.terms import Bools, Floats, Texts

RESAMPLES = 300


def log_loss(labels: Bools, scores: Floats) -> Floats:
    """Loss of each row, nats; 0 is certain and right. Scores are kept 1e-6 away from 0 and 1.

    >>> log_loss(np.array([True, False]), np.array([0.5, 0.5])).round(4).tolist()
    [0.6931, 0.6931]
    """
    chance = np.clip(scores, 1e-6, 1 - 1e-6)
    return np.asarray(-np.where(labels, np.log(chance), np.log1p(-chance)), dtype=np.float64)


def pr_auc(labels: Bools, scores: Floats) -> float:
    """Average precision: mean precision over the found positives. Chance level is the share of positives.

    As scikit-learn's, without its checks: the bootstrap asks hundreds of times.

    >>> round(pr_auc(np.array([True, False, True]), np.array([0.9, 0.8, 0.1])), 4)
    0.8333
    """
    order = np.argsort(-scores, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(scores[order])), len(scores) - 1)  # tied rows are found together
    found = np.cumsum(labels[order])[ends]
    return float(np.sum(np.diff(found, prepend=0) * found / (ends + 1)) / found[-1])


def roc_auc(labels: Bools, scores: Floats) -> float:
    """Chance that a random positive scores above a random negative; 0.5 is a coin."""
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(labels, scores))


def brier(labels: Bools, scores: Floats) -> float:
    """Mean squared distance of score and outcome, 0 is best."""
    return float(np.mean((scores - labels) ** 2))


def lift(labels: Bools, scores: Floats, *, share: float = 0.10) -> float:
    """How many times more positives the highest-scored `share` of rows holds than as many random rows.

    Rows tied at the edge count with their mean, so a constant score has lift 1.

    >>> lift(np.array([True, False, False, False]), np.array([0.9, 0.2, 0.1, 0.3]), share=0.25)
    4.0
    """
    count = max(round(share * len(labels)), 1)
    edge = np.partition(scores, -count)[-count]
    above, tied = scores > edge, scores == edge
    hits = labels[above].sum() + labels[tied].mean() * (count - above.sum())
    return float(hits / count / labels.mean())


def calibration_bins(labels: Bools, scores: Floats, *, count: int = 10) -> list[dict[str, float]]:
    """Rows in order of score, cut into `count` equally full bins: mean score beside the share of positives."""
    order = np.argsort(scores, kind="stable")
    return [
        {
            "rows": len(rows),
            "score_mean": round(float(scores[rows].mean()), 5),
            "positive_share": round(float(labels[rows].mean()), 5),
        }
        for rows in np.array_split(order, min(count, len(order)))
    ]


def calibration_error(labels: Bools, scores: Floats, *, count: int = 10) -> float:
    """Expected calibration error: mean gap between score and share of positives over equally full bins."""
    bins = calibration_bins(labels, scores, count=count)
    gaps = [one["rows"] * abs(one["score_mean"] - one["positive_share"]) for one in bins]
    return float(sum(gaps) / len(labels))


def interval(
    figure: Callable[[Bools, Floats], float], labels: Bools, scores: Floats, units: Texts, *, seed: int
) -> tuple[float, float]:
    """Bootstrap 90 % interval of a figure, drawing whole units because their rows hang together."""
    drawn = [figure(labels[rows], scores[rows]) for rows in resamples(units, seed=seed) if labels[rows].any()]
    low, high = np.quantile(drawn, (0.05, 0.95))
    return float(low), float(high)


def resamples(units: Texts, *, seed: int, count: int = RESAMPLES) -> list[Any]:
    """Row numbers of `count` samples of as many units, with repetition."""
    rng = np.random.default_rng(seed)
    _, unit = np.unique(units, return_inverse=True)
    order = np.argsort(unit, kind="stable")
    sizes = np.bincount(unit)
    if (sizes == 1).all():
        return [order[rng.integers(0, len(sizes), len(sizes))] for _ in range(count)]
    rows_of = np.split(order, np.cumsum(sizes)[:-1])
    return [
        np.concatenate([rows_of[pick] for pick in rng.integers(0, len(sizes), len(sizes))])
        for _ in range(count)
    ]


def summary(labels: Bools, scores: Floats, units: Texts, *, seed: int) -> dict[str, Any]:
    """Every figure of a yes-or-no question; the main one is PR-AUC, with its interval."""
    low, high = interval(pr_auc, labels, scores, units, seed=seed)
    figures = {
        "pr_auc": pr_auc(labels, scores),
        "pr_auc_low": low,
        "pr_auc_high": high,
        "roc_auc": roc_auc(labels, scores),
        "brier": brier(labels, scores),
        "log_loss": float(log_loss(labels, scores).mean()),
        "calibration_error": calibration_error(labels, scores),
        "lift_at_10_percent": lift(labels, scores),
        "positive_share": float(labels.mean()),
    }
    rounded: dict[str, Any] = {name: round(value, 5) for name, value in figures.items()}
    return rounded | {"calibration_bins": calibration_bins(labels, scores)}

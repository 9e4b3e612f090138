"""How good the warnings are, and what they are worth: later weeks, after a gap of one horizon."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ml import baselines, metrics, splits
from ml.classifier import Classifier
from ml.frames import times
from ml.maintenance.model import threshold
from ml.terms import Bools, Context, Examples, Times

TEST_SHARE = 0.3
RULES = ("km_since_service", "days_since_service", "age_days")


def split(examples: Examples, context: Context) -> tuple[Examples, Examples, dict[str, Any]]:
    """The last 30 % of vehicle-days, after a gap of one horizon."""
    return splits.hold_out(examples, share=TEST_SHARE, seed=context.seed)


def evaluate(
    model: Classifier, learn: Examples, exam: Examples, context: Context
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Metrics of `model` on `exam`, and those of the baselines that learnt from the same rows."""
    scores = model.scores(exam.frame)
    figures = metrics.summary(exam.labels, scores, exam.units, seed=context.seed)
    alerts = np.asarray(scores >= threshold(context), dtype=np.bool_)
    figures |= _at_threshold(exam.labels, alerts) | _worth(exam, alerts, context)
    return figures, baselines.summary(learn, exam, RULES)


@dataclass(frozen=True)
class Outcome:
    """What a way of acting led to, in counted events."""

    failures: int
    caught: int
    unneeded_services: int
    lead_times_h: list[float]

    def cost_cents(self, context: Context) -> int:
        missed = (self.failures - self.caught) * context.missed_failure_cents
        return missed + self.unneeded_services * context.unneeded_service_cents


def act(exam: Examples, alerts: Bools, horizon_h: int) -> Outcome:
    """Replay the alerts vehicle by vehicle.

    An alert brings one service, and further alerts within a horizon of it bring none. It is unneeded if its row is
    not followed by a failure within the horizon. A failure is caught when any row within the horizon before it alerts;
    its lead time runs from the first such row.
    """
    assert exam.times is not None
    horizon = np.timedelta64(horizon_h, "h")
    failure_at = times(exam.frame, "next_failure_at")
    lead_times: list[float] = []
    failures = caught = unneeded = 0
    for unit in np.unique(exam.units):
        rows = np.flatnonzero(exam.units == unit)
        unneeded += _services_in_vain(exam.times[rows], alerts[rows], exam.labels[rows], horizon)
        before = rows[exam.labels[rows]]
        for failure in np.unique(failure_at[before]):
            failures += 1
            warned = before[(failure_at[before] == failure) & alerts[before]]
            if len(warned):
                caught += 1
                lead_times.append(float((failure - exam.times[warned].min()) / np.timedelta64(1, "h")))
    return Outcome(failures, caught, unneeded, lead_times)


def _services_in_vain(moments: Times, alerts: Bools, labels: Bools, horizon: np.timedelta64) -> int:
    count, silent_until = 0, np.datetime64("0001-01-01")
    for moment, label in zip(moments[alerts], labels[alerts], strict=True):
        if moment >= silent_until:
            silent_until = moment + horizon
            count += not label
    return count


def _worth(exam: Examples, alerts: Bools, context: Context) -> dict[str, Any]:
    acted = act(exam, alerts, context.horizon_h)
    never = act(exam, np.zeros_like(alerts), context.horizon_h).cost_cents(context)
    always = act(exam, np.ones_like(alerts), context.horizon_h).cost_cents(context)
    cost = acted.cost_cents(context)
    return {
        "failure_count": acted.failures,
        "caught_count": acted.caught,
        "caught_share": round(acted.caught / acted.failures, 5) if acted.failures else None,
        "unneeded_service_count": acted.unneeded_services,
        "median_lead_time_h": float(np.median(acted.lead_times_h)) if acted.lead_times_h else None,
        "cost_cents": cost,
        "saved_against_never_cents": never - cost,
        "saved_against_always_cents": always - cost,
    }


def _at_threshold(labels: Bools, alerts: Bools) -> dict[str, Any]:
    from sklearn.metrics import f1_score, precision_score, recall_score

    return {
        "macro_f1": round(float(f1_score(labels, alerts, average="macro")), 5),
        "recall": round(float(recall_score(labels, alerts)), 5),
        "precision": round(float(precision_score(labels, alerts, zero_division=0)), 5),
    }

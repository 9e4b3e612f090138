"""The four questions, all alike to the pipeline: a features table in, a prediction table out.

`learn` is a night's work for one question and tenant: train, meet the champion, keep the version, promote it or not.
`answer` scores with whoever answers now.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from types import ModuleType
from typing import Any

import numpy as np
import polars as pl

from ml import baselines, churn, gate, lead_score, maintenance, revenue_forecast
from ml.classifier import Classifier
from ml.gate import Decision
from ml.metrics import log_loss
from ml.registry import Model, NoModel, Registry
from ml.revenue_forecast.model import Forecaster
from ml.terms import Context, Examples, Floats, NotEnoughData, Refused, State, Trained


@dataclass(frozen=True)
class Question:
    """What is asked, which table holds what is known, and which table takes the answers."""

    name: str
    features_table: str
    prediction_table: str
    train: Callable[[pl.DataFrame, Context], Trained | Refused]
    score: Callable[[Model, pl.DataFrame, Context], pl.DataFrame]


@dataclass(frozen=True)
class Learned:
    """What a night brought: the attempt, the version it is kept as, and whether that version answers from now on."""

    outcome: Trained | Refused
    version: str
    decision: Decision


def learn(
    question: Question, frame: pl.DataFrame, context: Context, registry: Registry, *, trained_at: datetime
) -> Learned:
    """Train on `frame`, let the gate decide, and keep the version or the refusal."""
    outcome = question.train(frame, context)
    if isinstance(outcome, Refused):
        decision = Decision(False, outcome.reason)
    else:
        decision = gate.decide(outcome, _champion_state(question, context, registry))
    version = registry.save(outcome, context, trained_at=trained_at, decision=decision)
    if decision.promote:
        registry.promote(question.name, context.tenant_id, version)
    registry.expire(question.name, context.tenant_id)
    return Learned(outcome, version, decision)


def answer(question: Question, frame: pl.DataFrame, context: Context, registry: Registry) -> pl.DataFrame:
    """Rows for `question.prediction_table`. Raises NoModel when no sound version was ever promoted."""
    return question.score(registry.load(question.name, context.tenant_id), frame, context)


def _champion_state(question: Question, context: Context, registry: Registry) -> State | None:
    try:
        return registry.load(question.name, context.tenant_id).state
    except NoModel:
        return None


def _yes_or_no(package: ModuleType, name: str, features_table: str, prediction_table: str) -> Question:
    """A question answered by a calibrated chance.

    The state holds two fits of one recipe: `measured` saw only the learning part, so that it can be examined and meet
    later versions fairly; `served` saw everything known.
    """

    def train(frame: pl.DataFrame, context: Context) -> Trained | Refused:
        try:
            known: Examples = package.features.examples(frame, context)
            learnt, exam, split = package.evaluate.split(known, context)
            measured: Classifier = package.model.fit(learnt, seed=context.seed)
            served: Classifier = package.model.fit(known, seed=context.seed, kind=measured.kind)
        except NotEnoughData as refusal:
            return Refused(question=name, reason=refusal.reason)
        metrics, baseline = package.evaluate.evaluate(measured, learnt, exam, context)
        beats, verdict = baselines.beaten(metrics, baseline)
        how = {"model": measured.kind, "calibration": measured.calibration.name}

        def losses_of(state: State) -> Floats:
            return log_loss(exam.labels, Classifier.from_state(state["measured"]).scores(exam.frame))

        return Trained(
            question=name,
            state={"served": served.to_state(), "measured": measured.to_state()},
            metrics=how | metrics | {"inner_log_loss": dict(measured.inner_log_loss)},
            baseline=baseline,
            split=split,
            data_until=context.as_of_utc,
            beats_baseline=beats,
            verdict=verdict,
            losses_of=losses_of,
            units=exam.units,
        )

    def score(model: Model, frame: pl.DataFrame, context: Context) -> pl.DataFrame:
        classifier = Classifier.from_state(model.state["served"])
        scored: pl.DataFrame = package.model.predict(classifier, frame, context, version=model.version)
        return scored

    return Question(name, features_table, prediction_table, train, score)


def _train_forecast(frame: pl.DataFrame, context: Context) -> Trained | Refused:
    features, model, evaluate = revenue_forecast.features, revenue_forecast.model, revenue_forecast.evaluate
    try:
        series = features.to_series(frame, context)
    except NotEnoughData as refusal:
        return Refused(question="revenue_forecast", reason=refusal.reason)
    tested = evaluate.backtest(series, model.build(seed=context.seed, country=context.country))
    forecaster = model.fit(series, tested)
    baseline: dict[str, Any] = {}
    stops: list[str] = []
    if tested is None:
        verdict = f"no backtest of {len(series)} days; {forecaster.model_name}"
        metrics = {"method": forecaster.method, "is_fallback": True}
    else:
        metrics, baseline = evaluate.metrics(tested)
        floor = baseline[evaluate.FLOOR]["mase"]
        verdict = (
            f"MASE {metrics['mase']:.3f} with {forecaster.method} against {floor:.3f} ({evaluate.FLOOR})"
        )
        stops = [series.dates()[stop].isoformat() for stop in tested.cutoffs]

    def losses_of(state: State) -> Floats:
        method = Forecaster.from_state(state).method
        if tested is None or method not in tested.forecasts:
            return np.full(len(units), np.nan)
        return tested.scaled_errors(method).ravel()

    units = np.repeat(stops, evaluate.HORIZON_DAYS).astype(np.str_)
    return Trained(
        question="revenue_forecast",
        state=forecaster.to_state(),
        metrics=metrics,
        baseline=baseline,
        split={"kind": "rolling origin", "horizon_days": evaluate.HORIZON_DAYS, "first_days": stops},
        data_until=datetime.combine(series.end, datetime.min.time(), UTC),
        beats_baseline=True,  # seasonal naive is a candidate: the winner is never worse than it
        verdict=verdict,
        losses_of=losses_of,
        units=units,
    )


def _score_forecast(model: Model, frame: pl.DataFrame, context: Context) -> pl.DataFrame:
    forecaster = Forecaster.from_state(model.state)
    return revenue_forecast.model.predict(forecaster, frame, context, version=model.version)


QUESTIONS = (
    _yes_or_no(maintenance, "maintenance", "features.vehicle_days", "ml.vehicle_failure"),
    _yes_or_no(churn, "churn", "features.account_months", "ml.account_churn"),
    _yes_or_no(lead_score, "lead_score", "features.leads", "ml.lead_score"),
    Question(
        "revenue_forecast", "features.revenue_days", "ml.revenue_forecast", _train_forecast, _score_forecast
    ),
)

"""One classifier for every yes-or-no question: chosen, calibrated, and able to say why.

Linear models and boosted trees, each mild and strong. They are compared by log loss on inner, later rows; those same
rows calibrate the winner, which then learns from all rows it was given.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from ml import calibration, splits
from ml.calibration import Calibration
from ml.columns import Encoder, FeatureSet, Number
from ml.cores import one_core
from ml.metrics import log_loss
from ml.terms import Bools, Examples, Floats, NotEnoughData, State

MAX_ROWS = 40_000
"""Of more rows than this a seeded sample learns: daily rows of one vehicle repeat each other."""
BOOSTED_FROM = 150
"""Positives from which trees may compete; below, a linear model is served."""
INNER_FOLDS = 3
TOP_REASONS = 3


@dataclass(frozen=True)
class Classifier:
    """A fitted model. `state` round-trips through `to_state` without any type of ours."""

    kind: str
    encoder: Encoder
    estimator: Any
    calibration: Calibration
    inner_log_loss: Mapping[str, float]

    def scores(self, frame: pl.DataFrame) -> Floats:
        """Calibrated chance of the outcome, 0 to 1, a row."""
        with one_core():
            return self.calibration.apply(self._log_odds(self.encoder.matrix(self.encoder.raw(frame))))

    def scores_and_reasons(self, frame: pl.DataFrame) -> tuple[Floats, list[str]]:
        """Scores, and for each row JSON of the at most three strongest reasons.

        `effect` is the change in this model's log-odds (before calibration, which keeps order) when the feature, with
        its family, takes its actual instead of its typical value; for a linear model that is its exact contribution.
        `feature` and `value` are the member of the family furthest from typical.
        """
        if frame.is_empty():
            return np.empty(0), []
        raw = self.encoder.raw(frame)
        matrix = self.encoder.matrix(raw)
        groups = list(self.encoder.groups().values())
        with one_core():
            log_odds = self._log_odds(matrix)
            effects = self._effects(matrix, log_odds, groups)
        distance = _distances(self.encoder, matrix)
        strongest = np.argsort(-np.abs(effects), axis=1, kind="stable")[:, :TOP_REASONS]
        texts = []
        for row, columns in enumerate(strongest):
            reasons = []
            for column in columns:
                if abs(effects[row, column]) < 1e-6:
                    continue
                member = max(groups[column], key=lambda m: distance[row, m])
                effect = round(float(effects[row, column]), 4)
                value = _readable(raw[member][row])
                reasons.append(
                    {"feature": self.encoder.inputs[member].name, "value": value, "effect": effect}
                )
            texts.append(json.dumps(reasons, ensure_ascii=False))
        return self.calibration.apply(log_odds), texts

    def _effects(self, matrix: Floats, log_odds: Floats, groups: list[list[int]]) -> Floats:
        """Change in log-odds when a group of inputs is as it is instead of typical, shape (rows, groups)."""
        typical, spans = self.encoder.typical(), self.encoder.spans()
        effects = np.zeros((len(matrix), len(groups)))
        for column, members in enumerate(groups):
            places = np.concatenate([np.arange(spans[m].start, spans[m].stop) for m in members])
            rows = np.flatnonzero((matrix[:, places] != typical[places]).any(axis=1))
            if len(rows):
                without = matrix[rows]
                without[:, places] = typical[places]
                effects[rows, column] = log_odds[rows] - self._log_odds(without)
        return effects

    def _log_odds(self, matrix: Floats) -> Floats:
        return np.asarray(self.estimator.decision_function(matrix), dtype=np.float64)

    def to_state(self) -> State:
        return {
            "kind": self.kind,
            "encoder": self.encoder.to_state(),
            "estimator": self.estimator,
            "calibration": self.calibration.to_state(),
            "inner_log_loss": dict(self.inner_log_loss),
        }

    @classmethod
    def from_state(cls, state: State) -> Classifier:
        return cls(
            state["kind"],
            Encoder.from_state(state["encoder"]),
            state["estimator"],
            Calibration.from_state(state["calibration"]),
            state["inner_log_loss"],
        )


Maker = Callable[[int], Any]
"""Makes an unfitted model that is to learn from so many rows."""


def candidates(*, seed: int) -> dict[str, Maker]:
    """Models by name, simplest first; imputing and scaling sit inside, so scoring never refits them."""
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    def logistic(weight: float) -> Maker:
        """`weight` of all rows together against the shrinkage: were it each row's, an inner model of few rows would
        shrink more than the one served, and calibrate it wrongly."""

        def make(rows: int) -> Any:
            regression = LogisticRegression(C=weight / rows, max_iter=500, random_state=seed)
            return make_pipeline(
                SimpleImputer(strategy="median", add_indicator=True), StandardScaler(), regression
            )

        return make

    def boosted(trees: int, leaves: int, leaf_rows: int) -> Maker:
        return lambda rows: HistGradientBoostingClassifier(
            learning_rate=0.06,
            max_iter=trees,
            max_leaf_nodes=leaves,
            min_samples_leaf=leaf_rows,
            l2_regularization=1.0,
            early_stopping=False,  # it would hold out random rows, not later ones
            random_state=seed,
        )

    return {
        "logistic_strict": logistic(40),  # daily rows of one vehicle count as many and say as much as one
        "logistic": logistic(400),
        "boosted_gentle": boosted(60, 8, 200),
        "boosted": boosted(120, 15, 40),
    }


def fit(examples: Examples, features: FeatureSet, models: Mapping[str, Maker], *, seed: int) -> Classifier:
    """Choose among `models` (simplest first), calibrate, and learn from every row.

    A less simple model must win on inner later rows beyond noise; trees enter only with `BOOSTED_FROM` positives.

    Raises
    ------
    NotEnoughData
        If no inner split has enough of both outcomes, or nothing found lasts into later rows.
    """
    examples = _thinned(examples, seed)
    if examples.positive_count < BOOSTED_FROM:
        models = {name: model for name, model in models.items() if not name.startswith("boosted")}
    encoder = Encoder.fit(examples.frame, features)
    matrix = encoder.matrix(encoder.raw(examples.frame))
    inner = list(splits.folds(examples, count=INNER_FOLDS, seed=seed))
    if not inner:
        raise NotEnoughData("Too few outcomes, or too short a history, to check a model on later rows.")
    judged = np.concatenate([np.flatnonzero(judge) for _, judge in inner])
    with one_core():
        unseen = {
            name: np.concatenate([_later(model, matrix, examples.labels, *masks) for masks in inner])
            for name, model in models.items()
        }
    labels = examples.labels[judged]
    losses = {name: log_loss(labels, _chance(odds)) for name, odds in unseen.items()}
    kind = _simplest_of_the_best(losses)
    curve = calibration.fit(unseen[kind], labels)
    with one_core():
        served = _fitted(models[kind], matrix, examples.labels)
    means = {name: round(float(loss.mean()), 5) for name, loss in losses.items()}
    return Classifier(kind, encoder, served, curve, means)


def _simplest_of_the_best(losses: Mapping[str, Floats]) -> str:
    """The first that is not behind the best by more than one standard error of their paired difference."""
    best = min(losses, key=lambda name: float(losses[name].mean()))
    for name, loss in losses.items():
        behind = loss - losses[best]
        if behind.mean() <= behind.std() / np.sqrt(len(behind)):
            return name
    return best


def _later(model: Maker, matrix: Floats, labels: Bools, learn: Bools, judge: Bools) -> Floats:
    fitted = _fitted(model, matrix[learn], labels[learn])
    return np.asarray(fitted.decision_function(matrix[judge]), dtype=np.float64)


def _fitted(model: Maker, matrix: Floats, labels: Bools) -> Any:
    import warnings

    with warnings.catch_warnings():
        # an early fold may lack a sensor altogether: the imputer drops that column for this fold and says so
        warnings.filterwarnings("ignore", message="Skipping features without any observed values")
        return model(len(labels)).fit(matrix, labels)


def _chance(log_odds: Floats) -> Floats:
    from scipy.special import expit

    return np.asarray(expit(log_odds), dtype=np.float64)


def _thinned(examples: Examples, seed: int) -> Examples:
    if len(examples) <= MAX_ROWS:
        return examples
    keep = np.zeros(len(examples), dtype=np.bool_)
    keep[np.random.default_rng(seed).choice(len(examples), MAX_ROWS, replace=False)] = True
    return examples.take(keep)


def _distances(encoder: Encoder, matrix: Floats) -> Floats:
    """How far each input is from typical, in spreads; a category that differs counts as one spread."""
    typical = encoder.typical()
    columns = []
    for one, span in zip(encoder.inputs, encoder.spans(), strict=True):
        gap = np.abs(matrix[:, span] - typical[span]).max(axis=1)
        columns.append(np.nan_to_num(gap / one.spread) if isinstance(one, Number) else gap)
    return np.column_stack(columns)


def _readable(value: Any) -> float | int | str | None:
    if not isinstance(value, float):
        return None if value is None else str(value)
    if not np.isfinite(value):
        return None
    return int(value) if value == int(value) and abs(value) < 1e15 else float(f"{value:.6g}")

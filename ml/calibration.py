"""From a model's log-odds to a chance that means what it says, learned on later rows the model had not seen."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from ml.terms import Bools, Floats, NotEnoughData, State

ISOTONIC_FROM = 300
"""Positives from which a free monotone curve is steadier than Platt's two numbers."""
MIN_BLOCK_ROWS = 30


@dataclass(frozen=True)
class Calibration:
    """A monotone map: piecewise linear through (`log_odds`, `chance`), or Platt's line when there are no knots.

    Scores stay between `lowest` and `highest`: what a handful of rows showed proves no chance of exactly 0 or 1.
    """

    slope: float
    intercept: float
    lowest: float
    highest: float
    log_odds: Floats
    chance: Floats

    @property
    def name(self) -> str:
        return "isotonic" if len(self.log_odds) else "platt"

    def apply(self, log_odds: Floats) -> Floats:
        if len(self.log_odds):
            chance = np.interp(log_odds, self.log_odds, self.chance)
        else:
            chance = expit(self.slope * log_odds + self.intercept)
        return np.asarray(np.clip(chance, self.lowest, self.highest), dtype=np.float64)

    def to_state(self) -> State:
        return asdict(self)

    @classmethod
    def from_state(cls, state: State) -> Calibration:
        return cls(**state)


def fit(log_odds: Floats, labels: Bools) -> Calibration:
    """Platt (1999) below `ISOTONIC_FROM` positives, isotonic regression above.

    The isotonic steps are joined through their middles, so that ranks survive: equal scores for whole blocks of rows
    would throw away the order within them.

    Raises
    ------
    NotEnoughData
        If higher log-odds did not go with more positives: the model has found nothing that lasts.
    """
    from sklearn.isotonic import IsotonicRegression
    from sklearn.linear_model import LogisticRegression

    platt = LogisticRegression(C=1e6).fit(log_odds[:, None], labels)
    slope, intercept = float(platt.coef_[0, 0]), float(platt.intercept_[0])
    if slope <= 0:
        raise NotEnoughData("Nothing in the data tells the outcome: scores did not rank later rows.")
    none = np.empty(0)
    positives = int(labels.sum())
    lowest, highest = 1 / (len(labels) - positives + 2), 1 - 1 / (positives + 2)
    by_platt = Calibration(slope, intercept, lowest, highest, none, none)
    if positives < ISOTONIC_FROM:
        return by_platt
    order = np.argsort(log_odds, kind="stable")
    steps = IsotonicRegression().fit_transform(log_odds[order], labels[order])
    ends = _block_ends(np.asarray(steps, dtype=np.float64))
    if len(ends) < 3:
        return by_platt
    starts = np.concatenate(([0], ends[:-1]))
    rows = ends - starts
    middles = np.add.reduceat(log_odds[order], starts) / rows
    chance = np.add.reduceat(steps, starts) / rows
    return Calibration(slope, intercept, 1 / (rows[0] + 2), 1 - 1 / (rows[-1] + 2), middles, chance)


def _block_ends(steps: Floats) -> NDArray[np.int64]:
    """Ends of runs of equal steps, short runs joined to the next: one lucky row is no certainty."""
    ends = [int(end) for end in np.flatnonzero(np.diff(steps)) + 1] + [len(steps)]
    kept = [0]
    for end in ends:
        if end - kept[-1] >= MIN_BLOCK_ROWS:
            kept.append(end)
    if len(kept) > 1:
        kept[-1] = len(steps)
    return np.array(kept[1:], dtype=np.int64)

"""A score of 0.3 comes true three times in ten, whatever the model's log-odds look like."""

import numpy as np
import pytest
from scipy.special import expit

from ml import calibration, metrics
from ml.terms import NotEnoughData


def draw(count: int, *, seed: int, offset: float = 0.0):
    """Log-odds that are twice too sure of themselves."""
    rng = np.random.default_rng(seed)
    true = rng.normal(offset, 1.5, count)
    return 2 * true + 0.7, rng.random(count) < expit(true)


@pytest.mark.parametrize(("count", "offset", "kind"), [(600, -1.5, "platt"), (6000, -1.0, "isotonic")])
def test_overconfident_log_odds_become_chances(count, offset, kind):
    curve = calibration.fit(*draw(count, seed=1, offset=offset))
    assert curve.name == kind
    odds, labels = draw(8000, seed=2, offset=offset)
    assert (
        metrics.calibration_error(labels, curve.apply(odds))
        < 0.04
        < metrics.calibration_error(labels, expit(odds))
    )


def test_order_is_kept():
    odds, labels = draw(6000, seed=1)
    scores = calibration.fit(odds, labels).apply(odds)
    assert metrics.roc_auc(labels, scores) == pytest.approx(metrics.roc_auc(labels, odds), abs=0.002)
    assert (np.diff(scores[np.argsort(odds)]) >= 0).all()


def test_a_lucky_row_at_the_end_caps_nothing():
    """One top row that came true is a block of its own; it must not set the ceiling for all others."""
    odds, labels = draw(6000, seed=1)
    top = np.append(odds, odds.max() + 5), np.append(labels, True)
    assert calibration.fit(*top).apply(odds).max() > 0.95


def test_no_score_is_certain():
    odds, labels = draw(200, seed=1)
    scores = calibration.fit(odds, labels).apply(np.array([-1e3, 1e3]))
    assert scores[0] > 0.003
    assert scores[1] < 0.995


def test_scores_that_rank_backwards_are_a_refusal():
    odds, labels = draw(600, seed=1)
    with pytest.raises(NotEnoughData, match="did not rank"):
        calibration.fit(-odds, labels)

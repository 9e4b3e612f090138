"""A run killed outright at any point harms nobody who reads, and the next run makes good what it left."""

from __future__ import annotations

import random
import signal
import time

import pytest

from tests.faults.conftest import Undisturbed
from tests.faults.kills import STAGES, Point
from warehouse.landing import Landing

SEED = 20
TORTURES = 75


def kill(given: Undisturbed, point: Point, draw: random.Random) -> None:
    """A run that dies there; what readers see is whole."""
    fault = point.fault(draw)
    run = given.line.start(fault, **point.options)
    assert run.wait() == -signal.SIGKILL, f"{fault} did not strike: {run.said()[-2000:]}"
    landing = Landing(given.line.home)
    assert landing.verify(landing.loads()) == [], fault  # what is committed is complete
    given.line.release_id()  # and so is what is current


SCORES = {"vehicles": "failure_score", "accounts": "churn_score", "leads": "score"}


def written_back(given: Undisturbed) -> set[str]:
    """The tables with scores: which models are sound depends on the day up to which the demo goes."""
    return {
        table
        for table, column in SCORES.items()
        if given.line.sql(f"select count(*) > 0 from {table} where {column} is not null") == [(True,)]
    }


@pytest.mark.parametrize("stage", STAGES)
def test_runs_killed_one_after_another_leave_nothing_undone(given: Undisturbed, stage: str):
    """Every run goes on where the one before it was killed, to be killed a step later; the last one may finish."""
    draw = random.Random(f"{SEED} {stage}")
    scored = written_back(given) if stage == "publish" else set()
    if stage == "publish":
        assert scored
        for table, column in SCORES.items():
            given.line.sql(f"update {table} set {column} = null")
    with given.api.watched():
        for point in STAGES[stage]:
            kill(given, point, draw)
        given.line.run()
    given.must_hold(trained=stage == "learn")
    assert written_back(given) >= scored


@pytest.mark.torture
@pytest.mark.parametrize("seed", range(TORTURES))
def test_a_run_killed_somewhere_is_made_good_by_the_next(given: Undisturbed, seed: int):
    draw = random.Random(seed)
    stage = draw.choice([*STAGES])
    point = draw.choice(STAGES[stage])
    with given.api.watched():
        kill(given, point, draw)
        given.line.run()
    given.must_hold(trained="train" in point.options)


@pytest.mark.torture
@pytest.mark.parametrize("seed", range(TORTURES))
def test_a_run_killed_at_any_time_is_made_good_by_the_next(given: Undisturbed, seed: int):
    draw = random.Random(seed)
    with given.api.watched():
        run = given.line.start()
        time.sleep(draw.uniform(0, 12))  # the fault is the moment itself; a run takes about that long
        run.kill()
        run.wait()
        given.line.run()
    given.must_hold()

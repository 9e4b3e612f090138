"""What happens beside a run: the store restarts under it, a second run starts."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.conftest import Undisturbed
from tests.faults.platform import until

MOMENTS = {
    "extracting": "warehouse.landing.zone:LoadWriter.add",
    "transforming": "pipelines.transform.assets:_build",
    "writing back": "pipelines.publish.assets:write_back_scores",
}


@pytest.mark.parametrize(
    "moment", [next(iter(MOMENTS)), *(pytest.param(m, marks=pytest.mark.torture) for m in [*MOMENTS][1:])]
)
def test_a_store_that_restarts_under_a_run_costs_at_most_that_run(
    given: Undisturbed, moment: str, tmp_path: Path
):
    mark = tmp_path / "paused"
    fault = {"what": "pause", "at": MOMENTS[moment], "nth": 1, "when": "before", "mark": str(mark)}
    with given.api.watched():
        run = given.line.start(fault)
        until(mark.exists, what=f"the run is {moment}")
        given.line.crash_postgres()
        mark.unlink()
        assert run.wait() in (0, 1), run.said()
        given.line.run()
    given.must_hold()


def test_two_runs_at_once_both_end_well(given: Undisturbed):
    with given.api.watched() as answers:
        runs = [given.line.start(), given.line.start()]
        assert [run.wait() for run in runs] == [0, 0], [run.said() for run in runs]
    given.must_hold()
    assert len({answer.release_id for answer in answers}) >= 2

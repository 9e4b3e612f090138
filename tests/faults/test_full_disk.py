"""A disk without room fails the run in words, corrupts nothing, and the next run goes on."""

from __future__ import annotations

import pytest

from tests.faults.conftest import Undisturbed
from warehouse.landing import Landing

ROOM_BYTES = 40_000
PLACES = {
    "landing": "warehouse.landing.zone:LoadWriter.add",
    "warehouse": "pipelines.transform.assets:_build",
    "publish": "warehouse.releases.publish:_build",
}
WORDS = ("file too large", "could not write", "the next run builds it again")
"""The last: the limit tears a write inside the warehouse file too, which a full disk alone would not."""


def test_each_stage_without_room_fails_clearly_and_the_next_run_repairs(given: Undisturbed):
    before = given.line.release_id()
    with given.api.watched():
        for stage, place in PLACES.items():
            fault = {"what": "fsize", "at": place, "nth": 1, "when": "before", "bytes": ROOM_BYTES}
            run = given.line.start(fault)
            assert run.wait() == 1, f"{stage}: {run.said()}"
            said = run.said().lower()
            assert any(words in said for words in WORDS), f"{stage}: {said}"
            landing = Landing(given.line.home)
            assert landing.verify(landing.loads()) == []
            assert given.line.release_id() == before
        given.line.run()
    given.must_hold()


@pytest.mark.torture
@pytest.mark.parametrize("room_bytes", [0, 1_000, 10_000, 100_000, 1_000_000, 5_000_000, 20_000_000])
@pytest.mark.parametrize("stage", PLACES)
def test_a_disk_that_fills_up_anywhere(given: Undisturbed, stage: str, room_bytes: int):
    fault = {"what": "fsize", "at": PLACES[stage], "nth": 1, "when": "before", "bytes": room_bytes}
    with given.api.watched():
        given.line.start(fault).wait()  # with much room it may well finish
        given.line.run()
    given.must_hold()

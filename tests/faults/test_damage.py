"""Files that changed after they were committed are found before anybody reads them, and made again."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.conftest import Undisturbed
from warehouse.landing import Landing, Load

pytestmark = pytest.mark.torture  # minutes each; not yet timed on a quiet machine

SEED = 4


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-7])


HARMS: dict[str, Callable[[Path], None]] = {"flip": flip, "truncate": truncate, "remove": Path.unlink}


def fresh_loads(given: Undisturbed) -> list[Load]:
    """The loads of a run that is killed before anything is built from them."""
    built = {load.number for load in Landing(given.line.home).live()}
    at = "pipelines.transform.warehouse_state:prepare"
    assert given.line.start({"what": "kill", "at": at, "nth": 1, "when": "before"}).wait() < 0
    return [load for load in Landing(given.line.home).live() if load.number not in built and load.parts]


def file_of(given: Undisturbed, load: Load, draw: random.Random) -> Path:
    return given.line.home.landing / draw.choice(load.parts).path


def test_landed_files_harmed_before_they_are_built_are_read_again(given: Undisturbed):
    """A changed length is seen at once, a changed byte when the file is to be built: that run fails and says so."""
    draw = random.Random(SEED)
    loads = {load.table: load for load in fresh_loads(given)}
    files = {
        harm: file_of(given, loads[table], draw)
        for harm, table in zip(HARMS, ("jobs", "accounts", "telemetry"), strict=True)
    }
    for harm, path in files.items():
        HARMS[harm](path)
    with given.api.watched():
        run = given.line.start()
        assert run.wait() == 1, run.said()
        assert f"{files['flip'].name}: content differs from its checksum" in run.said()
        assert "The next run reads their rows again" in run.said()
        given.line.run()
    given.must_hold()


def test_a_file_lost_long_after_it_was_built_is_read_again_too(given: Undisturbed):
    """The first, full load of a table goes, while a later one of the same table stays."""
    fresh = {load.table for load in fresh_loads(given)}
    assert "accounts" in fresh
    first = next(load for load in Landing(given.line.home).live() if load.table == "accounts")
    (given.line.home.landing / first.parts[0].path).unlink()
    with given.api.watched():
        given.line.run()
    given.must_hold()
    assert "accounts" in {load.table for load in Landing(given.line.home).live() if load.mode == "full"}


def test_a_model_that_cannot_be_read_is_trained_again(given: Undisturbed):
    champions = sorted(given.line.home.models.glob("*/*/champion"))
    question = champions[0].parent
    (version, *_) = champions[0].read_text().split()
    flip(question / version / "artifact.skops")
    with given.api.watched():
        run = given.line.start(train="none")
        assert run.wait() == 0, run.said()
        assert "has a damaged artifact" in run.said()
        given.line.run(train="missing")
    assert champions[0].read_text().split()[0] != version
    given.must_hold(trained=True)


@pytest.mark.torture
@pytest.mark.parametrize("seed", range(60))
def test_any_harm_to_any_landed_file_is_repaired(given: Undisturbed, seed: int):
    draw = random.Random(seed)
    fresh_loads(given)
    loads = [load for load in Landing(given.line.home).live() if load.parts]
    HARMS[draw.choice([*HARMS])](file_of(given, draw.choice(loads), draw))
    with given.api.watched():
        if given.line.start().wait():
            given.line.run()
    if draw.random() < 0.5:
        run = given.line.start(full_refresh=True)  # reads every file, built long ago or not
        if run.wait():
            given.line.run(full_refresh=True)
    given.must_hold()

"""Files that changed after they were committed are found before anybody reads them, and made again."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.conftest import Undisturbed
from warehouse.landing import Landing, Load

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


def test_landed_files_harmed_after_they_were_committed_are_read_again(given: Undisturbed):
    """A changed length is seen at once, a changed byte when the file is to be built: that run fails and says so.

    The first, full load of a table goes too, which was built long ago and has a later one after it.
    """
    draw = random.Random(SEED)
    loads = {load.table: load for load in fresh_loads(given)}
    first = next(load for load in Landing(given.line.home).live() if load.table == "accounts")
    assert first.number < loads["accounts"].number
    harmed = {"flip": loads["jobs"], "truncate": loads["telemetry"], "remove": first}
    files = {harm: file_of(given, load, draw) for harm, load in harmed.items()}
    for harm, path in files.items():
        HARMS[harm](path)
    with given.api.watched():
        run = given.line.start()
        assert run.wait() == 1, run.said()
        assert f"{files['flip'].name}: content differs from its checksum" in run.said()
        assert "The next run reads their rows again" in run.said()
        given.line.run()
    given.must_hold()


@pytest.mark.parametrize("place", ["header", pytest.param("middle", marks=pytest.mark.torture)])
def test_a_warehouse_that_cannot_be_read_is_built_again_from_what_has_landed(given: Undisturbed, place: str):
    file = given.line.home.warehouse_file
    content = bytearray(file.read_bytes())
    if place == "header":
        content[:12288] = bytes(12288)
    else:
        for at in range(len(content) // 4, len(content), 4096):
            content[at] ^= 1
    file.write_bytes(content)
    with given.api.watched():
        run = given.line.start()
        assert run.wait() == 1, run.said()
        assert "the next run builds it again from what has landed" in run.said()
        given.line.run()
    given.must_hold()


def test_a_model_that_cannot_be_read_is_named_and_trained_again(given: Undisturbed):
    champion = sorted(given.line.home.models.glob("*/*/champion"))[0]
    version = champion.read_text().split()[0]
    flip(champion.parent / version / "artifact.skops")
    with given.api.watched():
        run = given.line.start(only=["learn"])
        assert run.wait() == 0, run.said()
        assert "has a damaged artifact" in run.said()
        given.line.run(only=["learn"], train="missing")
    assert champion.read_text().split()[0] != version


@pytest.mark.torture
@pytest.mark.parametrize("seed", range(20))
def test_any_harm_to_any_landed_file_is_repaired(given: Undisturbed, seed: int):
    draw = random.Random(seed)
    fresh_loads(given)
    loads = [load for load in Landing(given.line.home).live() if load.parts]
    HARMS[draw.choice([*HARMS])](file_of(given, draw.choice(loads), draw))
    with given.api.watched():
        if draw.random() < 0.5 and given.line.start().wait():
            given.line.run()
        # An increment does not read what was built long ago; this reads every file.
        if given.line.start(full_refresh=True).wait():
            given.line.run(full_refresh=True)
    given.must_hold()

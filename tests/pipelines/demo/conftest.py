"""One simulation for all tests of it; they only read."""

from collections.abc import Mapping
from datetime import date

import polars as pl
import pytest

from pipelines.demo import Simulation, Size, simulate

UNTIL = date(2026, 6, 30)


@pytest.fixture(scope="session")
def simulation() -> Simulation:
    return simulate(Size.SMALL, seed=2, until=UNTIL)


@pytest.fixture(scope="session")
def tiny() -> Simulation:
    return simulate(Size.TINY, seed=2, until=UNTIL)


def whole(simulation: Simulation) -> Mapping[str, pl.DataFrame]:
    """Every table in one piece, telemetry too."""
    parts: dict[str, list[pl.DataFrame]] = {}
    for table, frame in simulation.frames():
        parts.setdefault(table, []).append(frame)
    return {table: pl.concat(frames) for table, frames in parts.items()}


@pytest.fixture(scope="session")
def tables(simulation: Simulation) -> Mapping[str, pl.DataFrame]:
    return whole(simulation)


@pytest.fixture(scope="session")
def tiny_tables(tiny: Simulation) -> Mapping[str, pl.DataFrame]:
    return whole(tiny)

"""The invented companies in size tiny, landed and built as a test needs them."""

from __future__ import annotations

from datetime import date
from functools import cache
from pathlib import Path

import polars as pl

from pipelines.demo import Simulation, Size, simulate
from tests.transforms.line import Line

UNTIL = date(2026, 6, 30)
"""The last day that has happened."""


@cache
def simulation() -> Simulation:
    return simulate(Size.TINY, seed=2, until=UNTIL)


def land(line: Line, *, days_ago: int = 0) -> None:
    """Land every table as it stood at the midnight that ended the day `days_ago` before the last one."""
    world = simulation()
    now_us = world.now_us - days_ago * 86_400_000_000
    for table, frame in world.tables(now_us):
        if table in line.contracts:
            line.load(table, _with_contract_columns(line, table, frame))
    line.load("telemetry", pl.concat(frame for _, frame in world.telemetry(0, now_us)))


def demo_line(folder: Path, *select: str, days_ago: int = 0) -> Line:
    """A line with the demo landed and these models built, all of them if none is named."""
    line = Line(folder)
    land(line, days_ago=days_ago)
    line.build(*select)
    return line


def _with_contract_columns(line: Line, table: str, frame: pl.DataFrame) -> pl.DataFrame:
    if table == "accounts":
        frame = frame.with_columns(company_name=pl.when(pl.col("kind") == "company").then("name"))
    return frame.select(name for name in line.contracts[table].columns if name in frame.columns)

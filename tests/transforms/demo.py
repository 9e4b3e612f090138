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


def predict(line: Line) -> None:
    """Fill the tables that models write, with scores drawn from the ids: their shape is what matters here."""
    score = "hash({id}) % 1000 / 1000"
    line.execute(
        f"""
        insert into ml.vehicle_failure
        select tenant_id, vehicle_id, max(as_of_at), {score.format(id="vehicle_id")}, 336, 0.3, '[]', 12000, 'v1'
        from features.vehicle_days group by tenant_id, vehicle_id;
        insert into ml.account_churn
        select tenant_id, account_id, max(as_of_date), {score.format(id="account_id")}, '[]', 'v1'
        from features.account_months group by tenant_id, account_id;
        insert into ml.lead_score
        select tenant_id, lead_id, {score.format(id="lead_id")}, '[]', 'v1' from features.leads;
        insert into ml.revenue_forecast
        select tenant_id, date + 28, revenue_cents, revenue_cents - 100, revenue_cents + 100, 'seasonal', 'v1', max_date
        from features.revenue_days
        inner join (select tenant_id, max(date) as max_date from features.revenue_days group by 1) using (tenant_id)
        where date > max_date - 28;
        """
    )

"""A later look at the same simulated world: what is new and what changed since the first."""

import math
from collections.abc import Iterator

import polars as pl

from pipelines.demo.calendar import AHEAD_DAYS, HISTORY_DAYS
from pipelines.demo.draw import DAY_US
from pipelines.demo.simulation import Simulation


def increment(
    simulation: Simulation, share: float = 0.01
) -> Iterator[tuple[str, pl.DataFrame, pl.DataFrame]]:
    """Table, its new rows and its changed rows (whole, by id) after living on for that share of the history.

    One per cent is eight days: new jobs, invoices and readings (late ones of earlier days among them), bills
    paid, leads decided. Referenced tables come first; telemetry last, in chunks. Raises ValueError when the
    share asks for more days than were simulated ahead.
    """
    days = math.ceil(share * HISTORY_DAYS)
    if not 0 < days <= AHEAD_DAYS:
        raise ValueError(f"{share=} is {days} days; the simulation knows 1 to {AHEAD_DAYS} days ahead")
    now_us = simulation.now_us
    later_us = now_us + days * DAY_US
    looks = zip(simulation.tables(now_us), simulation.tables(later_us), strict=True)
    for (table, before), (_, after) in looks:
        if table == "users":  # only their last log-in moves, and their hashes are the store's
            continue
        new = after.join(before, on="id", how="anti", maintain_order="left")
        known = after.join(before, on="id", how="semi", maintain_order="left")
        changed = known.join(before, on=before.columns, how="anti", nulls_equal=True, maintain_order="left")
        yield table, new, changed
    for table, chunk in simulation.telemetry(now_us, later_us):
        yield table, chunk, chunk.clear()

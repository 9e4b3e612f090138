"""The simulation as a caller sees it: tables that can be read again and again, always the same."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from pipelines.demo import (
    calls,
    campaign_tables,
    crm_tables,
    field_tables,
    fleet_tables,
    money,
    organisation,
    people_tables,
    quoting,
    reviews,
    spending,
    support,
)
from pipelines.demo.calendar import HISTORY_DAYS
from pipelines.demo.draw import DAY_US
from pipelines.demo.profiles import PROFILES, Size
from pipelines.demo.telemetry import reading_count, readings
from pipelines.demo.world import World, make_world

Builder = Callable[[World, int], Iterator[tuple[str, pl.DataFrame]]]
BUILDERS: tuple[Builder, ...] = (
    organisation.tables,
    people_tables.tables,
    organisation.zones_and_providers,
    fleet_tables.vehicles,
    crm_tables.tables,
    field_tables.tables,
    quoting.tables,
    support.tables,
    reviews.tables,
    calls.tables,
    money.tables,
    spending.tables,
    campaign_tables.messages,
    organisation.api_requests,
    fleet_tables.tables,
)
"""In an order in which every row's references stand before it."""


@dataclass(frozen=True)
class Simulation:
    size: Size
    seed: int
    until: date
    worlds: tuple[World, ...]

    @property
    def now_us(self) -> int:
        """Midnight UTC that ends the last visible day."""
        return self.worlds[0].start_us + HISTORY_DAYS * DAY_US

    @property
    def first_day(self) -> date:
        return self.until - timedelta(days=HISTORY_DAYS - 1)

    @property
    def reading_count(self) -> int:
        """Telemetry rows, give or take the few that are still on their way when the last day ends."""
        return sum(reading_count(world, HISTORY_DAYS) for world in self.worlds)

    def frames(self) -> Iterator[tuple[str, pl.DataFrame]]:
        """Table name and rows, referenced tables first; telemetry last, in chunks within one month (UTC)."""
        yield from self.tables(self.now_us)
        yield from self.telemetry(0, self.now_us)

    def tables(self, now_us: int) -> Iterator[tuple[str, pl.DataFrame]]:
        """Every table but telemetry as it stands at a moment; `users` without their password hashes."""
        for build in BUILDERS:
            for parts in zip(*(build(world, now_us) for world in self.worlds), strict=True):
                yield parts[0][0], pl.concat([frame for _, frame in parts])

    def telemetry(self, from_us: int, now_us: int) -> Iterator[tuple[str, pl.DataFrame]]:
        """Readings that arrived in [from, now), at most a few hundred thousand a chunk."""
        before, now = (pl.lit(at).cast(pl.Datetime("us", "UTC")) for at in (from_us, now_us))
        arrived = (pl.col("created_at") >= before) & (pl.col("created_at") < now)
        for world in self.worlds:
            first = max((from_us - world.start_us) // DAY_US - 2, 0)
            days = range(first, min((now_us - world.start_us) // DAY_US, world.calendar.days))
            for chunk in readings(world, days):
                yield "telemetry", chunk.filter(arrived)


def simulate(size: Size = Size.SMALL, seed: int = 2, *, until: date) -> Simulation:
    """Twenty-four months of three invented companies, ending with the day `until` (UTC).

    The same arguments give the same rows, ids included. Takes about a second in size small; telemetry is
    made only while `frames` is read.
    """
    worlds = [make_world(profile, size.scale, seed, until) for profile in PROFILES]
    worlds[-1] = worlds[-1].with_guest(worlds[0])
    return Simulation(size, seed, until, tuple(worlds))

"""Sensor readings of driven hours, month by month, in chunks of bounded size."""

from collections.abc import Iterator

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pipelines.demo import truths
from pipelines.demo.draw import HOUR_US, MINUTE_US, Floats, Ints, given, moments, pick, uuids
from pipelines.demo.fleet import ELECTRIC, MODELS
from pipelines.demo.world import World

CHUNK_READINGS = 400_000
ERROR_CODES = ("P0300", "P0128", "P0420", "P0562", "U0100", "C0035")
ERRORS_PER_READING, ERRORS_PER_READING_AT_FAILURE = 0.0006, 0.05
"""Chance of an error code; it rises with the same share as the drift."""
YEAR_COLDEST_DAY = 20

_DRIFTS = np.array(
    [[c.vibration_mm_s, c.temperature_c, c.voltage_v, c.pressure_kpa] for c in truths.COMPONENTS]
    + [[0.0] * 4]
)


def drift_share(at_us: Ints, onset_us: Ints, fails_us: Ints) -> Floats:
    """How much of its full drift a fault shows: 0 before it begins, 1 when it fails."""
    way = (at_us - onset_us) / np.maximum(fails_us - onset_us, MINUTE_US)
    return np.clip(way, 0.0, 1.1) ** truths.DRIFT_POWER


def readings(world: World, days: range) -> Iterator[pl.DataFrame]:
    """Chunks of the months that these days touch, each within one; a month's readings are always the same."""
    every_us = world.scale.reading_every_s * 1_000_000
    driving, months = world.fleet.driving, world.calendar.month
    for month in np.unique(months[days.start : days.stop]):
        in_month = np.flatnonzero(months == month)
        day, vehicle = np.nonzero(driving.run_us[in_month] > 0)
        day = in_month[day]
        counts = driving.run_us[day, vehicle] // every_us + 1
        cuts = np.flatnonzero(np.diff(np.cumsum(counts) // CHUNK_READINGS)) + 1
        for nth, part in enumerate(np.split(np.arange(len(day)), cuts)):
            if len(part):
                yield _chunk(world, world.rng(f"telemetry {month} {nth}"), day[part], vehicle[part])


def _chunk(world: World, rng: np.random.Generator, day: Ints, vehicle: Ints) -> pl.DataFrame:
    calendar, fleet, driving = world.calendar, world.fleet, world.fleet.driving
    every_us = world.scale.reading_every_s * 1_000_000
    run = driving.run_us[day, vehicle]
    counts = run // every_us + 1
    pair = np.repeat(np.arange(len(day)), counts)
    nth = np.arange(len(pair)) - np.repeat(np.cumsum(counts) - counts, counts)
    day, vehicle, run = day[pair], vehicle[pair], run[pair]
    count = len(pair)

    def of_day(matrix: NDArray) -> NDArray:
        return matrix[day, vehicle]

    start = of_day(driving.start_us)
    jitter = rng.integers(0, 20_000_000, count)
    at = np.minimum(start + nth * every_us + jitter, start + run)
    way = (at - start) / np.maximum(run, 1)
    km = of_day(driving.km) * way
    model = fleet.vehicles.model[vehicle]
    specs = np.array([row[4:] for row in MODELS])[model]
    tank_size, use_per_km, base_vibration = specs[:, 0], specs[:, 1] / 100, specs[:, 3]

    share = drift_share(at, of_day(driving.onset_us), of_day(driving.fails_us))
    component = of_day(driving.component)
    share = np.where(component >= 0, share, 0.0)
    drift = _DRIFTS[component] * share[:, None]
    own = fleet.vehicles.own_level[vehicle]
    of_pair = rng.normal(0, 1, (pair[-1] + 1, 2))[pair]  # a day's load and road
    noise = rng.standard_normal((6, count), dtype=np.float32).astype(np.float64)

    speed = np.clip(38 + 22 * noise[0], 0, 118)
    rpm = np.where(model == ELECTRIC, 0, 780 + 22 * speed + 120 * noise[1])
    ambient = 11 - 12 * np.cos(2 * np.pi * ((calendar.first_day + day) % 365.25 - YEAR_COLDEST_DAY) / 365.25)
    temperature = (
        86 + 0.22 * (ambient - 11) + 1.5 * own[:, 0] + 1.4 * of_pair[:, 0] + 3.2 * noise[2] + drift[:, 1]
    )
    vibration = base_vibration * (1 + 0.06 * own[:, 1]) + 0.006 * (speed - 38) + 0.14 * of_pair[:, 1]
    vibration = np.maximum(vibration + 0.38 * noise[3] + drift[:, 0], 0.1)
    pressure = 238 + 4 * noise[4] + drift[:, 3]
    voltage = 13.8 + 0.12 * noise[5] + drift[:, 2]
    fuel = np.clip((of_day(driving.tank_l) - km * use_per_km) / tank_size * 100, 0, 100)

    place = np.array([[p[2], p[3]] for p in world.profile.places])[fleet.vehicles.zone[vehicle]]
    spot = place + rng.normal(0, 0.04, (count, 2))
    has_position, has_pressure = rng.random(count) > 0.02, rng.random(count) > 0.006
    errors = rng.random(count) < ERRORS_PER_READING + ERRORS_PER_READING_AT_FAILURE * share
    code = np.where(errors, rng.integers(0, len(ERROR_CODES), count), -1)
    delay = rng.integers(1_000_000, 30_000_000, count)
    offline = rng.random(count) < 0.01
    delay = np.where(offline, (rng.random(count) * 30 * HOUR_US).astype(np.int64), delay)
    return pl.DataFrame(
        {
            "id": uuids(at, rng),
            "tenant_id": pl.repeat(world.tenant_id, count, eager=True),
            "vehicle_id": world.ids["vehicles"].gather(vehicle),
            "recorded_at": moments(at),
            "speed_kmh": speed.round(1),
            "rpm": np.maximum(rpm, 0).round(0),
            "temperature_c": temperature.round(2),
            "vibration_mm_s": vibration.round(3),
            "pressure_kpa": given(pressure.round(1), has_pressure),
            "voltage_v": voltage.round(2),
            "fuel_level_pct": fuel.round(1),
            "odometer_km": (of_day(driving.odometer_km) + km).round(3),
            "latitude": given(spot[:, 0].round(5), has_position),
            "longitude": given(spot[:, 1].round(5), has_position),
            "error_code": pick(ERROR_CODES, code),
            "created_at": moments(at + delay),
        }
    )


def reading_count(world: World, days: int) -> int:
    """Readings of the first days; a few of them arrive only after those days."""
    run = world.fleet.driving.run_us[:days]
    return int((run[run > 0] // (world.scale.reading_every_s * 1_000_000) + 1).sum())

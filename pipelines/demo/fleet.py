"""Every vehicle's days: driving, wear, faults that grow into failures, services done and missed, fuel.

One loop over days, vectorised over vehicles. `telemetry.py` and `fleet_tables.py` turn the result into rows.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipelines.demo import truths
from pipelines.demo.calendar import Calendar
from pipelines.demo.draw import DAY_US, HOUR_US, MINUTE_US, NEVER, Bools, Floats, Ints, choose, stream
from pipelines.demo.profiles import Profile, Scale

MODELS = (
    # make, model, kind, fuel, tank l (kWh), l (kWh) per 100 km, price cents, vibration mm/s, km per hour
    ("Tarn", "Cargo 3", "van", "diesel", 80.0, 9.5, 3_400_000, 2.3, 24.0),
    ("Tarn", "Cargo 5", "truck", "diesel", 140.0, 17.0, 6_900_000, 2.9, 27.0),
    ("Orvel", "Shuttle", "van", "hybrid", 60.0, 6.8, 4_200_000, 1.9, 25.0),
    ("Orvel", "Volt", "van", "electric", 75.0, 23.0, 4_900_000, 1.6, 22.0),
    ("Mistra", "City", "car", "petrol", 45.0, 6.4, 2_100_000, 1.7, 21.0),
)
MODEL_SHARE = (0.38, 0.20, 0.18, 0.10, 0.14)
ELECTRIC = 3
LONGEST_DAY_H = 12.0
"""Work begins at `opens_at_h` plus at most 75 minutes, so that 11 o'clock starts end before midnight UTC."""
DRIVEN_SHARE_BY_WEEKDAY = (0.95, 0.96, 0.96, 0.96, 0.95, 0.70, 0.30)


@dataclass(frozen=True)
class Vehicles:
    model: Ints
    zone: Ints
    acquired_day: Ints
    retired_day: Ints
    odometer_km: Floats
    """When the simulation begins, or when acquired."""
    own_level: Floats
    """How far this vehicle's usual temperature and vibration lie from its model's, in standard deviations."""
    money_pit: int
    """Position of the vehicle that costs more than it brings; -1 for none."""


@dataclass(frozen=True)
class Repairs:
    """Services, repairs after a failure, and repairs of faults found at a service."""

    vehicle: Ints
    component: Ints
    """Position in truths.COMPONENTS, -1 for a plain service."""
    is_failure: Bools
    is_sudden: Bools
    onset_us: Ints
    opened_us: Ints
    started_us: Ints
    completed_us: Ints
    odometer_km: Floats
    km_since_service: Floats
    missed_services: Ints
    labour_cents: Ints
    parts_cents: Ints


@dataclass(frozen=True)
class Driving:
    """Day by vehicle matrices; km 0 where the vehicle stood still."""

    start_us: Ints
    run_us: Ints
    km: Floats
    odometer_km: Floats
    """At the start of the day's run."""
    tank_l: Floats
    """At the start of the day's run."""
    filled_l: Floats
    """Filled after the day's run."""
    onset_us: Ints
    fails_us: Ints
    component: NDArray[np.int8]


@dataclass(frozen=True)
class Fleet:
    vehicles: Vehicles
    repairs: Repairs
    driving: Driving


def _acquire(profile: Profile, calendar: Calendar, scale: Scale, rng: np.random.Generator) -> Vehicles:
    count = round(scale.vehicles * profile.vehicle_share)
    bought_before = rng.random(count) < 0.85
    acquired = np.where(bought_before, -rng.integers(60, 1_500, count), rng.integers(10, 500, count))
    retired = np.where(bought_before & (rng.random(count) < 0.08), rng.integers(300, 720, count), 1_000_000)
    pit = int(truths.MONEY_PIT_REGISTRATION.split("-")[1]) - 1
    has_pit = truths.MONEY_PIT_REGISTRATION.startswith(profile.registration_prefix + "-") and pit < count
    if has_pit:
        acquired[pit], retired[pit] = -1_100, 1_000_000
    odometer = np.where(bought_before, -acquired * rng.uniform(60, 150, count), rng.uniform(5, 60, count))
    model = choose(rng, MODEL_SHARE, count)
    zone, own_level = rng.integers(0, len(profile.places), count), rng.normal(0, 1, (count, 2))
    return Vehicles(model, zone, acquired, retired, odometer, own_level, pit if has_pit else -1)


def drive(profile: Profile, calendar: Calendar, scale: Scale, seed: int) -> Fleet:
    rng = stream(seed, profile.slug, "fleet")
    vehicles = _acquire(profile, calendar, scale, rng)
    count, days = len(vehicles.model), calendar.days
    is_pit = np.arange(count) == vehicles.money_pit
    frailty = np.exp(rng.normal(0, 0.3, count)) * np.where(is_pit, truths.MONEY_PIT_ONSET_FACTOR, 1.0)
    cost_factor = np.where(is_pit, truths.MONEY_PIT_COST_FACTOR, 1.0)
    specs = np.array([row[4:] for row in MODELS])[vehicles.model]
    tank_size, use_per_km, speed_kmh = specs[:, 0], specs[:, 1] / 100, specs[:, 4]
    repair_cents = np.array([c.repair_cents for c in truths.COMPONENTS])

    shape = (days, count)
    start_us, run_us = np.full(shape, NEVER), np.zeros(shape, dtype=np.int64)
    km_of, odometer_of, tank_of, filled_of = (np.zeros(shape) for _ in range(4))
    onset_of, fails_of = np.full(shape, NEVER), np.full(shape, NEVER)
    component_of = np.full(shape, -1, dtype=np.int8)
    batches: list[tuple] = []

    odometer, tank = vehicles.odometer_km.copy(), tank_size * rng.uniform(0.4, 1.0, count)
    since_service = rng.uniform(0, truths.SERVICE_EVERY_KM, count) * (vehicles.acquired_day < 0)
    next_service = truths.SERVICE_EVERY_KM * rng.uniform(0.9, 1.1, count)
    missed = np.zeros(count, dtype=np.int64)
    onset, fails = np.full(count, NEVER), np.full(count, NEVER)
    component, sudden = np.full(count, -1), np.zeros(count, dtype=bool)
    down_until = np.full(count, NEVER)

    for day in range(days):
        midnight = int(calendar.day_us(day))
        start = midnight + profile.opens_at_h * HOUR_US + rng.integers(0, 75 * MINUTE_US, count)
        hours = np.clip(rng.normal(9.6, 1.4, count), 4.0, LONGEST_DAY_H - 0.4)
        share = DRIVEN_SHARE_BY_WEEKDAY[calendar.weekday[day]] * (0.3 if calendar.is_holiday[day] else 1.0)
        owned = (vehicles.acquired_day <= day) & (vehicles.retired_day > day)
        drives = owned & (down_until < start) & (rng.random(count) < share)
        run = np.where(drives, (hours * HOUR_US).astype(np.int64), 0)

        begins = drives & (onset == NEVER)
        begins &= rng.random(count) < truths.failure_onset_hazard(since_service, missed, frailty)
        drift = np.clip(rng.normal(truths.DRIFT_DAYS_MEAN, truths.DRIFT_DAYS_SD, count), 4, 16) * DAY_US
        sudden = np.where(begins, rng.random(count) < truths.SUDDEN_SHARE, sudden)
        onset_now = start + (run * rng.random(count)).astype(np.int64)
        onset = np.where(begins, onset_now, onset)
        fails = np.where(
            begins, np.where(sudden, onset_now + MINUTE_US, onset_now + drift.astype(np.int64)), fails
        )
        component = np.where(begins, choose(rng, tuple(c.share for c in truths.COMPONENTS), count), component)

        fails_now = drives & (onset != NEVER) & (fails <= start + run)
        moment = np.maximum(fails, start + 10 * MINUTE_US)
        run = np.where(fails_now, np.minimum(moment - start, run), run)
        km = run / HOUR_US * speed_kmh * rng.uniform(0.8, 1.2, count)

        start_us[day], run_us[day], km_of[day] = np.where(drives, start, NEVER), run, km
        odometer_of[day], tank_of[day] = odometer, tank
        drifting = (onset != NEVER) & ~sudden
        onset_of[day], fails_of[day] = np.where(drifting, onset, NEVER), np.where(drifting, fails, NEVER)
        component_of[day] = np.where(drifting, component, -1)
        odometer, since_service = odometer + km, since_service + km
        tank = np.maximum(tank - km * use_per_km, 1.0)
        fills = drives & ~fails_now & ((tank < 0.35 * tank_size) | (vehicles.model == ELECTRIC))
        filled_of[day] = np.where(fills, tank_size * rng.uniform(0.92, 1.0, count) - tank, 0.0).clip(0)
        tank = tank + filled_of[day]

        due = drives & ~fails_now & (since_service >= next_service)
        misses = due & (rng.random(count) < truths.MISSED_SERVICE_SHARE)
        serviced = due & ~misses
        found = serviced & (onset != NEVER) & (rng.random(count) < truths.FOUND_AT_SERVICE_SHARE)
        stops = np.flatnonzero(fails_now | serviced)
        if len(stops):
            failed, plain = fails_now[stops], ~fails_now[stops] & ~found[stops]
            opened = (start + run)[stops]
            waits = np.where(failed, rng.gamma(2.0, 4.0, len(stops)), rng.uniform(10, 13, len(stops)))
            work_h = np.where(failed, 6 + rng.gamma(2.0, 9.0, len(stops)), np.where(plain, 4.0, 9.0))
            begun = opened + (waits * HOUR_US).astype(np.int64)
            done = begun + (work_h * HOUR_US).astype(np.int64)
            repair = repair_cents[component[stops]] * np.where(failed, 1.0, 0.6)
            parts = (
                np.where(plain, 9_000.0, repair)
                * cost_factor[stops]
                * np.exp(rng.normal(0, 0.25, len(stops)))
            )
            labour = work_h * np.where(plain, 5_500, 6_500) * np.where(failed, 0.6, 1.0) * cost_factor[stops]
            batches.append(
                (
                    stops,
                    np.where(plain, -1, component[stops]),
                    failed,
                    sudden[stops] & ~plain,
                    np.where(plain, NEVER, onset[stops]),
                    opened,
                    begun,
                    done,
                    odometer[stops],
                    since_service[stops],
                    missed[stops],
                    np.rint(labour).astype(np.int64),
                    np.rint(parts).astype(np.int64),
                )
            )
            down_until[stops] = done
        since_service = np.where(serviced, 0.0, since_service)
        next_service = np.where(
            serviced, truths.SERVICE_EVERY_KM * rng.uniform(0.95, 1.05, count), next_service
        )
        next_service = np.where(misses, next_service + truths.SERVICE_EVERY_KM, next_service)
        missed = np.where(serviced, 0, missed + misses)
        mended = fails_now | found
        onset, fails = np.where(mended, NEVER, onset), np.where(mended, NEVER, fails)

    empty = [np.empty(0, dtype=np.int64)] * 13
    columns = [np.concatenate(column) for column in zip(*batches, strict=True)] if batches else empty
    driving = Driving(
        start_us, run_us, km_of, odometer_of, tank_of, filled_of, onset_of, fails_of, component_of
    )
    return Fleet(vehicles, Repairs(*columns), driving)

"""Tables of the fleet: vehicles, trips, work orders, fuel, papers; readings are in `telemetry.py`."""

from collections.abc import Iterator

import numpy as np
import polars as pl

from pipelines.demo import truths
from pipelines.demo.draw import DAY_US, HOUR_US, NEVER, choose, dates, given, moments, pick, rows, seen
from pipelines.demo.fleet import ELECTRIC, MODELS
from pipelines.demo.world import World

LAPSED_SHARE = 0.03
"""Papers that nobody renewed in time."""


def tables(world: World, now_us: int) -> Iterator[tuple[str, pl.DataFrame]]:
    yield "trips", _trips(world, now_us)
    yield "work_orders", _work_orders(world, now_us)
    yield "fuel_logs", _fuel_logs(world, now_us)
    yield "compliance_documents", _compliance(world, now_us)


def vehicles(world: World, now_us: int) -> Iterator[tuple[str, pl.DataFrame]]:
    fleet, rng, calendar = world.fleet.vehicles, world.rng("vehicles"), world.calendar
    count = len(fleet.model)
    today = min((now_us - world.start_us) // DAY_US, calendar.days)
    driving = world.fleet.driving
    odometer = driving.odometer_km[today - 1] + driving.km[today - 1]
    repairs = world.fleet.repairs
    in_repair = (repairs.opened_us < now_us) & (repairs.completed_us > now_us)
    is_down = np.isin(np.arange(count), repairs.vehicle[in_repair])
    retired = fleet.retired_day <= today
    acquired = calendar.day_us(fleet.acquired_day) + 8 * HOUR_US
    year = (fleet.acquired_day + calendar.first_day).astype("datetime64[D]").astype("datetime64[Y]").astype(
        int
    ) + 1970
    age_at_purchase = choose(rng, (0.6, 0.25, 0.15), count)
    price = (
        np.array([row[6] for row in MODELS])[fleet.model]
        * 0.88**age_at_purchase
        * rng.uniform(0.93, 1.07, count)
    )
    number = pl.Series(np.arange(1, count + 1)).cast(pl.String).str.zfill(3)

    def of_model(position: int) -> pl.Series:
        return pick(tuple(str(row[position]) for row in MODELS), fleet.model)

    yield (
        "vehicles",
        rows(
            world.tenant_id,
            world.ids["vehicles"],
            acquired + np.arange(count),
            np.full(count, now_us - HOUR_US),
            now_us,
            registration=f"{world.profile.registration_prefix}-" + number,
            make=of_model(0),
            model=of_model(1),
            model_year=pl.Series((year - age_at_purchase).astype(np.int32)),
            kind=of_model(2),
            fuel=of_model(3),
            status=pick(("active", "workshop", "retired"), np.select([retired, is_down], [2, 1], 0)),
            acquired_date=dates(fleet.acquired_day + calendar.first_day),
            acquisition_cost_cents=pl.Series(np.rint(price).astype(np.int64)),
            currency=world.currency,
            odometer_km=pl.Series(odometer.round(3)),
            zone_id=pick(world.ids["zones"], fleet.zone),
        ),
    )


def _trips(world: World, now_us: int) -> pl.DataFrame:
    """One or two a driven day; together they are the day's run: distances add up to the odometer's."""
    driving, rng = world.fleet.driving, world.rng("trips")
    day, vehicle = np.nonzero(driving.run_us > 0)
    pieces = rng.integers(1, 3, len(day))
    pair = np.repeat(np.arange(len(day)), pieces)
    nth = np.arange(len(pair)) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    cut = np.concatenate(
        [np.zeros((len(day), 1)), np.sort(rng.uniform(0.1, 0.9, (len(day), 2)), axis=1)], axis=1
    )
    cut = np.concatenate([cut, np.ones((len(day), 1))], axis=1)
    begin = cut[pair, nth]
    end = np.where(nth == pieces[pair] - 1, 1.0, cut[pair, nth + 1])
    day, vehicle = day[pair], vehicle[pair]
    start, run, km = driving.start_us[day, vehicle], driving.run_us[day, vehicle], driving.km[day, vehicle]
    started, ended = start + (run * begin).astype(np.int64), start + (run * end).astype(np.int64)
    distance = (km * (end - begin)).round(3)
    use = np.array([row[5] for row in MODELS])[world.fleet.vehicles.model[vehicle]] / 100
    burns = world.fleet.vehicles.model[vehicle] != ELECTRIC
    zone = world.fleet.vehicles.zone[vehicle]
    per_zone = len(world.ids["providers"]) // len(world.profile.places)
    zones = world.fleet.vehicles.zone
    place_in_zone = np.array([np.sum(zones[:nth] == zones[nth]) for nth in range(len(zones))], dtype=np.int64)
    usual = place_in_zone[vehicle] % per_zone  # a driver of one's own, as long as there are enough
    driver = zone * per_zone + np.where(
        rng.random(len(day)) < 0.9, usual, rng.integers(0, per_zone, len(day))
    )
    count = len(day)
    return rows(
        world.tenant_id,
        world.new_ids("trips", started),
        started,
        ended,
        now_us,
        vehicle_id=pick(world.ids["vehicles"], vehicle),
        provider_id=pick(world.ids["providers"], np.where(rng.random(count) < 0.97, driver, -1)),
        started_at=moments(started),
        ended_at=moments(seen(ended, now_us)),
        distance_km=pl.Series(distance),
        idle_s=pl.Series((rng.beta(2, 9, count) * (ended - started) / 1e6).round(0)),
        fuel_l=given((distance * use * rng.uniform(0.93, 1.09, count)).round(2), burns),
    )


def _work_orders(world: World, now_us: int) -> pl.DataFrame:
    """Services, repairs after failures (`is_failure`) and of what a service found, yearly inspections."""
    repairs, fleet, calendar, rng = (
        world.fleet.repairs,
        world.fleet.vehicles,
        world.calendar,
        world.rng("work_orders"),
    )
    year = np.arange(-1, 4) * 365 + 100
    vehicle, day = (grid.ravel() for grid in np.meshgrid(np.arange(len(fleet.model)), year, indexing="ij"))
    day = day + vehicle * 37 % 365
    kept = (
        (day > 0)
        & (day > fleet.acquired_day[vehicle])
        & (day < np.minimum(fleet.retired_day[vehicle], calendar.days))
    )
    vehicle, day = vehicle[kept], day[kept]
    inspected = calendar.day_us(day) + HOUR_US  # in the night, so that it costs no working time
    count, more = len(repairs.vehicle), len(vehicle)
    none = np.full(more, -1)

    component = np.concatenate([repairs.component, none])
    is_failure = np.concatenate([repairs.is_failure, np.zeros(more, dtype=bool)]).astype(bool)
    opened = np.concatenate([repairs.opened_us, inspected])
    start = np.concatenate([repairs.started_us, inspected + HOUR_US // 2])
    done = np.concatenate([repairs.completed_us, inspected + 2 * HOUR_US])
    started, completed = seen(start, now_us), seen(done, now_us)
    is_inspection = np.arange(count + more) >= count
    kind = np.where(is_inspection, 2, np.where(component >= 0, 1, 0))
    odometer = np.concatenate([repairs.odometer_km, world.fleet.driving.odometer_km[day, vehicle]])
    labour = np.concatenate([repairs.labour_cents, np.full(more, 8_900)])
    parts = np.concatenate([repairs.parts_cents, np.zeros(more, dtype=np.int64)])
    is_done = completed != NEVER
    text = (*(c.repair for c in truths.COMPONENTS), "Regular service", "Yearly inspection")
    say = np.where(is_inspection, len(text) - 1, np.where(component >= 0, component, len(text) - 2))
    return rows(
        world.tenant_id,
        world.new_ids("work_orders", opened),
        opened,
        np.maximum(started, completed),
        now_us,
        vehicle_id=pick(world.ids["vehicles"], np.concatenate([repairs.vehicle, vehicle])),
        kind=pick(("preventive", "corrective", "inspection"), kind),
        component=pick(tuple(c.name for c in truths.COMPONENTS), component),
        is_failure=pl.Series(is_failure),
        status=pick(("open", "in_progress", "done"), np.select([is_done, started != NEVER], [2, 1], 0)),
        opened_at=moments(opened),
        started_at=moments(started),
        completed_at=moments(completed),
        downtime_h=given(((done - np.where(is_failure, opened, start)) / HOUR_US).round(2), is_done),
        labour_cents=pl.Series(np.where(is_done, labour, 0)),
        parts_cents=pl.Series(np.where(is_done, parts, 0)),
        currency=world.currency,
        odometer_km=pl.Series(odometer.round(3)),
        description=given(pick(text, say), rng.random(count + more) < 0.95),
    )


def _fuel_logs(world: World, now_us: int) -> pl.DataFrame:
    driving, rng = world.fleet.driving, world.rng("fuel_logs")
    day, vehicle = np.nonzero((driving.filled_l > 0) & (world.fleet.vehicles.model != ELECTRIC))
    at = driving.start_us[day, vehicle] + driving.run_us[day, vehicle] + 5 * 60_000_000
    litres = driving.filled_l[day, vehicle].round(2)
    walk = np.cumsum(world.rng("fuel price").normal(0, 0.004, world.calendar.days))
    price = world.profile.fuel_cents_per_l * np.exp(walk[day] - walk[0]) * rng.uniform(0.97, 1.03, len(day))
    odometer = driving.odometer_km[day, vehicle] + driving.km[day, vehicle]
    return rows(
        world.tenant_id,
        world.new_ids("fuel_logs", at),
        at,
        at,
        now_us,
        vehicle_id=pick(world.ids["vehicles"], vehicle),
        filled_at=moments(at),
        litres=pl.Series(litres),
        price_cents=pl.Series(np.rint(litres * price).astype(np.int64)),
        currency=world.currency,
        odometer_km=given(odometer.round(1), rng.random(len(day)) < 0.97),
    )


def _compliance(world: World, now_us: int) -> pl.DataFrame:
    """Yearly papers of each vehicle, two-yearly ones of each provider; renewed a little early or forgotten."""
    rng, calendar, fleet = world.rng("compliance_documents"), world.calendar, world.fleet.vehicles
    parts = []  # kind, vehicle, provider, issued day, expires day
    providers = np.arange(len(world.ids["providers"]))
    subjects = [
        (kind, np.arange(len(fleet.model)), True, 365) for kind in ("insurance", "inspection", "registration")
    ]
    subjects.append(("licence" if len(fleet.model) else "permit", providers, False, 730))
    for kind, subject, is_vehicle, valid_days in subjects:
        first = -rng.integers(0, valid_days, len(subject))
        begin = fleet.acquired_day[subject] if is_vehicle else np.full(len(subject), -10_000)
        end = fleet.retired_day[subject] if is_vehicle else np.full(len(subject), 1_000_000)
        lapsed = np.zeros(len(subject), dtype=bool)
        for turn in range(calendar.days // valid_days + 2):
            issued = np.maximum(
                first + turn * valid_days - rng.integers(0, 20, len(subject)) * (turn > 0), begin
            )
            lapsed |= (turn > 0) & (rng.random(len(subject)) < LAPSED_SHARE)
            expires = first + (turn + 1) * valid_days
            kept = ~lapsed & (issued < end) & (expires > issued) & (issued < calendar.days)
            none = np.full(int(kept.sum()), -1)
            who = (subject[kept], none) if is_vehicle else (none, subject[kept])
            parts.append((kind, *who, issued[kept], expires[kept]))
    of_part = np.repeat(np.arange(len(parts)), [len(part[1]) for part in parts])
    vehicle, provider, issued, expires = (np.concatenate([part[n] for part in parts]) for n in range(1, 5))
    count = len(of_part)
    created = calendar.day_us(issued) + 7 * HOUR_US
    expired_us = calendar.day_us(expires + 1)
    revoked = ~np.isin(np.arange(count), np.flatnonzero(rng.random(count) > 0.004))
    number = "DOC-" + pl.Series(rng.integers(100_000, 999_999, count)).cast(pl.String)
    return rows(
        world.tenant_id,
        world.new_ids("compliance_documents", created),
        created,
        expired_us,
        now_us,
        vehicle_id=pick(world.ids["vehicles"], vehicle),
        provider_id=pick(world.ids["providers"], provider),
        kind=pick(tuple(part[0] for part in parts), of_part),
        number=given(number, rng.random(count) < 0.96),
        issued_date=dates(issued + calendar.first_day),
        expires_date=dates(expires + calendar.first_day),
        status=pick(("valid", "expired", "revoked"), np.select([revoked, expired_us <= now_us], [2, 1], 0)),
    )

"""Tables of the company itself: tenant, zones, providers, its people's use of the API."""

import json
from collections.abc import Iterator

import numpy as np
import polars as pl

from pipelines.demo import names
from pipelines.demo.calendar import AHEAD_DAYS, HISTORY_DAYS
from pipelines.demo.draw import DAY_US, HOUR_US, Floats, Ints, choose, dates, given, moments, pick, rows
from pipelines.demo.world import World

API_REQUESTS_PER_DAY = 14
ROUTES = (
    ("GET", "/api/v1/dashboard/overview", 0.24, 18.0),
    ("GET", "/api/v1/jobs", 0.22, 9.0),
    ("POST", "/api/v1/jobs", 0.10, 14.0),
    ("GET", "/api/v1/leads", 0.14, 8.0),
    ("PATCH", "/api/v1/leads/{lead_id}", 0.08, 12.0),
    ("GET", "/api/v1/invoices", 0.10, 11.0),
    ("POST", "/api/v1/metrics/query", 0.07, 35.0),
    ("POST", "/api/v1/auth/login", 0.05, 60.0),
)


def tables(world: World, now_us: int) -> Iterator[tuple[str, pl.DataFrame]]:
    profile, start = world.profile, world.start_us
    days = np.array([world.calendar.first_day, world.calendar.first_day + (now_us - start) // DAY_US - 1])
    created = np.array([start - 400 * DAY_US])
    yield (
        "tenants",
        pl.DataFrame(
            {
                "id": world.ids["tenants"],
                "slug": [profile.slug],
                "name": [profile.name],
                "kind": [profile.kind],
                "country": [profile.country],
                "timezone": [profile.timezone],
                "currency": [profile.currency],
                "is_simulated": [True],
                "data_from": dates(days[:1]),
                "data_until": dates(days[1:]),
                "created_at": moments(created),
            }
        ),
    )


def zones_and_providers(world: World, now_us: int) -> Iterator[tuple[str, pl.DataFrame]]:
    profile, start = world.profile, world.start_us
    places = profile.places
    opened = np.full(len(places), start - 398 * DAY_US)
    yield (
        "zones",
        rows(
            world.tenant_id,
            world.ids["zones"],
            opened,
            opened,
            now_us,
            name=pl.Series([place[0] for place in places]),
            city=pl.Series([place[1] for place in places]),
            country=profile.country,
            latitude=pl.Series([place[2] for place in places]),
            longitude=pl.Series([place[3] for place in places]),
        ),
    )
    yield "providers", _providers(world, now_us)


def provider_people(world: World) -> tuple[pl.Series, pl.Series]:
    """Names and numbers of the technicians or partners."""
    rng, count = world.rng("provider people"), len(world.ids["providers"])
    return names.people(count, rng), names.phones(count, world.profile.country, rng)


def _providers(world: World, now_us: int) -> pl.DataFrame:
    profile, rng, count = world.profile, world.rng("providers"), len(world.ids["providers"])
    zone = np.arange(count) // (count // len(profile.places))
    created = np.full(count, world.start_us - 397 * DAY_US)
    jobs = world.customers.jobs
    counted = (jobs.rating > 0) & (jobs.completed_us < now_us)
    ratings = np.bincount(jobs.provider[counted], minlength=count)
    stars = np.bincount(jobs.provider[counted], jobs.rating[counted], minlength=count)
    full_name, phone = provider_people(world)
    skills = [service.name for service in profile.services]
    known = [
        json.dumps(sorted(rng.choice(skills, rng.integers(1, len(skills)), replace=False)))
        for _ in range(count)
    ]
    hired = world.calendar.first_day - rng.integers(0, 1500, count)
    return rows(
        world.tenant_id,
        world.ids["providers"],
        created,
        np.full(count, now_us - HOUR_US),
        now_us,
        kind=profile.provider_kind,
        full_name=full_name,
        email=names.emails(full_name, profile.domain),
        phone=phone,
        zone_id=pick(world.ids["zones"], zone),
        skills=pl.Series(known),
        hourly_cost_cents=pl.Series(
            np.rint(profile.hourly_cost_cents * rng.uniform(0.85, 1.2, count)).astype(np.int64)
        ),
        rating=given((stars / np.maximum(ratings, 1)).round(2), ratings > 0),
        is_active=pl.Series(ratings > 0),
        hired_date=given(dates(hired), rng.random(count) < 0.9),
    )


def _somebody_there(world: World, day: Ints, chance: Floats) -> Ints:
    """For each request one of the staff who came in on its day; -1 where nobody did."""
    there = world.people.is_there[: len(world.ids["users"]), day]
    counted = np.cumsum(there, axis=0)
    wanted = np.floor(chance * counted[-1]).astype(np.int64) + 1
    return np.where(counted[-1] > 0, np.argmax(counted >= wanted, axis=0), -1)


def api_requests(world: World, now_us: int) -> Iterator[tuple[str, pl.DataFrame]]:
    rng = world.rng("api_requests")
    count = int(API_REQUESTS_PER_DAY * world.scale.customers * (HISTORY_DAYS + AHEAD_DAYS))
    day = choose(rng, world.calendar.demand[: world.calendar.days], count)
    at = world.calendar.day_us(day) + (
        (world.profile.opens_at_h + 12 * rng.beta(2, 2, count)) * HOUR_US
    ).astype(np.int64)
    at = np.sort(at)
    route = choose(rng, tuple(entry[2] for entry in ROUTES), count)
    duration = np.array([entry[3] for entry in ROUTES])[route] * np.exp(rng.normal(0, 0.6, count))
    status = np.array([200, 404, 422, 500])[choose(rng, (0.96, 0.02, 0.015, 0.005), count)]
    is_post = np.array([entry[0] != "GET" for entry in ROUTES])[route]
    status = np.where((status == 200) & is_post & (rng.random(count) < 0.6), 201, status)
    caller = _somebody_there(world, (at - world.start_us) // DAY_US, rng.random(count))
    yield (
        "api_requests",
        rows(
            world.tenant_id,
            world.new_ids("api_requests", at),
            at,
            at,
            now_us,
            user_id=pick(world.ids["users"], np.where(status == 404, -1, caller)),
            method=pick(tuple(entry[0] for entry in ROUTES), route),
            route=pick(tuple(entry[1] for entry in ROUTES), route),
            status=pl.Series(status.astype(np.int32)),
            duration_ms=pl.Series(duration.round(2)),
            request_bytes=given(rng.integers(40, 2_000, count), is_post),
            response_bytes=pl.Series(rng.integers(80, 60_000, count)),
            requested_at=moments(at),
        ),
    )

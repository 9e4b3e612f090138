"""Tables of the work itself: jobs with every change of status."""

from collections.abc import Iterator

import numpy as np
import polars as pl

from pipelines.demo.draw import (
    NEVER,
    Bools,
    Floats,
    Ints,
    choose,
    given,
    moments,
    pick,
    rows,
    seen,
)
from pipelines.demo.world import World

STATUSES = ("new", "assigned", "in_progress", "completed", "cancelled")


def job_cost_cents(world: World) -> Ints:
    """What serving each job costs: the lines of its invoice add up to it."""
    jobs, services = world.customers.jobs, world.profile.services
    share = np.array([service.cost_share for service in services])[jobs.service]
    noise = np.exp(world.rng("job costs").normal(0, 0.08, len(jobs.service)))
    return np.rint(jobs.price_cents * share * noise).astype(np.int64)


def tables(world: World, now_us: int) -> Iterator[tuple[str, pl.DataFrame]]:
    yield "jobs", _jobs(world, now_us)
    yield "job_status_changes", _status_changes(world, now_us)


CHANNELS = ("phone", "web", "whatsapp", "email")


def places_and_channels(world: World) -> tuple[Floats, Bools, Ints]:
    """By job: latitude and longitude, whether they are known, and by which of CHANNELS it was ordered (-1: unknown)."""
    jobs, rng = world.customers.jobs, world.rng("job fields")
    count = len(jobs.account)
    place = np.array([(p[2], p[3]) for p in world.profile.places])[jobs.zone]
    place = place + rng.normal(0, 0.015, (count, 2))
    located = rng.random(count) < 0.92
    channel = choose(rng, (0.35, 0.30, 0.20, 0.15), count)
    return place, located, np.where(rng.random(count) < 0.97, channel, -1)


def _jobs(world: World, now_us: int) -> pl.DataFrame:
    jobs = world.customers.jobs
    place, located, channel = places_and_channels(world)
    assigned, started, completed, cancelled = (
        seen(at, now_us) for at in (jobs.assigned_us, jobs.started_us, jobs.completed_us, jobs.cancelled_us)
    )
    status = np.select(
        [cancelled != NEVER, completed != NEVER, started != NEVER, assigned != NEVER], [4, 3, 2, 1], 0
    )
    return rows(
        world.tenant_id,
        world.ids["jobs"],
        jobs.requested_us,
        np.maximum.reduce([assigned, started, completed, cancelled]),
        now_us,
        account_id=pick(world.ids["accounts"], jobs.account),
        provider_id=pick(world.ids["providers"], np.where(assigned != NEVER, jobs.provider, -1)),
        zone_id=pick(world.ids["zones"], jobs.zone),
        service=pick(tuple(service.name for service in world.profile.services), jobs.service),
        channel=pick(CHANNELS, channel),
        status=pick(STATUSES, status),
        requested_at=moments(jobs.requested_us),
        due_at=moments(jobs.due_us),
        assigned_at=moments(assigned),
        started_at=moments(started),
        completed_at=moments(completed),
        cancelled_at=moments(cancelled),
        price_cents=pl.Series(jobs.price_cents),
        cost_cents=pl.Series(job_cost_cents(world)),
        currency=world.currency,
        rating=given(jobs.rating.astype(np.int32), (jobs.rating > 0) & (completed != NEVER)),
        is_late=given(jobs.is_late, completed != NEVER),
        latitude=given(place[:, 0].round(5), located),
        longitude=given(place[:, 1].round(5), located),
    )


def _status_changes(world: World, now_us: int) -> pl.DataFrame:
    jobs, rng = world.customers.jobs, world.rng("job_status_changes")
    steps = np.stack(
        [jobs.requested_us, jobs.assigned_us, jobs.started_us, jobs.completed_us, jobs.cancelled_us], 1
    )
    job, to_status = np.nonzero(steps != NEVER)  # by job, and by status in the order of time
    at = steps[job, to_status]
    from_status = np.concatenate([[-1], to_status[:-1]])
    from_status[np.concatenate([[True], job[1:] != job[:-1]])] = -1
    people = world.ids["users"]
    by = np.where(
        (from_status < 0) | (rng.random(len(job)) < 0.2), -1, rng.integers(0, len(people), len(job))
    )
    return rows(
        world.tenant_id,
        world.new_ids("job_status_changes", at),
        at,
        at,
        now_us,
        job_id=pick(world.ids["jobs"], job),
        from_status=pick(STATUSES, from_status),
        to_status=pick(STATUSES, to_status),
        changed_at=moments(at),
        changed_by=pick(people, by),
    )

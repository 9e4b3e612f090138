"""Calls with customers: orders, questions, appointments, leads that are pursued, missed calls that are returned."""

from collections.abc import Iterator
from dataclasses import dataclass, fields

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pipelines.demo import crm_tables, field_tables, names, promises
from pipelines.demo.draw import (
    DAY_US,
    HOUR_US,
    MINUTE_US,
    NEVER,
    Bools,
    Floats,
    Ints,
    choose,
    moments,
    pick,
    rows,
    seen,
)
from pipelines.demo.people import at_work
from pipelines.demo.promises import NO_END, Hours
from pipelines.demo.world import World

DIRECTIONS = ("inbound", "outbound")
OUTCOMES = ("answered", "voicemail", "no_answer", "busy", "declined", "failed")
WHEN_OPEN = (0.86, 0.03, 0.07, 0.04, 0.0, 0.0)
WHEN_CLOSED = (0.0, 0.45, 0.55, 0.0, 0.0, 0.0)
OUTBOUND = (0.66, 0.12, 0.15, 0.04, 0.02, 0.01)
"""Chances of OUTCOMES for incoming calls by opening hours, and for outgoing ones."""
CONFIRMED_SHARE, ASKED_WHERE_SHARE, QUESTION_SHARE, OFFER_SHARE = 0.20, 0.45, 0.06, 0.6
"""Jobs whose date is told; late jobs asked for; jobs asked about when done; qualified leads asked about the offer."""
AFTER_HOURS_SHARE = 0.2
"""Of the questions: asked at any time, not in opening hours."""
TRIED_AGAIN_SHARE, RETURNED_SHARE = 0.55, 0.75
"""Outgoing calls that reached nobody and are made once more; missed incoming ones that are returned."""
MISSED_BEFORE_SHARE = 0.35
"""Calls to leads with an earlier one that reached nobody."""
STRANGERS_PER_DAY = 0.6
"""Calls of people whom nobody knows, by the size of the business."""
DELETED_SHARE = 0.01
"""Private or wrong numbers that somebody takes out of the log."""


@dataclass(frozen=True)
class Calls:
    """Arrays by call; positions are -1 where there is none. `talk_s` is 0 where the length is yet to be drawn."""

    started_us: Ints
    is_outbound: Bools
    outcome: Ints
    account: Ints
    job: Ints
    lead: Ints
    talk_s: Ints
    person: Floats
    """Which of the account's contacts it is, 0 to 1: the first to the last."""

    def of(self, which: Bools | Ints) -> "Calls":
        return Calls(**{field.name: getattr(self, field.name)[which] for field in fields(self)})

    @property
    def is_missed(self) -> Bools:
        return self.outcome != OUTCOMES.index("answered")


def _calls(started_us: Ints, *, is_outbound: bool, outcome: Ints | int, **known: NDArray) -> Calls:
    count = len(started_us)
    whose = {name: known.get(name, np.full(count, -1)) for name in ("account", "job", "lead")}
    talk_s, person = known.get("talk_s", np.zeros(count, np.int64)), known.get("person", np.zeros(count))
    return Calls(
        started_us,
        np.full(count, is_outbound),
        np.broadcast_to(outcome, count),
        **whose,
        talk_s=talk_s,
        person=person,
    )


def _together(parts: list[Calls]) -> Calls:
    return Calls(
        **{
            field.name: np.concatenate([getattr(part, field.name) for part in parts])
            for field in fields(Calls)
        }
    )


def live(world: World) -> Calls:
    """All calls, past and future, in the order of time."""
    hours, rng = promises.hours_of(world.profile, world.calendar), world.rng("calls")
    incoming = [_orders(world, hours, rng), *_questions(world, hours, rng), _strangers(world, hours, rng)]
    outgoing = [_appointments(world, hours, rng), _offers(world, hours, rng)]
    missed = _together(incoming)
    missed = missed.of(
        missed.is_missed & (missed.account >= 0) & (rng.random(len(missed.job)) < RETURNED_SHARE)
    )
    wait = (rng.uniform(10, 90, len(missed.job)) * MINUTE_US).astype(np.int64)
    outgoing.append(
        _calls(
            hours.next_open(missed.started_us + wait),
            is_outbound=True,
            outcome=choose(rng, OUTBOUND, len(wait)),
            account=missed.account,
            job=missed.job,
            person=missed.person,
        )
    )
    calls = _together([*incoming, *outgoing, *_to_leads(world, hours, rng)])
    calls = calls.of(
        (calls.started_us >= world.start_us) & (~calls.is_outbound | hours.is_open(calls.started_us))
    )
    return calls.of(np.argsort(calls.started_us, kind="stable"))


def _soon_open(hours: Hours, at_us: Ints, rng: np.random.Generator) -> Ints:
    """That moment when somebody is there; else within the first hour of the next opening."""
    opening = hours.next_open(at_us)
    return opening + np.where(opening == at_us, 0, rng.random(len(at_us)) * HOUR_US).astype(np.int64)


def _heard(at_us: Ints, hours: Hours, rng: np.random.Generator) -> Ints:
    """What comes of incoming calls."""
    return np.where(
        hours.is_open(at_us), choose(rng, WHEN_OPEN, len(at_us)), choose(rng, WHEN_CLOSED, len(at_us))
    )


def _orders(world: World, hours: Hours, rng: np.random.Generator) -> Calls:
    """Jobs ordered on the telephone are written down while the customer speaks; the standby's own is in no log."""
    jobs, channel = world.customers.jobs, field_tables.places_and_channels(world)[2]
    job = np.flatnonzero((channel == field_tables.CHANNELS.index("phone")) & hours.is_open(jobs.requested_us))
    return _calls(
        jobs.requested_us[job],
        is_outbound=False,
        outcome=OUTCOMES.index("answered"),
        account=jobs.account[job],
        job=job,
        person=rng.random(len(job)),
    )


def _questions(world: World, hours: Hours, rng: np.random.Generator) -> Iterator[Calls]:
    """Where somebody is who should have been there, and what came to mind when the work was done."""
    jobs = world.customers.jobs
    late = np.flatnonzero(jobs.is_late & (rng.random(len(jobs.account)) < ASKED_WHERE_SHARE))
    asked = jobs.due_us[late] + (rng.exponential(1.5, len(late)) * HOUR_US).astype(np.int64)
    asked = _soon_open(hours, asked, rng)
    is_waiting = asked < jobs.completed_us[late]
    done = np.flatnonzero((jobs.completed_us != NEVER) & (rng.random(len(jobs.account)) < QUESTION_SHARE))
    later = jobs.completed_us[done] + (rng.exponential(5, len(done)) * DAY_US).astype(np.int64)
    at_once = rng.random(len(done)) < AFTER_HOURS_SHARE
    later = np.where(at_once, later, _soon_open(hours, later, rng))
    for job, at in ((late[is_waiting], asked[is_waiting]), (done, later)):
        outcome = _heard(at, hours, rng)
        yield _calls(
            at,
            is_outbound=False,
            outcome=outcome,
            account=jobs.account[job],
            # What it is about is known of those who got through.
            job=np.where(outcome == OUTCOMES.index("answered"), job, -1),
            person=rng.random(len(job)),
        )


def _strangers(world: World, hours: Hours, rng: np.random.Generator) -> Calls:
    days = world.calendar.days
    count = int(STRANGERS_PER_DAY * world.scale.customers * days)
    at = world.calendar.day_us(rng.integers(0, days, count))
    at = at + ((world.profile.opens_at_h + 12 * rng.beta(2, 2, count)) * HOUR_US).astype(np.int64)
    return _calls(at, is_outbound=False, outcome=_heard(at, hours, rng))


def _appointments(world: World, hours: Hours, rng: np.random.Generator) -> Calls:
    """Customers are told when somebody comes; whoever is not reached is called again some hours later."""
    jobs = world.customers.jobs
    is_told = (jobs.assigned_us != NEVER) & (rng.random(len(jobs.account)) < CONFIRMED_SHARE)
    job = np.flatnonzero(is_told)
    told = jobs.assigned_us[job] + (rng.exponential(30, len(job)) * MINUTE_US).astype(np.int64)
    told = _soon_open(hours, told, rng)
    over = np.where(jobs.cancelled_us[job] != NEVER, jobs.cancelled_us[job], jobs.started_us[job])
    over = np.where(over == NEVER, NO_END, over)
    return _until_reached(
        told, over, hours, rng, account=jobs.account[job], job=job, person=rng.random(len(job))
    )


def _offers(world: World, hours: Hours, rng: np.random.Generator) -> Calls:
    """Qualified leads that will be customers are asked what they think of the offer."""
    leads, lead_of = world.leads, world.customers.accounts.lead
    account = np.flatnonzero((lead_of >= 0) & (rng.random(len(lead_of)) < OFFER_SHARE))
    lead = lead_of[account]
    qualified, closed = leads.qualified_us[lead], leads.closed_us[lead]
    asked = qualified + ((closed - qualified) * rng.uniform(0.2, 0.9, len(lead))).astype(np.int64)
    return _until_reached(_soon_open(hours, asked, rng), closed, hours, rng, account=account, lead=lead)


def _until_reached(
    at_us: Ints, over_us: Ints, hours: Hours, rng: np.random.Generator, **known: NDArray
) -> Calls:
    """Outgoing calls before a moment; of those that reached nobody, some are made once more."""
    first = _calls(at_us, is_outbound=True, outcome=choose(rng, OUTBOUND, len(at_us)), **known)
    again_us = _soon_open(hours, at_us + (rng.uniform(1, 5, len(at_us)) * HOUR_US).astype(np.int64), rng)
    again = _calls(again_us, is_outbound=True, outcome=choose(rng, OUTBOUND, len(at_us)), **known)
    is_again = first.is_missed & (rng.random(len(at_us)) < TRIED_AGAIN_SHARE)
    return _together([first.of(at_us < over_us), again.of(is_again & (again_us < over_us))])


def _to_leads(world: World, hours: Hours, rng: np.random.Generator) -> Iterator[Calls]:
    """Calls noted with leads that are no contacts yet, and those before in which nobody took up."""
    leads, (lead, at, kind, talk_s) = world.leads, crm_tables.lead_touches(world)
    is_call = np.array([each[0] == "call" for each in crm_tables.ACTIVITIES])[kind]
    lead, at, talk_s = lead[is_call], at[is_call], np.nan_to_num(talk_s[is_call])
    until = np.where(leads.qualified_us[lead] != NEVER, leads.qualified_us[lead], leads.closed_us[lead])
    has_number = (crm_tables.lead_reach(world)[1].is_not_null()).to_numpy()[lead]
    kept = (at < until) & has_number & hours.is_open(at)
    lead, at, talk_s = lead[kept], at[kept], np.maximum(talk_s[kept], 1).astype(np.int64)
    answered = OUTCOMES.index("answered")
    yield _calls(at, is_outbound=True, outcome=answered, lead=lead, talk_s=talk_s)
    created = leads.created_us[lead]
    before = created + ((at - created) * rng.uniform(0.3, 0.95, len(lead))).astype(np.int64)
    before = _soon_open(hours, before, rng)
    missed = 1 + choose(rng, OUTBOUND[1:], len(lead))
    is_before = (rng.random(len(lead)) < MISSED_BEFORE_SHARE) & (before < at)
    yield _calls(before, is_outbound=True, outcome=missed, lead=lead).of(is_before)


def tables(world: World, now_us: int) -> Iterator[tuple[str, pl.DataFrame]]:
    yield "calls", _table(world, live(world), now_us)


def _table(world: World, calls: Calls, now_us: int) -> pl.DataFrame:
    rng, count = world.rng("call fields"), len(calls.job)
    is_answered = calls.outcome == OUTCOMES.index("answered")
    duration = _duration_s(calls, rng)
    ended = calls.started_us + duration * 1_000_000 + 2_000_000
    contact, account, contacts = _who(world, calls)
    theirs = pick(contacts["phone"], contact)
    of_lead = pick(crm_tables.lead_reach(world)[1], calls.lead)
    # A number that is known, or is shown by who calls.
    stranger = names.phones(count, world.profile.country, rng)
    is_shown = ~calls.is_outbound & (account < 0) & (rng.random(count) < 0.7)
    theirs = theirs.fill_null(of_lead).zip_with(pl.Series(~is_shown), stranger)
    ours = pl.repeat(names.phone_of_company(world.profile.country), count, eager=True)
    is_deleted = rng.random(count) < DELETED_SHARE
    deleted = seen(
        np.where(is_deleted, ended + (rng.uniform(1, 30, count) * HOUR_US).astype(np.int64), NEVER), now_us
    )
    outbound = pl.Series(calls.is_outbound)
    return rows(
        world.tenant_id,
        world.new_ids("calls", ended),
        ended,
        deleted,
        now_us,
        direction=pick(DIRECTIONS, calls.is_outbound.astype(int)),
        from_number=ours.zip_with(outbound, theirs),
        to_number=theirs.zip_with(outbound, ours),
        contact_id=pick(contacts["id"], contact),
        account_id=pick(world.ids["accounts"], account),
        job_id=pick(world.ids["jobs"], calls.job),
        user_id=pick(
            world.ids["users"],
            np.where(calls.is_outbound | is_answered, _speakers(world, calls, rng), -1),
        ),
        started_at=moments(calls.started_us),
        duration_s=pl.Series(duration.astype(np.int32)),
        outcome=pick(OUTCOMES, calls.outcome),
        deleted_at=moments(deleted),
    ).filter((pl.col("direction") == "inbound") | pl.col("to_number").is_not_null())


def _duration_s(calls: Calls, rng: np.random.Generator) -> Ints:
    count = len(calls.job)
    talk = np.clip(rng.lognormal(np.log(170), 0.8, count), 8, 3_600).astype(np.int64)
    talk = np.where(calls.talk_s > 0, calls.talk_s, talk)
    spoken = rng.integers(5, 60, count)
    return np.select(
        [calls.outcome == OUTCOMES.index("answered"), calls.outcome == OUTCOMES.index("voicemail")],
        [talk, spoken],
        0,
    )


def _who(world: World, calls: Calls) -> tuple[Ints, Ints, pl.DataFrame]:
    """Contact and account as far as they were known when the telephone rang, and the contacts they are among."""
    contacts, of_account = crm_tables.contacts_of(world, NO_END), crm_tables.account_of_contact(world)
    everyone = np.arange(len(world.ids["accounts"]))
    first = np.searchsorted(of_account, everyone)
    people = np.bincount(of_account, minlength=len(everyone))
    contact = first[calls.account] + (calls.person * people[calls.account]).astype(np.int64)
    known_us = contacts["created_at"].dt.epoch("us").to_numpy()
    is_known = (calls.account >= 0) & (known_us[contact] < calls.started_us)
    has_account = (calls.account >= 0) & (world.account_created_us()[calls.account] < calls.started_us)
    return np.where(is_known, contact, -1), np.where(has_account, calls.account, -1), contacts


def _speakers(world: World, calls: Calls, rng: np.random.Generator) -> Ints:
    """Whoever owns the lead, while they are with the company; anybody at work for the others."""
    people = world.people
    anybody = at_work(people, calls.started_us, ("agent", "manager"), rng)
    owner = crm_tables.lead_owners(world)[calls.lead]
    stops = people.stops_us[owner]
    is_there = (calls.lead >= 0) & ((stops == NEVER) | (calls.started_us < stops))
    return np.where(is_there, owner, anybody)

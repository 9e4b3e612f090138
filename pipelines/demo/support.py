"""Tickets after jobs: who answered when, which status they had since when, and what was promised."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl

from pipelines.demo import people, promises
from pipelines.demo.draw import (
    DAY_US,
    HOUR_US,
    MINUTE_US,
    NEVER,
    Bools,
    Ints,
    choose,
    given,
    moments,
    pick,
    rows,
    seen,
)
from pipelines.demo.promises import CLOCKS, NO_END, POLICIES, POLICY_OF_PRIORITY, Hours, Spans
from pipelines.demo.world import World

PRIORITIES = ("low", "normal", "high", "urgent")
CHANNELS = ("email", "phone", "web", "chat", "whatsapp", "portal")
CLOSED_AFTER_US = 7 * DAY_US
ROUNDS = 3
"""How often a customer comes back at most, before a ticket is resolved."""
STATUSES = ("open", "pending", "resolved", "closed")
STEPS = np.array([0, 1, *(0, 1) * ROUNDS, 2, 0, 1, 2, 3])
"""What a ticket goes through, as positions in STATUSES; most skip some of it."""
FIRST_RESOLVED = 2 + 2 * ROUNDS
REOPENED, LAST_RESOLVED, CLOSED = FIRST_RESOLVED + 1, FIRST_RESOLVED + 3, FIRST_RESOLVED + 4
WAIT_FACTOR = np.array([1.6, 1.0, 0.5, 0.2])
"""Of the first reply, by priority."""
AFTER_HOURS_SHARE = 0.15
"""First replies that do not wait for the next opening."""
REOPENED_SHARE, INTERNAL_SHARE = 0.08, 0.3
SAID = {
    "first": "Thank you for writing. We look into it and come back to you.",
    "asks": "Could you tell us more, and when you can be reached?",
    "customer": "Here is what you asked for.",
    "reopened": "It happened again.",
    "done": "This is done. Tell us if anything is left.",
    "internal": "Spoke with the technician.",
}


@dataclass(frozen=True)
class Tickets:
    """Arrays by ticket; `at` has a column for each of STEPS, NEVER where it is skipped, in the order of time."""

    job: Ints
    has_job: Bools
    priority: Ints
    channel: Ints
    assignee: Ints
    at: Ints
    satisfied_us: Ints
    noted_us: Ints
    """When somebody wrote an internal note."""
    hours: Hours

    @property
    def opened_us(self) -> Ints:
        return self.at[:, 0]

    @cached_property
    def policy(self) -> Ints:
        return POLICY_OF_PRIORITY[self.priority]

    def clocks(self, at: Ints) -> dict[str, Spans]:
        """While each clock ran, by the part `at` of the history that is known."""
        begin, end, paused = (np.full(at.shape, fill) for fill in (NEVER, NO_END, 0))
        next_at, next_step = np.full(len(at), NO_END), np.full(len(at), -1)
        for step in reversed(range(at.shape[1])):
            is_there = at[:, step] != NEVER
            if STEPS[step] == 0:
                begin[:, step] = at[:, step]
                end[:, step] = next_at
                paused[:, step] = next_step == 1
            next_at = np.where(is_there, at[:, step], next_at)
            next_step = np.where(is_there, STEPS[step], next_step)
        is_open = STEPS == 0
        whole = Spans(begin[:, is_open], end[:, is_open], paused[:, is_open].astype(bool))
        first = Spans(whole.begin[:, :1], whole.end[:, :1], whole.is_paused[:, :1])
        return {"first_reply": first, "resolution": whole}


def live(world: World) -> Tickets:
    """The whole past and future of the tickets."""
    jobs, rng = world.customers.jobs, world.rng("tickets")
    job = np.flatnonzero(jobs.ticket_opened_us != NEVER)
    count = len(job)
    opened, resolve = jobs.ticket_opened_us[job], jobs.ticket_resolved_us[job]
    wait = rng.lognormal(np.log(5.0), 1.4, count) * HOUR_US
    has_job = rng.random(count) < 0.9
    priority = choose(rng, (0.2, 0.55, 0.2, 0.05), count)

    more, hours = world.rng("ticket histories"), promises.hours_of(world.profile, world.calendar)
    answered = opened + (wait * WAIT_FACTOR[priority]).astype(np.int64)
    opening = hours.next_open(answered) + (more.random(count) * 40 * MINUTE_US).astype(np.int64)
    waits = (more.random(count) > AFTER_HOURS_SHARE) & (priority != PRIORITIES.index("urgent"))
    is_moved = waits & ~hours.is_open(answered)
    answered = np.where(is_moved, opening, answered)
    answered = np.minimum(answered, opened + ((resolve - opened) * 0.9).astype(np.int64))
    answered = np.maximum(answered, opened + MINUTE_US)

    at = np.full((count, len(STEPS)), NEVER)
    at[:, 0], at[:, 1] = opened, answered
    reopens = (more.random(count) < REOPENED_SHARE) & (resolve - answered > DAY_US)
    first_resolved = answered + ((resolve - answered) * more.uniform(0.3, 0.6, count)).astype(np.int64)
    again = np.minimum(
        first_resolved + ((resolve - first_resolved) * more.uniform(0.1, 0.6, count)).astype(np.int64),
        first_resolved + CLOSED_AFTER_US - HOUR_US,
    )
    asked_again = again + ((resolve - again) * more.uniform(0.1, 0.6, count)).astype(np.int64)
    asks_again = reopens & (more.random(count) < 0.5)
    end = np.where(reopens, first_resolved, resolve)
    _come_back(at, answered, end, more)
    at[:, FIRST_RESOLVED] = np.where(reopens, first_resolved, NEVER)
    at[:, REOPENED] = np.where(reopens, again, NEVER)
    at[:, REOPENED + 1] = np.where(asks_again, asked_again, NEVER)
    at[:, LAST_RESOLVED] = resolve
    at[:, CLOSED] = resolve + CLOSED_AFTER_US
    noted = opened + ((resolve - opened) * more.random(count)).astype(np.int64)
    is_rated = jobs.ticket_satisfaction[job] > 0
    rated_at = resolve + (more.exponential(16, count) * HOUR_US).astype(np.int64)
    return Tickets(
        job,
        has_job,
        priority,
        choose(more, (0.35, 0.25, 0.20, 0.10, 0.05, 0.05), count),
        people.at_work(world.people, opened, ("agent", "manager"), more),
        at,
        np.where(is_rated, rated_at, NEVER),
        np.where(more.random(count) < INTERNAL_SHARE, noted, NEVER),
        hours,
    )


def _come_back(at: Ints, answered: Ints, end: Ints, rng: np.random.Generator) -> None:
    """Customers answer, and are answered; half of the last answers of all resolve the ticket."""
    count = len(at)
    rounds = np.minimum(rng.poisson(0.7, count), ROUNDS)
    places = np.sort(rng.random((count, 2 * ROUNDS)), axis=1)
    is_last_open = rng.random(count) < 0.5
    for step in range(2 * ROUNDS):
        nth, is_answer = divmod(step, 2)
        moment = answered + ((end - answered) * places[:, step]).astype(np.int64)
        happens = (nth < rounds) & ~((nth == rounds - 1) & (is_answer == 1) & is_last_open)
        at[:, 2 + step] = np.where(happens, moment, NEVER)


def tables(world: World, now_us: int) -> Iterator[tuple[str, pl.DataFrame]]:
    tickets = live(world)
    created = np.full(1, world.start_us - 390 * DAY_US)
    calendar_ids = world.new_ids("business_calendars", created)
    policies_at = np.full(len(POLICIES), world.start_us - 389 * DAY_US) + np.arange(len(POLICIES))
    policy_ids, ticket_ids = (
        world.new_ids("sla_policies", policies_at),
        world.new_ids("tickets", tickets.opened_us),
    )
    yield "business_calendars", _calendar(world, calendar_ids, created, now_us)
    yield "sla_policies", _policies(world, policy_ids, policies_at, calendar_ids, now_us)
    yield "tickets", _tickets(world, tickets, ticket_ids, policy_ids, now_us)
    yield "ticket_status_changes", _status_changes(world, tickets, ticket_ids, now_us)
    yield "ticket_replies", _replies(world, tickets, ticket_ids, now_us)
    yield "ticket_escalations", _escalations(world, tickets, ticket_ids, now_us)


def _calendar(world: World, ids: pl.Series, created: Ints, now_us: int) -> pl.DataFrame:
    profile = world.profile
    return rows(
        world.tenant_id,
        ids,
        created,
        created,
        now_us,
        name="Office",
        timezone=profile.timezone,
        hours=promises.hours_json(profile),
        country=profile.country,
        closed_days="[]",
    )


def _policies(world: World, ids: pl.Series, created: Ints, calendar: pl.Series, now_us: int) -> pl.DataFrame:
    by_calendar = np.array([0 if policy.by_calendar else -1 for policy in POLICIES])
    minutes = {
        name: pl.Series([getattr(policy, name) for policy in POLICIES], dtype=pl.Int32)
        for name in ("first_reply_minutes", "resolution_minutes", "warn_before_minutes")
    }
    return rows(
        world.tenant_id,
        ids,
        created,
        created,
        now_us,
        name=pl.Series([policy.name for policy in POLICIES]),
        position=pl.Series([10 * (nth + 1) for nth in range(len(POLICIES))], dtype=pl.Int32),
        is_default=pl.Series([policy.priority is None for policy in POLICIES]),
        is_active=True,
        priority=pl.Series([policy.priority for policy in POLICIES]),
        calendar_id=pick(calendar, by_calendar),
        notify_user_ids="[]",
        raises_priority=False,
        **minutes,
    )


def _tickets(
    world: World, tickets: Tickets, ids: pl.Series, policies: pl.Series, now_us: int
) -> pl.DataFrame:
    jobs, job = world.customers.jobs, tickets.job
    at = seen(tickets.at, now_us)
    last = np.where(at != NEVER, np.arange(len(STEPS)), 0).max(axis=1)
    status = STEPS[last]
    responded = at[:, 1]
    resolved = np.where(at[:, LAST_RESOLVED] != NEVER, at[:, LAST_RESOLVED], at[:, FIRST_RESOLVED])
    resolved = np.where(status >= 2, resolved, NEVER)
    late, cancelled = jobs.is_late[job], jobs.cancelled_us[job] != NEVER
    subject = np.select([late, cancelled, jobs.rating[job].clip(0, 5) <= 2], [0, 1, 2], 3)
    satisfied = seen(tickets.satisfied_us, now_us)
    promised = _promised(tickets, at, now_us)
    return rows(
        world.tenant_id,
        ids,
        tickets.opened_us,
        np.maximum.reduce([at.max(axis=1), satisfied, *(breached for _, breached in promised.values())]),
        now_us,
        account_id=pick(world.ids["accounts"], jobs.account[job]),
        job_id=pick(world.ids["jobs"], np.where(tickets.has_job, job, -1)),
        subject=pick(
            ("Work came late", "Visit was cancelled", "Not satisfied with the work", "Question on the bill"),
            subject,
        ),
        priority=pick(PRIORITIES, tickets.priority),
        channel=pick(CHANNELS, tickets.channel),
        status=pick(STATUSES, status),
        assignee_id=pick(world.ids["users"], tickets.assignee),
        opened_at=moments(tickets.opened_us),
        first_response_at=moments(responded),
        resolved_at=moments(resolved),
        closed_at=moments(at[:, CLOSED]),
        reopened_count=pl.Series((at[:, REOPENED] != NEVER).astype(np.int32)),
        satisfaction=given(jobs.ticket_satisfaction[job].astype(np.int32), satisfied != NEVER),
        satisfaction_at=moments(satisfied),
        sla_policy_id=pick(policies, tickets.policy),
        **{f"{clock}_due_at": moments(due) for clock, (due, _) in promised.items()},
        **{f"{clock}_breached_at": moments(breached) for clock, (_, breached) in promised.items()},
    )


def _promised(tickets: Tickets, at: Ints, now_us: int) -> dict[str, tuple[Ints, Ints]]:
    """By clock: by when it is due, and since when it was late."""
    clocks = tickets.clocks(at)
    found = {clock: (np.full(len(at), NEVER), np.full(len(at), NEVER)) for clock in CLOCKS}
    for nth, policy in enumerate(POLICIES):
        which = tickets.policy == nth
        hours = tickets.hours if policy.by_calendar else None
        for clock, columns in found.items():
            shown = promises.due_and_breached(clocks[clock].of(which), hours, policy.target_us(clock), now_us)
            for column, values in zip(columns, shown, strict=True):
                column[which] = values
    return found


def _status_changes(world: World, tickets: Tickets, ids: pl.Series, now_us: int) -> pl.DataFrame:
    ticket, step = np.nonzero(tickets.at != NEVER)
    at = tickets.at[ticket, step]
    by_staff = (STEPS[step] == 1) | (STEPS[step] == 2)
    return rows(
        world.tenant_id,
        world.new_ids("ticket_status_changes", at),
        at,
        at,
        now_us,
        ticket_id=pick(ids, ticket),
        status=pick(STATUSES, STEPS[step]),
        changed_at=moments(at),
        changed_by=pick(world.ids["users"], np.where(by_staff, tickets.assignee[ticket], -1)),
    )


def _replies(world: World, tickets: Tickets, ids: pl.Series, now_us: int) -> pl.DataFrame:
    """Whoever moves a ticket says so: the customer by opening it again, the staff by answering and resolving."""
    words = tuple(SAID)
    said = np.array([-1, 0, *(2, 1) * ROUNDS, 4, 3, 1, 4, -1])
    ticket, step = np.nonzero((tickets.at != NEVER) & (said >= 0))
    noted = np.flatnonzero(tickets.noted_us != NEVER)
    at = np.concatenate([tickets.at[ticket, step], tickets.noted_us[noted]])
    what = np.concatenate([said[step], np.full(len(noted), words.index("internal"))])
    ticket = np.concatenate([ticket, noted])
    is_customer = np.isin(what, [words.index("customer"), words.index("reopened")])
    job = tickets.job[ticket]
    return rows(
        world.tenant_id,
        world.new_ids("ticket_replies", at),
        at,
        at,
        now_us,
        ticket_id=pick(ids, ticket),
        kind=pick(("public", "internal"), (what == words.index("internal")).astype(int)),
        author=pick(("staff", "contact"), is_customer.astype(int)),
        author_id=pick(world.ids["users"], np.where(is_customer, -1, tickets.assignee[ticket])),
        account_id=pick(world.ids["accounts"], world.customers.jobs.account[job]),
        body=pick(tuple(SAID.values()), what),
    )


def _escalations(world: World, tickets: Tickets, ids: pl.Series, now_us: int) -> pl.DataFrame:
    clocks = tickets.clocks(tickets.at)
    parts: list[tuple[Ints, Ints, Ints, Ints, Ints]] = []
    for nth, policy in enumerate(POLICIES):
        which = tickets.policy == nth
        hours = tickets.hours if policy.by_calendar else None
        for clock, spans in clocks.items():
            found = promises.told(spans.of(which), hours, policy, clock)
            for level, (_, due, at) in enumerate(found):
                told = at != NEVER
                ticket = np.flatnonzero(which)[told]
                same = np.full(len(ticket), CLOCKS.index(clock)), np.full(len(ticket), level)
                parts.append((ticket, *same, due[told], at[told]))
    ticket, clock_no, level_no, due, at = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    told_at = at + 3_000_000
    reopened_at = tickets.at[ticket, REOPENED]
    return rows(
        world.tenant_id,
        world.new_ids("ticket_escalations", told_at),
        told_at,
        told_at,
        now_us,
        ticket_id=pick(ids, ticket),
        clock=pick(CLOCKS, clock_no),
        level=pick(("warning", "breach"), level_no),
        due_at=moments(due),
        told_at=moments(told_at),
        told_count=pl.Series(np.ones(len(at), dtype=np.int32)),
        reopened_count=pl.Series(((reopened_at != NEVER) & (reopened_at <= at)).astype(np.int32)),
    )

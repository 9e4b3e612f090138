"""The life of every account, day by day: orders, good and bad service, tickets, unpaid bills, silence, churn.

One loop over days, vectorised over accounts. What happened in the last 90 days enters
`truths.churn_hazard`, which decides who leaves. Tables are made from the result in `field_tables.py` and
`money.py`.
"""

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from pipelines.demo import truths
from pipelines.demo.calendar import AHEAD_DAYS, HISTORY_DAYS, MARGIN_DAYS, Calendar
from pipelines.demo.draw import DAY_US, HOUR_US, MINUTE_US, NEVER, Bools, Floats, Ints, choose, stream
from pipelines.demo.leads import Leads
from pipelines.demo.profiles import Profile

WINDOW_DAYS = 90
QUIET_STARTS_PER_DAY, QUIET_ENDS_PER_DAY, QUIET_ORDER_SHARE = 1 / 700, 1 / 120, 0.02
"""Some accounts fall quiet for a while: few orders, no messages. Silence then raises churn, or it passes."""
SUBSCRIPTION_PAYMENT_FAILS = 0.02
REPEAT_PAYMENT_FAILER_SHARE = 0.08


@dataclass(frozen=True)
class Founding:
    """Who the accounts are, before anything happens to them."""

    since_us: Ints
    lead: Ints
    is_company: Bools
    zone: Ints
    orders_per_day: Floats
    plan: Ints
    """Position in the profile's plans, negative without a subscription."""


@dataclass(frozen=True)
class Accounts(Founding):
    churned_us: Ints
    churn_chance: Floats
    """Sum of the daily hazards while active: what the truth expected."""


@dataclass(frozen=True)
class Jobs:
    account: Ints
    provider: Ints
    zone: Ints
    service: Ints
    lead: Ints
    requested_us: Ints
    assigned_us: Ints
    started_us: Ints
    completed_us: Ints
    cancelled_us: Ints
    due_us: Ints
    is_late: Bools
    rating: Ints
    price_cents: Ints
    pay_days: Ints
    payment_fails: Bools
    ticket_opened_us: Ints
    ticket_resolved_us: Ints
    ticket_satisfaction: Ints


@dataclass(frozen=True)
class Customers:
    accounts: Accounts
    jobs: Jobs
    failed_subscription_account: Ints
    failed_subscription_day: Ints


class _Recent:
    """A count by account over a sliding window of days; what is planned for a later day counts from then."""

    def __init__(self, accounts: int, window_days: int = WINDOW_DAYS) -> None:
        self.by_day = np.zeros((HISTORY_DAYS + AHEAD_DAYS + MARGIN_DAYS, accounts), dtype=np.int16)
        self.count = np.zeros(accounts, dtype=np.int32)
        self.window_days = window_days

    def add(self, day: Ints, account: Ints, amount: Ints | int = 1) -> None:
        np.add.at(self.by_day, (np.minimum(day, len(self.by_day) - 1), account), amount)

    def advance(self, day: int) -> NDArray:
        self.count += self.by_day[day]
        if day >= self.window_days:
            self.count -= self.by_day[day - self.window_days]
        return self.count


class _Troubles:
    """What each account lately went through, as `truths.churn_hazard` asks for it."""

    def __init__(self, accounts: int, first_day: int) -> None:
        self.first_day = first_day
        self.late, self.cancelled, self.failed = (_Recent(accounts) for _ in range(3))
        self.stars, self.ratings = _Recent(accounts, 180), _Recent(accounts, 180)
        self.open_tickets = _Recent(accounts, HISTORY_DAYS + AHEAD_DAYS)

    def note(self, batch: dict[str, NDArray]) -> None:
        account = batch["account"]

        def on(moment: str, where: Bools) -> tuple[Ints, Ints]:
            return batch[moment][where] // DAY_US - self.first_day, account[where]

        rated, complains = batch["rating"] > 0, batch["ticket_opened_us"] != NEVER
        self.late.add(*on("completed_us", batch["is_late"]))
        self.cancelled.add(*on("cancelled_us", batch["cancelled_us"] != NEVER))
        self.stars.add(*on("completed_us", rated), batch["rating"][rated])
        self.ratings.add(*on("completed_us", rated))
        self.open_tickets.add(*on("ticket_opened_us", complains))
        self.open_tickets.add(*on("ticket_resolved_us", complains), -1)
        day, payer = on("completed_us", batch["payment_fails"])
        self.failed.add(day + batch["pay_days"][batch["payment_fails"]], payer)

    def hazard(self, day: int, silent_days: Ints) -> Floats:
        stars, ratings = self.stars.advance(day), self.ratings.advance(day)
        return truths.churn_hazard(
            late_jobs_90d=self.late.advance(day),
            cancelled_jobs_90d=self.cancelled.advance(day),
            rating_mean_180d=np.where(ratings > 0, stars / np.maximum(ratings, 1), np.nan),
            open_tickets=self.open_tickets.advance(day),
            failed_payments_90d=self.failed.advance(day),
            silent_days=silent_days,
        )


def _found(
    profile: Profile, calendar: Calendar, leads: Leads, customers: float, rng: np.random.Generator
) -> Founding:
    """Those from before, those who come by themselves, and the won leads."""
    won = np.flatnonzero(leads.is_won & (leads.closed_us < calendar.day_us(calendar.days)))
    initial = int(profile.initial_accounts * customers)
    walk_in = initial // 6
    before = calendar.day_us(0) - (rng.gamma(1.5, 400, initial) * DAY_US).astype(np.int64)
    later = calendar.day_us(rng.integers(0, calendar.days, walk_in)) + 9 * HOUR_US
    since = np.concatenate([before, later, leads.closed_us[won]])
    count = len(since)
    lead = np.concatenate([np.full(initial + walk_in, -1), won])
    is_company = rng.random(count) < profile.company_share
    is_company[lead >= 0] = leads.is_company[won]
    plan = np.where(
        rng.random(count) < profile.subscription_share,
        choose(rng, (0.6, 0.3, 0.1)[: len(profile.plans)], count),
        -1,
    )
    rate = (
        profile.orders_per_day * np.maximum(rng.gamma(2.0, 0.5, count), 0.3) * np.where(is_company, 1.3, 1.0)
    )
    zone = choose(rng, np.arange(len(profile.places), 0, -1.0) + 3, count)
    return Founding(since, lead, is_company, zone, rate, plan)


def live(profile: Profile, calendar: Calendar, leads: Leads, customers: float, seed: int) -> Customers:
    """Two years and a few days of all accounts of one tenant."""
    rng = stream(seed, profile.slug, "customers")
    who = _found(profile, calendar, leads, customers, rng)
    count = len(who.since_us)
    since_day = who.since_us // DAY_US - calendar.first_day
    billing_day = (who.since_us // DAY_US) % 28 + 1
    serve = _Service(profile, calendar, leads, who, customers, rng)
    troubles = _Troubles(count, calendar.first_day)
    churned, expected = np.full(count, NEVER), np.zeros(count)
    last_order_day = np.maximum(since_day, -30)
    is_quiet = np.zeros(count, dtype=bool)
    batches: list[dict[str, NDArray]] = []
    unpaid: list[tuple[Ints, Ints]] = []

    for day in range(calendar.days):
        active = (since_day <= day) & (churned == NEVER)
        is_quiet = rng.random(count) < np.where(is_quiet, 1 - QUIET_ENDS_PER_DAY, QUIET_STARTS_PER_DAY)
        rate = who.orders_per_day * calendar.demand[day] * np.where(is_quiet, QUIET_ORDER_SHARE, 1.0)
        first_buyers = np.flatnonzero((since_day == day) & (who.lead >= 0))
        buyers = np.concatenate([first_buyers, np.repeat(np.arange(count), rng.poisson(rate * active))])
        if len(buyers):
            lead = np.where(np.arange(len(buyers)) < len(first_buyers), who.lead[buyers], -1)
            batches.append(serve(day, buyers, lead))
            troubles.note(batches[-1])
            last_order_day[buyers] = day
        is_billed = active & (who.plan >= 0) & (billing_day == calendar.day_of_month[day])
        fails = np.flatnonzero(is_billed & (rng.random(count) < SUBSCRIPTION_PAYMENT_FAILS))
        unpaid.append((fails, np.full(len(fails), day)))
        troubles.failed.add(unpaid[-1][1], fails)

        hazard = active * profile.churn_factor * troubles.hazard(day, day - last_order_day)
        expected += hazard
        leaves = rng.random(count) < hazard
        churned[leaves] = calendar.day_us(day) + 23 * HOUR_US + rng.integers(5, 55, leaves.sum()) * MINUTE_US

    jobs = {field.name: np.concatenate([batch[field.name] for batch in batches]) for field in fields(Jobs)}
    failed_account, failed_day = (np.concatenate(part) for part in zip(*unpaid, strict=True))
    return Customers(
        Accounts(**vars(who), churned_us=churned, churn_chance=expected),
        Jobs(**jobs),
        failed_account,
        failed_day,
    )


class _Service:
    """How orders are served on a given day: by whom, when, how well, and what trouble follows."""

    def __init__(
        self,
        profile: Profile,
        calendar: Calendar,
        leads: Leads,
        who: Founding,
        customers: float,
        rng: np.random.Generator,
    ) -> None:
        self.profile, self.calendar, self.leads, self.who, self.rng = profile, calendar, leads, who, rng
        zones = len(profile.places)
        self.providers_per_zone = providers_per_zone(profile, customers)
        self.provider_log_odds = rng.normal(0, 0.6, zones * self.providers_per_zone)
        steps = rng.normal(0, 0.45, (calendar.days // 7 + 2, zones))
        trouble = np.zeros_like(steps)
        for week in range(1, len(steps)):  # troubles of a zone come and go over about two months
            trouble[week] = 0.88 * trouble[week - 1] + steps[week]
        self.trouble = trouble
        accounts = len(who.zone)
        self.account_log_odds = rng.normal(
            0, 0.8, accounts
        )  # a hard address, a car park, a narrow window of hours
        self.fails_often = rng.random(accounts) < REPEAT_PAYMENT_FAILER_SHARE

    def __call__(self, day: int, account: Ints, lead: Ints) -> dict[str, NDArray]:
        profile, calendar, rng, count = self.profile, self.calendar, self.rng, len(account)
        services = profile.services
        zone = self.who.zone[account]
        provider = zone * self.providers_per_zone + rng.integers(0, self.providers_per_zone, count)
        service = choose(rng, tuple(s.weight for s in services), count)
        is_company = self.who.is_company[account]
        requested = calendar.day_us(day) + (
            (profile.opens_at_h + 11.9 * rng.beta(2, 2.4, count)) * HOUR_US
        ).astype(np.int64)
        requested = np.where(
            lead >= 0, np.maximum(requested, self.leads.closed_us[lead] + HOUR_US), requested
        )
        requested = np.minimum(requested, calendar.day_us(day + 1) - MINUTE_US)

        wait = rng.geometric(0.5, count)
        due_day = calendar.open_day(day + wait, rng, profile.works_when_closed)
        late_log_odds = -2.6 + self.trouble[day // 7, zone] + self.provider_log_odds[provider]
        late_log_odds += self.account_log_odds[account]
        is_late = rng.random(count) < 1 / (1 + np.exp(-late_log_odds))
        slipped = calendar.open_day(due_day + rng.geometric(0.6, count), rng, profile.works_when_closed)
        done_day = np.where(is_late, slipped, due_day)
        hours = np.minimum(
            np.array([s.hours for s in services])[service] * np.exp(rng.normal(0, 0.2, count)), 6.0
        )
        opens = profile.opens_at_h * HOUR_US
        started = (
            calendar.day_us(done_day) + opens + (rng.uniform(0.5, 5.0, count) * HOUR_US).astype(np.int64)
        )
        completed = started + (hours * HOUR_US).astype(np.int64)
        due = calendar.day_us(due_day) + opens + 12 * HOUR_US
        assigned = requested + (np.exp(rng.normal(np.log(2.5), 1.0, count)) * HOUR_US).astype(np.int64)
        assigned = np.minimum(assigned, started - 15 * MINUTE_US)

        cancels = (rng.random(count) < 0.05 + 0.04 * is_late) & (lead < 0)
        cancelled_us = requested + ((started - requested) * rng.uniform(0.1, 0.95, count)).astype(np.int64)
        is_late &= ~cancels
        assigned = np.where(cancels & (assigned >= cancelled_us), NEVER, assigned)
        ended = np.where(cancels, cancelled_us, completed)

        opinion = (
            4.65
            - 1.5 * is_late
            - 0.5 * np.maximum(self.provider_log_odds[provider], 0)
            + rng.normal(0, 0.7, count)
        )
        is_rated = ~cancels & (rng.random(count) < 0.55)
        rating = np.where(is_rated, np.clip(np.rint(opinion), 1, 5), 0).astype(np.int64)
        complains = rng.random(count) < 0.02 + 0.16 * is_late + 0.12 * cancels + 0.25 * (
            (rating > 0) & (rating <= 2)
        )
        opened = ended + (rng.exponential(10, count) * HOUR_US).astype(np.int64)
        neglected = rng.random(count) < 0.22
        open_days = np.where(
            neglected, rng.uniform(15, 70, count), np.exp(rng.normal(np.log(1.8), 0.8, count))
        )
        resolved = opened + (open_days * DAY_US).astype(np.int64)
        satisfaction = np.where(
            rng.random(count) < 0.4,
            np.clip(np.rint(4.2 - open_days / 12 + rng.normal(0, 0.8, count)), 1, 5),
            0,
        ).astype(np.int64)

        price = np.array([s.price_cents for s in services])[service] * np.exp(rng.normal(-0.03, 0.25, count))
        price = np.where(
            lead >= 0, self.leads.value_cents[lead], np.rint(price * np.where(is_company, 1.25, 1.0))
        )
        pay_days = np.where(is_company, rng.gamma(4.0, 4.5, count), rng.exponential(2.0, count)).astype(
            np.int64
        )
        fails = rng.random(count) < np.where(self.fails_often[account], 0.30, 0.03)
        return {
            "account": account,
            "provider": provider,
            "zone": zone,
            "service": service,
            "lead": lead,
            "requested_us": requested,
            "assigned_us": assigned,
            "started_us": np.where(cancels, NEVER, started),
            "completed_us": np.where(cancels, NEVER, completed),
            "cancelled_us": np.where(cancels, cancelled_us, NEVER),
            "due_us": due,
            "is_late": is_late,
            "rating": rating,
            "price_cents": price.astype(np.int64),
            "pay_days": pay_days,
            "payment_fails": fails & ~cancels,
            "ticket_opened_us": np.where(complains, opened, NEVER),
            "ticket_resolved_us": np.where(complains, resolved, NEVER),
            "ticket_satisfaction": satisfaction,
        }


def providers_per_zone(profile: Profile, customers: float) -> int:
    return max(1, int(profile.providers_per_zone * customers))

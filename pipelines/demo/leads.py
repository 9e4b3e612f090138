"""Campaigns and the leads they and other sources bring; who wins is drawn from `truths.win_probability`."""

from dataclasses import dataclass

import numpy as np

from pipelines.demo import truths
from pipelines.demo.calendar import HISTORY_DAYS, Calendar
from pipelines.demo.draw import DAY_US, HOUR_US, NEVER, Bools, Floats, Ints, choose, stream
from pipelines.demo.profiles import Profile

CHANNELS = ("email", "ads", "sms", "whatsapp")
SOURCE_OF_CHANNEL = tuple(truths.SOURCES.index(name) for name in ("newsletter", "search", "social", "social"))
SOURCE_SHARE = (0.14, 0.12, 0.08, 0.26, 0.16, 0.24)
LEAD_COST_CENTS = (0, 1_500, 150, 900, 600, 2_800)
NEVER_ANSWERED_SHARE = 0.10
CAMPAIGN_LEAD_SHARE = 0.35
NOTHING_DECIDED_H = 50
"""No lead is qualified or closed before; a score made after 48 hours cannot have seen the outcome."""


@dataclass(frozen=True)
class Campaigns:
    name: tuple[str, ...]
    channel: Ints
    started_us: Ints
    ended_us: Ints
    cost_cents: Ints
    """What the whole campaign costs; it is spent evenly, week by week."""


@dataclass(frozen=True)
class Leads:
    created_us: Ints
    source: Ints
    campaign: Ints
    is_company: Bools
    visits: Ints
    replied_us: Ints
    qualified_us: Ints
    closed_us: Ints
    is_won: Bools
    win_chance: Floats
    value_cents: Ints
    cost_cents: Ints

    @property
    def won_us(self) -> Ints:
        return np.where(self.is_won, self.closed_us, NEVER)


_PLAN = (
    # name, channel, first day, days, share of campaign leads, shift of win log odds, cost / expected value
    (truths.PROFITABLE_CAMPAIGN, 0, 60, 60, 0.17, 0.5, truths.PROFITABLE_COST_SHARE),
    ("Summer search ads", 1, 130, 90, 0.18, 0.0, 0.7),
    (truths.LOSING_CAMPAIGN, 1, 250, 75, 0.10, -0.9, truths.LOSING_COST_SHARE),
    ("Winter warm-up texts", 2, 330, 45, 0.09, -0.2, 0.8),
    ("Second spring mailing", 0, 425, 60, 0.14, 0.3, 0.4),
    ("Autumn search ads", 1, 520, 80, 0.15, 0.0, 0.75),
    ("Chat invitations", 3, 640, 40, 0.07, -0.1, 0.9),
    ("Current search ads", 1, 690, 90, 0.10, 0.0, 0.7),
)


def arrive(profile: Profile, calendar: Calendar, customers: float, seed: int) -> tuple[Campaigns, Leads]:
    rng = stream(seed, profile.slug, "leads")
    count = int(profile.leads * customers * calendar.days / HISTORY_DAYS)
    plan_days = np.array([[row[2], row[2] + row[3]] for row in _PLAN])
    campaign = np.where(
        rng.random(count) < CAMPAIGN_LEAD_SHARE, choose(rng, tuple(row[4] for row in _PLAN), count), -1
    )
    organic_day = choose(rng, calendar.demand[: calendar.days], count)
    first, last = plan_days[campaign].T
    day = np.where(campaign < 0, organic_day, first + (rng.random(count) * (last - first)).astype(np.int64))
    created = calendar.day_us(day) + ((profile.opens_at_h + 12 * rng.beta(2, 2.2, count)) * HOUR_US).astype(
        np.int64
    )
    order = np.argsort(created, kind="stable")
    created, campaign = created[order], campaign[order]

    channel = np.array([row[1] for row in _PLAN])
    source = np.where(
        campaign < 0, choose(rng, SOURCE_SHARE, count), np.asarray(SOURCE_OF_CHANNEL)[channel[campaign]]
    )
    is_company = rng.random(count) < (1.0 if profile.company_share == 1 else profile.company_share)
    visits = rng.poisson(rng.gamma(1.5, 1.4, count))
    reply_hours = np.exp(rng.normal(np.log(4.0), 1.5, count))
    reply_hours[rng.random(count) < NEVER_ANSWERED_SHARE] = np.nan
    reply_hours = np.where(reply_hours > 20 * 24, np.nan, reply_hours)
    shift = np.where(campaign < 0, 0.0, np.array([row[5] for row in _PLAN])[campaign])
    chance = truths.win_probability(reply_hours, source, is_company, visits, shift)
    is_won = rng.random(count) < chance

    answered = ~np.isnan(reply_hours)
    replied = np.where(answered, created + (np.nan_to_num(reply_hours) * HOUR_US).astype(np.int64), NEVER)
    decision_days = 2.5 + rng.gamma(2.0, 4.5, count)
    begun = np.where(answered, replied, created + 14 * DAY_US)
    closed = begun + (decision_days * DAY_US).astype(np.int64)
    is_qualified = is_won | (answered & (rng.random(count) < 0.35))
    qualified = begun + ((closed - begun) * rng.uniform(0.3, 0.7, count)).astype(np.int64)
    qualified = np.minimum(np.maximum(qualified, created + NOTHING_DECIDED_H * HOUR_US), closed - HOUR_US)
    qualified = np.where(is_qualified, qualified, NEVER)
    value = np.rint(
        profile.deal_cents * np.exp(rng.normal(-0.12, 0.5, count)) * (1 + 0.6 * is_company)
    ).astype(np.int64)
    cost = np.where(campaign < 0, np.asarray(LEAD_COST_CENTS)[source], 0)

    leads = Leads(
        created, source, campaign, is_company, visits, replied, qualified, closed, is_won, chance, value, cost
    )
    expected = np.bincount(campaign[campaign >= 0], (chance * value)[campaign >= 0], minlength=len(_PLAN))
    campaigns = Campaigns(
        name=tuple(row[0] for row in _PLAN),
        channel=channel,
        started_us=calendar.day_us(plan_days[:, 0]) + 6 * HOUR_US,
        ended_us=calendar.day_us(plan_days[:, 1]) + 18 * HOUR_US,
        cost_cents=np.rint(expected * np.array([row[6] for row in _PLAN])).astype(np.int64),
    )
    return campaigns, leads

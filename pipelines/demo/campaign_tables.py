"""Tables of what goes out: campaigns, what their receivers did, and messages."""

from collections.abc import Iterator

import numpy as np
import polars as pl

from pipelines.demo.draw import DAY_US, HOUR_US, MINUTE_US, NEVER, choose, given, moments, pick, rows, seen
from pipelines.demo.leads import CHANNELS
from pipelines.demo.spending import campaign_spending
from pipelines.demo.world import World

SENDS_PER_LEAD = 7
"""People reached by a mailing or text campaign, per lead that it brings."""


def campaigns(world: World, now_us: int) -> pl.DataFrame:
    drawn = world.campaigns
    started, ended = seen(drawn.started_us, now_us), seen(drawn.ended_us, now_us)
    spending = campaign_spending(world, now_us)
    spent = np.bincount(spending.campaign, spending.amount_cents, minlength=len(drawn.name)).astype(np.int64)
    return rows(
        world.tenant_id,
        world.ids["campaigns"],
        drawn.started_us - 5 * DAY_US,
        np.where((started != NEVER) & (ended == NEVER), now_us - HOUR_US, np.maximum(started, ended)),
        now_us,
        name=pl.Series(drawn.name),
        channel=pick(CHANNELS, drawn.channel),
        status=pick(("draft", "running", "finished"), (started != NEVER) * 1 + (ended != NEVER)),
        cost_cents=pl.Series(spent),
        currency=world.currency,
        started_at=moments(started),
        ended_at=moments(ended),
    )


def events(world: World, contacts: pl.DataFrame, now_us: int) -> pl.DataFrame:
    """Sends to contacts and what came of them (not for ads); visits and conversions of the campaign's leads."""
    campaigns, leads, rng = world.campaigns, world.leads, world.rng("campaign_events")
    of_campaign = np.flatnonzero(leads.campaign >= 0)
    won = of_campaign[leads.is_won[of_campaign]]
    per_campaign = np.bincount(leads.campaign[of_campaign], minlength=len(campaigns.name))
    sends = np.where(campaigns.channel == CHANNELS.index("ads"), 0, per_campaign * SENDS_PER_LEAD)
    campaign = np.repeat(np.arange(len(sends)), sends)
    count = len(campaign)
    length = (campaigns.ended_us - campaigns.started_us)[campaign]
    sent = campaigns.started_us[campaign] + (rng.random(count) * length).astype(np.int64)
    contact_created = world.account_created_us()  # one contact at least exists a minute after its account
    receiver = (rng.random(count) * len(contact_created)).astype(np.int64)
    known = contact_created[receiver] + 3 * MINUTE_US < sent
    campaign, sent, receiver = campaign[known], sent[known], receiver[known]
    count = len(campaign)
    first_contact = contacts.select("id", "account_id").unique(
        "account_id", keep="first", maintain_order=True
    )
    contact_of = pl.DataFrame({"account_id": world.ids["accounts"]}).join(
        first_contact, on="account_id", how="left", maintain_order="left"
    )["id"]
    variant = rng.integers(0, 2, count)
    delivered = rng.random(count) < 0.96
    opened = delivered & (rng.random(count) < 0.34 + 0.06 * variant)
    clicked = opened & (rng.random(count) < 0.22)
    replied = clicked & (rng.random(count) < 0.25)
    left = delivered & ~clicked & (rng.random(count) < 0.006)
    steps = (
        ("send", np.ones(count, dtype=bool), 0.0),
        ("delivery", delivered, 0.01),
        ("bounce", ~delivered, 0.02),
        ("open", opened, 6.0),
        ("click", clicked, 8.0),
        ("reply", replied, 20.0),
        ("unsubscribe", left, 9.0),
    )
    delay = np.sort(rng.exponential(1.0, (count, len(steps))), axis=1)
    event, step = (
        np.concatenate([np.flatnonzero(s[1]) for s in steps]),
        np.repeat(np.arange(len(steps)), [int(s[1].sum()) for s in steps]),
    )
    hours = np.array([s[2] for s in steps])[step] * delay[event, step]
    at = np.concatenate(
        [
            sent[event] + (hours * HOUR_US).astype(np.int64),
            leads.created_us[of_campaign],
            leads.closed_us[won],
        ]
    )
    none = np.full(len(event), -1)
    lead = np.concatenate([none, of_campaign, won])
    kind = np.concatenate([step, np.full(len(of_campaign), len(steps)), np.full(len(won), len(steps) + 1)])
    no_lead = np.full(len(lead) - len(event), -1)
    is_conversion = kind == len(steps) + 1
    return rows(
        world.tenant_id,
        world.new_ids("campaign_events", at),
        at,
        at,
        now_us,
        campaign_id=pick(
            world.ids["campaigns"], np.concatenate([campaign[event], leads.campaign[lead[len(event) :]]])
        ),
        lead_id=pick(world.ids["leads"], lead),
        contact_id=pick(contact_of, np.concatenate([receiver[event], no_lead])),
        kind=pick((*(s[0] for s in steps), "visit", "conversion"), kind),
        happened_at=moments(at),
        value_cents=given(leads.value_cents[np.maximum(lead, 0)], is_conversion),
        variant=pick(("a", "b"), np.concatenate([variant[event], no_lead])),
    )


def messages(world: World, now_us: int) -> Iterator[tuple[str, pl.DataFrame]]:
    """A request, its confirmation and a closing word for most jobs; the first answer to each lead."""
    jobs, leads, rng = world.customers.jobs, world.leads, world.rng("messages")
    count = len(jobs.account)
    ended = np.where(jobs.cancelled_us != NEVER, jobs.cancelled_us, jobs.completed_us)
    answered = jobs.assigned_us != NEVER
    confirms = np.flatnonzero(answered & (rng.random(count) < 0.5))
    closes = np.flatnonzero(rng.random(count) < 0.3)
    replied = np.flatnonzero(leads.replied_us != NEVER)
    asked = np.arange(count)
    job = np.concatenate([asked, confirms, closes, np.full(len(replied), -1)])
    lead = np.concatenate([np.full(len(job) - len(replied), -1), replied])
    at = np.concatenate(
        [
            jobs.requested_us,
            jobs.assigned_us[confirms],
            ended[closes] + 20 * MINUTE_US,
            leads.replied_us[replied],
        ]
    )
    incoming = np.arange(len(job)) < count
    reply_at = np.where(incoming & (job >= 0), jobs.assigned_us[job], NEVER)
    channel = choose(rng, (0.25, 0.15, 0.2, 0.25, 0.15), len(job))
    yield (
        "messages",
        rows(
            world.tenant_id,
            world.new_ids("messages", at),
            at,
            reply_at,
            now_us,
            account_id=pick(world.ids["accounts"], np.where(job >= 0, jobs.account[job], -1)),
            lead_id=pick(world.ids["leads"], lead),
            job_id=pick(world.ids["jobs"], job),
            channel=pick(("email", "sms", "whatsapp", "web", "phone"), channel),
            direction=pick(("out", "in"), incoming.astype(int)),
            sent_at=moments(at),
            length_chars=pl.Series(np.clip(rng.lognormal(4.6, 0.7, len(job)), 8, 2_000).astype(np.int32)),
            replied_at=moments(seen(reply_at, now_us)),
        ),
    )

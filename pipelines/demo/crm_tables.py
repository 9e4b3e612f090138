"""Tables of customers and leads: campaigns, leads, accounts, contacts, what they did and wrote."""

from collections.abc import Iterator

import numpy as np
import polars as pl

from pipelines.demo import doubles, names, truths
from pipelines.demo.draw import (
    DAY_US,
    HOUR_US,
    MINUTE_US,
    NEVER,
    Floats,
    Ints,
    choose,
    dates,
    given,
    moments,
    pick,
    rows,
    seen,
)
from pipelines.demo.leads import CHANNELS
from pipelines.demo.people import at_work
from pipelines.demo.promises import NO_END
from pipelines.demo.spending import campaign_spending
from pipelines.demo.world import World

SENDS_PER_LEAD = 7
"""People reached by a mailing or text campaign, per lead that it brings."""
NOTED_SHARE = 0.75
"""Leads that became customers and name the contact they are; of the others nobody noted it."""


def tables(world: World, now_us: int) -> Iterator[tuple[str, pl.DataFrame]]:
    yield "accounts", _accounts(world, now_us)
    contacts = contacts_of(world, now_us)
    yield "contacts", contacts
    yield "campaigns", _campaigns(world, now_us)
    leads = _leads(world, now_us)
    yield "leads", leads
    yield "lead_activities", _lead_activities(world, now_us)
    yield "campaign_events", _campaign_events(world, contacts, now_us)


def _latest(*moment_arrays: Ints) -> Ints:
    return np.maximum.reduce(moment_arrays)


def _accounts(world: World, now_us: int) -> pl.DataFrame:
    accounts, profile, rng = world.customers.accounts, world.profile, world.rng("accounts")
    count = len(accounts.since_us)
    is_company = accounts.is_company
    churned, since = seen(accounts.churned_us, now_us), seen(accounts.since_us, now_us)
    segment = np.where(is_company, np.where(rng.random(count) < 0.2, 0, 1), 2)
    status = np.where(churned != NEVER, 1, np.where(since == NEVER, 2, 0))
    return rows(
        world.tenant_id,
        world.ids["accounts"],
        world.account_created_us(),
        _latest(since, churned),
        now_us,
        kind=pick(("household", "company"), is_company.astype(int)),
        name=account_names(world),
        segment=pick(("enterprise", "smb", "consumer"), segment),
        status=pick(("active", "churned", "prospect"), status),
        zone_id=pick(world.ids["zones"], accounts.zone),
        city=pick(tuple(place[1] for place in profile.places), accounts.zone),
        country=profile.country,
        since_date=given(dates(world.day_of(accounts.since_us)), since != NEVER),
        churned_at=moments(churned),
    )


def account_names(world: World) -> pl.Series:
    """A won lead's account bears the lead's name."""
    accounts, buyers = world.customers.accounts, doubles.buyers(world)
    own = names.company_or_person(accounts.is_company, world.rng("account names"))
    of_lead = pick(lead_names(world)[1], accounts.lead)
    return own.scatter(buyers.account, buyers.full_name).zip_with(pl.Series(accounts.lead < 0), of_lead)


def lead_names(world: World) -> tuple[pl.Series, pl.Series]:
    """The person's name, and the name the account would bear."""
    rng, who = world.rng("lead names"), doubles.again(world)
    count = len(world.leads.created_us)
    person, company = (
        pick(drawn, np.where(who.is_again, who.of, np.arange(count)))
        for drawn in (names.people(count, rng), names.companies(count, rng))
    )
    return person, company.zip_with(pl.Series(world.leads.is_company), person)


def lead_reach(world: World) -> tuple[pl.Series, pl.Series]:
    """E-mail and telephone of each lead, as far as they are known."""
    rng, (person, _), who = world.rng("lead fields"), lead_names(world), doubles.again(world)
    email = given(names.emails(person, "lead.example"), rng.random(len(person)) < 0.95)
    phone = names.phones(len(person), world.profile.country, rng)
    phone = given(phone, rng.random(len(person)) < 0.7)
    return doubles.emails(email, who), doubles.phones(phone, who)


def account_of_contact(world: World, rng: np.random.Generator | None = None) -> Ints:
    """Rises: contacts stand in the order of their accounts, one at least in each."""
    is_company = world.customers.accounts.is_company
    people = np.where(is_company, (rng or world.rng("contacts")).integers(1, 4, len(is_company)), 1)
    return np.repeat(np.arange(len(people)), people)


def contacts_of(world: World, now_us: int) -> pl.DataFrame:
    accounts, rng = world.customers.accounts, world.rng("contacts")
    account = account_of_contact(world, rng)
    count = len(account)
    nth = np.arange(count) - np.searchsorted(account, account)
    created = world.account_created_us()[account] + (nth + 1) * MINUTE_US
    company = accounts.is_company[account]
    household_name = account_names(world).gather(account)
    full_name = names.people(count, rng).zip_with(pl.Series(company), household_name)
    lead = np.where(nth == 0, accounts.lead[account], -1)
    full_name = pick(lead_names(world)[0], lead).fill_null(full_name)
    email = given(names.emails(full_name, "mail.example"), rng.random(count) < 0.93)
    phone = given(names.phones(count, world.profile.country, rng), rng.random(count) < 0.85)
    more, (lead_email, lead_phone) = world.rng("contacts of leads"), lead_reach(world)
    email = doubles.kept(lead_email, lead, email, doubles.KEPT_EMAIL_SHARE, more)
    phone = doubles.kept(lead_phone, lead, phone, doubles.KEPT_PHONE_SHARE, more)
    buyers = doubles.buyers(world)
    place = np.searchsorted(account, buyers.account)
    email = email.scatter(
        place, given(buyers.email, pick(email, place).is_not_null().to_numpy()).fill_null(pick(email, place))
    )
    phone = phone.scatter(place, buyers.phone.fill_null(pick(phone, place)))
    return rows(
        world.tenant_id,
        world.new_ids("contacts", created),
        created,
        created,
        now_us,
        account_id=pick(world.ids["accounts"], account),
        full_name=full_name,
        email=email,
        phone=phone,
        job_title=pick(
            names.JOB_TITLES, np.where(company, rng.integers(0, len(names.JOB_TITLES), count), -1)
        ),
        consent_email=pl.Series(rng.random(count) < 0.7),
    )


def _campaigns(world: World, now_us: int) -> pl.DataFrame:
    campaigns = world.campaigns
    started, ended = seen(campaigns.started_us, now_us), seen(campaigns.ended_us, now_us)
    spending = campaign_spending(world, now_us)
    spent = np.bincount(spending.campaign, spending.amount_cents, minlength=len(campaigns.name)).astype(
        np.int64
    )
    return rows(
        world.tenant_id,
        world.ids["campaigns"],
        campaigns.started_us - 5 * DAY_US,
        np.where((started != NEVER) & (ended == NEVER), now_us - HOUR_US, _latest(started, ended)),
        now_us,
        name=pl.Series(campaigns.name),
        channel=pick(CHANNELS, campaigns.channel),
        status=pick(("draft", "running", "finished"), (started != NEVER) * 1 + (ended != NEVER)),
        cost_cents=pl.Series(spent),
        currency=world.currency,
        started_at=moments(started),
        ended_at=moments(ended),
    )


def _leads(world: World, now_us: int) -> pl.DataFrame:
    leads, count = world.leads, len(world.leads.created_us)
    (person, company), (email, phone) = lead_names(world), lead_reach(world)
    replied, qualified, closed = (
        seen(at, now_us) for at in (leads.replied_us, leads.qualified_us, leads.closed_us)
    )
    account_of_lead = np.full(count, -1)
    from_lead = np.flatnonzero(world.customers.accounts.lead >= 0)
    account_of_lead[world.customers.accounts.lead[from_lead]] = from_lead
    of_lead = np.where(qualified != NEVER, account_of_lead, -1)
    contact, contacts = np.searchsorted(account_of_contact(world), of_lead), contacts_of(world, NO_END)
    is_there = (contacts["created_at"].dt.epoch("us") < now_us).to_numpy()[contact]
    is_noted = world.rng("lead contacts").random(count) < NOTED_SHARE
    is_closed = closed != NEVER
    status = np.where(
        is_closed,
        np.where(leads.is_won, 3, 4),
        np.where(qualified != NEVER, 2, np.where(replied != NEVER, 1, 0)),
    )
    return rows(
        world.tenant_id,
        world.ids["leads"],
        leads.created_us,
        _latest(replied, qualified, closed),
        now_us,
        account_id=pick(world.ids["accounts"], of_lead),
        contact_id=pick(contacts["id"], np.where((of_lead >= 0) & is_there & is_noted, contact, -1)),
        campaign_id=pick(world.ids["campaigns"], leads.campaign),
        full_name=doubles.spelled(person, doubles.again(world)),
        email=email,
        phone=phone,
        company=given(company, leads.is_company),
        owner_id=pick(world.ids["users"], lead_owners(world)),
        source=pick(truths.SOURCES, leads.source),
        status=pick(("new", "contacted", "qualified", "won", "lost"), status),
        cost_cents=pl.Series(leads.cost_cents),
        currency=world.currency,
        value_cents=given(leads.value_cents, qualified != NEVER),
        first_replied_at=moments(replied),
        contacted_at=moments(np.where(replied != NEVER, replied, qualified)),
        qualified_at=moments(qualified),
        won_at=moments(np.where(leads.is_won, closed, NEVER)),
        lost_at=moments(np.where(leads.is_won, NEVER, closed)),
    )


def lead_owners(world: World) -> Ints:
    created = world.leads.created_us
    return at_work(world.people, created, ("agent", "manager"), world.rng("lead owners"))


ACTIVITIES = (
    ("visit", "in", 90.0),
    ("reply", "out", None),
    ("call", "out", 240.0),
    ("email", "in", None),
    ("meeting", None, 2_700.0),
)
"""Kind, direction and the usual length in seconds."""


def lead_touches(world: World) -> tuple[Ints, Ints, Ints, Floats]:
    """Lead, moment, position in ACTIVITIES and length in seconds (not a number without one) of each activity.

    Visits say little about the outcome, the reply much; meetings follow only once a lead is qualified.
    """
    leads, rng = world.leads, world.rng("lead_activities")
    everyone = np.arange(len(leads.created_us))
    visitor = np.repeat(everyone, leads.visits)
    visit_at = leads.created_us[visitor] + (rng.beta(1, 4, len(visitor)) * 44 * HOUR_US).astype(np.int64)
    replied = np.flatnonzero(leads.replied_us != NEVER)
    caller = replied[rng.random(len(replied)) < 0.5]
    call_at = leads.replied_us[caller] + (rng.exponential(20, len(caller)) * HOUR_US).astype(np.int64)
    writer = everyone[rng.random(len(everyone)) < 0.3]
    write_at = leads.created_us[writer] + (rng.exponential(30, len(writer)) * HOUR_US).astype(np.int64)
    met = np.flatnonzero(leads.qualified_us != NEVER)
    met_at = leads.qualified_us[met]
    parts = (
        (visitor, visit_at),
        (replied, leads.replied_us[replied]),
        (caller, call_at),
        (writer, write_at),
        (met, met_at),
    )
    lead, at = (np.concatenate(part) for part in zip(*parts, strict=True))
    kind = np.repeat(np.arange(len(parts)), [len(part) for part, _ in parts])
    closed = leads.closed_us[lead]
    kept = (at < closed) & (at >= leads.created_us[lead])
    lead, at, kind = lead[kept], at[kept], kind[kept]
    typical = np.array([usual or np.nan for _, _, usual in ACTIVITIES])[kind]
    return lead, at, kind, (typical * np.exp(rng.normal(0, 0.7, len(lead)))).round(1)


def _lead_activities(world: World, now_us: int) -> pl.DataFrame:
    lead, at, kind, duration = lead_touches(world)
    kinds, directions, _ = zip(*ACTIVITIES, strict=True)
    return rows(
        world.tenant_id,
        world.new_ids("lead_activities", at),
        at,
        at,
        now_us,
        lead_id=pick(world.ids["leads"], lead),
        kind=pick(kinds, kind),
        direction=pick(directions, kind),
        happened_at=moments(at),
        duration_s=given(np.nan_to_num(duration), ~np.isnan(duration)),
    )


def _campaign_events(world: World, contacts: pl.DataFrame, now_us: int) -> pl.DataFrame:
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

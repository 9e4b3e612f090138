"""Tables of customers and leads: campaigns, leads, accounts, contacts, what they did and wrote."""

from collections.abc import Iterator

import numpy as np
import polars as pl

from pipelines.demo import campaign_tables, doubles, names, truths
from pipelines.demo.draw import (
    HOUR_US,
    MINUTE_US,
    NEVER,
    Bools,
    Floats,
    Ints,
    dates,
    given,
    moments,
    pick,
    rows,
    seen,
)
from pipelines.demo.people import at_work
from pipelines.demo.promises import NO_END
from pipelines.demo.world import World

NOTED_SHARE = 0.75
"""Leads that became customers and name the contact they are; of the others nobody noted it."""

LOCATED_SHARE = 0.8


def tables(world: World, now_us: int) -> Iterator[tuple[str, pl.DataFrame]]:
    yield "accounts", _accounts(world, now_us)
    contacts = contacts_of(world, now_us)
    yield "contacts", contacts
    yield "campaigns", campaign_tables.campaigns(world, now_us)
    leads = _leads(world, now_us)
    yield "leads", leads
    yield "lead_activities", _lead_activities(world, now_us)
    yield "campaign_events", campaign_tables.events(world, contacts, now_us)


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
    place, is_located = lead_places(world)
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
        latitude=given(place[:, 0].round(5), is_located),
        longitude=given(place[:, 1].round(5), is_located),
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


def lead_places(world: World) -> tuple[Floats, Bools]:
    """Latitude and longitude of each lead, about the middle of its zone, and whether they are known."""
    rng, count, who = world.rng("lead places"), len(world.leads.created_us), doubles.again(world)
    accounts, places = world.customers.accounts, world.profile.places
    zone = rng.integers(0, len(places), count)
    bought = np.flatnonzero(accounts.lead >= 0)
    zone[accounts.lead[bought]] = accounts.zone[bought]
    place = np.array([(p[2], p[3]) for p in places])[zone] + rng.normal(0, 0.02, (count, 2))
    return place[np.where(who.is_again, who.of, np.arange(count))], rng.random(count) < LOCATED_SHARE


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

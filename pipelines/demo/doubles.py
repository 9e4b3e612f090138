"""Who stands in a company's rows more than once: leads that come again, customers who were leads, staff who buy.

What of two rows is alike, and in how many, stands here; nothing in the tables says that they are one person but, for
most leads that became customers, `leads.contact_id`.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl

from pipelines.demo import organisation, people_tables
from pipelines.demo.draw import Bools, Ints, choose, given, pick
from pipelines.demo.people import STAFF
from pipelines.demo.world import World

AGAIN_SHARE, AGAIN_WITHIN = 0.03, 400
"""Leads, of those that are not won, of a person who was one before: at most so many leads earlier."""
SAME_EMAIL_SHARE, SAME_MAILBOX_SHARE, SAME_PHONE_SHARE = 0.4, 0.6, 0.75
"""The same address, the same name of the mailbox at another host (of those with another one), the same number."""
SPELLINGS = (0.5, 0.15, 0.10, 0.10, 0.15)
"""The name as it was, in small letters, family name first, an initial, a letter left out."""
KEPT_EMAIL_SHARE, KEPT_PHONE_SHARE = 0.75, 0.8
"""Customers who still have the address and the number that they had as leads."""
BUYING_SHARE = 0.06
"""Technicians and partners who are customers, too, with the same number; and one of those who log in."""
BUYING_MEMBER = 4


@dataclass(frozen=True)
class Again:
    """Arrays by lead; `of` is the position of the earlier lead of the same person, -1 for almost all."""

    of: Ints
    spelling: Ints
    same_email: Bools
    same_mailbox: Bools
    same_phone: Bools

    @property
    def is_again(self) -> Bools:
        return self.of >= 0


def again(world: World) -> Again:
    leads, rng = world.leads, world.rng("leads again")
    count = len(leads.created_us)
    nth = np.arange(count)
    earlier = nth - 1 - (rng.random(count) * AGAIN_WITHIN * min(world.scale.customers, 1)).astype(np.int64)
    wanted = (rng.random(count) < AGAIN_SHARE) & ~leads.is_won & (earlier >= 0)
    earlier = np.where(wanted, earlier, -1)
    # Whom somebody was before is no repetition itself, and who comes for a company came for it then.
    is_first = ~wanted[earlier] & (leads.is_company[earlier] == leads.is_company)
    return Again(
        np.where(wanted & is_first, earlier, -1),
        choose(rng, SPELLINGS, count),
        rng.random(count) < SAME_EMAIL_SHARE,
        rng.random(count) < SAME_MAILBOX_SHARE,
        rng.random(count) < SAME_PHONE_SHARE,
    )


def spelled(full_name: pl.Series, who: Again) -> pl.Series:
    """The names as they were typed."""
    first, family = (full_name.str.split(" ").list.get(place) for place in (0, -1))
    written = (
        full_name,
        full_name.str.to_lowercase(),
        family + ", " + first,
        first.str.slice(0, 1) + ". " + family,
        first + " " + family.str.slice(0, 2) + family.str.slice(3),
    )
    typed = full_name
    for spelling, names in enumerate(written):
        typed = names.zip_with(pl.Series(who.is_again & (who.spelling == spelling)), typed)
    return typed


def emails(email: pl.Series, who: Again) -> pl.Series:
    """The addresses of leads, where who comes again has the one of before or its mailbox elsewhere."""
    before = pick(email, who.of)
    elsewhere = before.str.split("@").list.get(0) + "@post.example"
    other = elsewhere.zip_with(pl.Series(who.same_mailbox), email)
    found = before.zip_with(pl.Series(who.same_email), other)
    return found.zip_with(pl.Series(who.is_again) & before.is_not_null(), email)


def phones(phone: pl.Series, who: Again) -> pl.Series:
    """The numbers of leads; the second time without spaces."""
    before = pick(phone, who.of).str.replace_all(" ", "", literal=True)
    return before.zip_with(pl.Series(who.is_again & who.same_phone) & before.is_not_null(), phone)


def kept(values: pl.Series, lead: Ints, own: pl.Series, share: float, rng: np.random.Generator) -> pl.Series:
    """Their own, or what they had as leads and still have; who gives no address or number has none of either."""
    of_lead = given(pick(values, lead), rng.random(len(lead)) < share)
    return of_lead.zip_with(of_lead.is_not_null() & own.is_not_null(), own)


@dataclass(frozen=True)
class Buyers:
    """Staff who are customers: arrays by person; `provider` or `member` is -1."""

    account: Ints
    provider: Ints
    member: Ints
    full_name: pl.Series
    phone: pl.Series
    email: pl.Series
    """Technicians have private ones: empty but for a member's, who uses the one of the house."""


def buyers(world: World) -> Buyers:
    """Households from the beginning; a company that has none sells to none of its own."""
    accounts, rng = world.customers.accounts, world.rng("staff who buy")
    names, phone = organisation.provider_people(world)
    wanted = int(np.ceil(BUYING_SHARE * len(names))) + 1
    there = np.flatnonzero(~accounts.is_company & (accounts.lead < 0) & (accounts.since_us < world.start_us))
    if len(there) < wanted:
        wanted = 0
    account = np.sort(rng.choice(there, wanted, replace=False)) if wanted else np.zeros(0, dtype=np.int64)
    provider = np.full(wanted, -1)
    provider[1:] = np.sort(rng.choice(len(names), max(wanted - 1, 0), replace=False))
    member = np.where(np.arange(wanted) == 0, BUYING_MEMBER, -1)
    staff_names, staff_emails = people_tables.staff_reach(world)
    assert len(staff_names) == len(STAFF)
    full_name = pick(names, provider).fill_null(pick(staff_names, member))
    return Buyers(account, provider, member, full_name, pick(phone, provider), pick(staff_emails, member))

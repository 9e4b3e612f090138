"""Who stands in the rows of a simulated company more than once."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from pipelines.demo import crm_tables, doubles
from pipelines.demo.promises import NO_END
from pipelines.demo.world import World


def persons(world: World) -> dict[str, str]:
    """Of every id the id of the first row of the same person; who stands alone is not in it."""
    leads, accounts, who = world.ids["leads"], world.customers.accounts, doubles.again(world)
    first = {str(leads[int(each)]): str(leads[int(who.of[each])]) for each in np.flatnonzero(who.is_again)}
    of_account = crm_tables.account_of_contact(world)
    contacts = crm_tables.contacts_of(world, NO_END)["id"].gather(
        np.searchsorted(of_account, np.arange(len(accounts.lead)))
    )
    for account in np.flatnonzero(accounts.lead >= 0):
        lead = str(leads[int(accounts.lead[account])])
        first[str(contacts[int(account)])] = first.get(lead, lead)
    buyers = doubles.buyers(world)
    for account, provider, member in zip(buyers.account, buyers.provider, buyers.member, strict=True):
        table, place = ("providers", provider) if provider >= 0 else ("users", member)
        first[str(contacts[int(account)])] = str(world.ids[table][int(place)])
    return first


@pytest.fixture(scope="module")
def people(tables):
    """Names, addresses and numbers by id."""
    asked = ("contacts", "leads", "providers")
    rows = pl.concat(
        tables[table].select("id", "full_name", "email", "phone", "created_at") for table in asked
    )
    users = tables["users"].select(
        "id", "full_name", "email", phone=pl.lit(None, pl.String), created_at="created_at"
    )
    return {row["id"]: row for row in pl.concat([rows, users]).iter_rows(named=True)}


def words(name: str) -> set[str]:
    return set(name.lower().replace(",", "").split())


def test_who_stands_twice_has_something_of_the_other_row(simulation, people):
    shared = []
    for world in simulation.worlds:
        for one, other in persons(world).items():
            if one in people and other in people:
                a, b = people[one], people[other]
                shared.append(
                    {
                        "name": bool(words(a["full_name"]) & words(b["full_name"])),
                        "email": a["email"] is not None and a["email"] == b["email"],
                        "phone": a["phone"] is not None
                        and a["phone"].replace(" ", "") == (b["phone"] or "").replace(" ", ""),
                    }
                )
    share = pl.DataFrame(shared).mean().row(0, named=True)
    assert share["name"] > 0.99
    assert 0.5 < share["email"] < 0.8
    assert 0.3 < share["phone"] < 0.7
    assert len(shared) > 500


def test_a_lead_comes_again_later_under_a_name_that_is_typed_anew(simulation, tables, people):
    again, anew = 0, 0
    for world in simulation.worlds:
        leads, who = world.ids["leads"], doubles.again(world)
        places = np.flatnonzero(who.is_again)
        assert not who.is_again[who.of[places]].any()
        for place in places:
            now, before = (people.get(leads[int(each)]) for each in (place, who.of[place]))
            if now is not None:
                assert now["created_at"] > before["created_at"]
                again, anew = again + 1, anew + (now["full_name"] != before["full_name"])
    assert 20 < again < 0.03 * tables["leads"].height
    assert 0.25 < anew / again < 0.75


def test_most_leads_that_became_customers_name_their_contact(simulation, tables):
    contact_of = {lead: contact for world in simulation.worlds for contact, lead in persons(world).items()}
    won = tables["leads"].filter(pl.col("status") == "won")
    assert 0.65 < won["contact_id"].count() / won.height < 0.85
    noted = tables["leads"].drop_nulls("contact_id")
    assert not noted.is_empty()
    for lead, contact in noted.select("id", "contact_id").iter_rows():
        assert contact_of[lead] == contact


def test_some_who_work_for_a_company_buy_from_it(simulation, people, tables):
    found = 0
    for world in simulation.worlds:
        buyers = doubles.buyers(world)
        assert bool(len(buyers.account)) == (~world.customers.accounts.is_company).any()
        names = tables["accounts"].filter(
            pl.col("id").is_in(world.ids["accounts"].gather(buyers.account).implode())
        )
        assert sorted(names["name"]) == sorted(buyers.full_name)
        found += len(buyers.account)
    assert 5 <= found < 0.01 * tables["accounts"].height

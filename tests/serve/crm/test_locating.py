"""Leads with an address and without coordinates get them, and what a person gave stays."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextlib import asynccontextmanager
from typing import Final
from uuid import uuid4

import pytest

from serve.crm.leads.rules import check_lead
from serve.crm.places.asking import ManyWait, turn
from serve.crm.places.cells import cell_of
from serve.crm.places.locating import locate_due
from serve.kernel.db import Database
from serve.ports.out import Door
from serve.ports.way import Ways
from tests.serve.crm.conftest import LEADS
from tests.serve.crm.test_places import LOCATIONS
from tests.serve.crm.test_provenance import told
from tests.serve.ports.internet import Internet, internet, say
from tests.serve.resources.sending import taken_in

FOUND = [
    {"lat": "53.1", "lon": "8.9", "display_name": "Another one", "importance": 0.2},
    {"lat": "53.0759", "lon": "8.8078", "display_name": "Bremen", "importance": 0.81},
]
GEOCODING = "/api/v1/settings/geocoding"


@pytest.fixture(autouse=True)
def _nothing_known(firm):
    """Of other tests; nobody is being looked after, and nobody rests."""
    for table in ("geocoder_answers", "rate_limits", "locations"):
        firm.sql(f"delete from {table}")
    firm.sql("update leads set deleted_at = now() where deleted_at is null")
    yield
    firm.sql("delete from settings where category = 'geocoding'")
    firm.sql("delete from rate_limits")


@pytest.fixture
def look(firm) -> Callable[..., int]:
    """One look of the worker's clock; whoever rested has rested enough."""

    def do() -> int:
        firm.sql("delete from rate_limits")
        state = firm.running.app.state
        return firm.running.wait_for(locate_due(state.worker_database, state.ways))

    return do


@pytest.fixture
def place(owner):
    def make(latitude: float, longitude: float, **fields: object):
        body = {"name": str(uuid4()), "latitude": latitude, "longitude": longitude, **fields}
        made = owner.post(LOCATIONS, json=body)
        assert made.status_code == 201, made.text
        return made.json()["data"]

    return make


def read(client, lead):
    return client.get(f"{LEADS}/{lead['id']}").json()["data"]


def where(client, lead):
    row = read(client, lead)
    return row["latitude"], row["longitude"], row["coordinates_source"]


NOWHERE = (None, None, None)


class TestKnown:
    def test_a_lead_lies_where_the_tenants_place_of_that_town_lies(self, firm, owner, lead, place, look):
        place(53.1, 8.8, city="Bremen", country="DE")
        ada = lead(city="bremen", country="DE")
        assert (ada["coordinates_source"], ada["located_at"]) == (None, None)
        assert look() == 1
        assert where(owner, ada) == (53.1, 8.8, "known_place")
        assert read(owner, ada)["located_at"] > ada["created_at"]
        assert firm.sql("select cell from leads where id = %s", ada["id"]) == [(cell_of(53.1, 8.8),)]
        on_map = owner.get("/api/v1/map/leads", params={"bbox": "8,53,9,54"}).json()["data"]
        assert ada["id"] in json.dumps(on_map)
        assert look() == 0

    def test_by_the_postcode_before_the_town_and_by_leads_that_somebody_placed(
        self, owner, lead, place, look
    ):
        place(53.1, 8.8, city="Bremen")
        placed = lead(postcode="28195", city="Bremen", latitude=53.08, longitude=8.81)
        assert placed["coordinates_source"] == "given"
        by_code, by_town = lead(postcode="28195", city="Bremen"), lead(postcode="28777", city="BREMEN")
        assert look() == 2
        assert where(owner, by_code) == (53.08, 8.81, "known_place")
        middle = where(owner, by_town)
        assert middle[2] == "known_place"
        assert middle[0] == pytest.approx(53.09, abs=0.001)
        # What was found by an address says nothing new of that address.
        assert owner.delete(f"{LEADS}/{placed['id']}").is_success
        later = lead(postcode="28195")
        assert look() == 0
        assert where(owner, later) == NOWHERE

    def test_the_history_says_that_nobody_of_the_tenant_did_it(self, firm, owner, lead, place, look):
        place(53.1, 8.8, city="Bremen")
        ada = lead(city="Bremen")
        version = owner.get(f"{LEADS}/{ada['id']}").headers["etag"]
        look()
        assert owner.get(f"{LEADS}/{ada['id']}").headers["etag"] != version
        name, _, after = firm.events(ada["id"])[-1]
        assert (name, after["coordinates_source"]) == ("lead.located", "known_place")
        [(kind, user)] = firm.sql(
            "select actor_kind, actor_id from events where entity_id = %s and name = 'lead.located'",
            ada["id"],
        )
        assert (kind, user) == ("platform", None)
        fields = told(owner, LEADS, ada["id"])
        assert (fields["latitude"]["source"], fields["city"]["source"]) == ("geocoding", "person")

    def test_what_somebody_gave_is_never_written_over(self, owner, lead, place, look):
        place(53.1, 8.8, city="Bremen")
        ada = lead(city="Bremen", latitude=53.0, longitude=8.7)
        owner.patch(f"{LEADS}/{ada['id']}", json={"postcode": "28195", "city": "bremen"})
        assert look() == 0
        assert where(owner, ada) == (53.0, 8.7, "given")
        found = lead(city="Bremen")
        look()
        assert where(owner, found)[2] == "known_place"
        owner.patch(f"{LEADS}/{found['id']}", json={"latitude": 3.5, "longitude": 4.5})
        owner.patch(f"{LEADS}/{found['id']}", json={"city": "Bremen-Nord"})
        assert look() == 0
        assert where(owner, found) == (3.5, 4.5, "given")

    def test_a_changed_address_takes_what_was_found_by_the_old_one_along(
        self, firm, owner, lead, place, look
    ):
        place(53.1, 8.8, city="Bremen")
        place(48.1, 11.6, city="Munich")
        ada = lead(city="Bremen")
        look()
        changed = owner.patch(f"{LEADS}/{ada['id']}", json={"city": "Munich"}).json()["data"]
        assert (changed["latitude"], changed["coordinates_source"], changed["located_at"]) == (
            None,
            None,
            None,
        )
        assert firm.sql("select cell from leads where id = %s", ada["id"]) == [(None,)]
        assert look() == 1
        assert where(owner, ada) == (48.1, 11.6, "known_place")
        owner.patch(f"{LEADS}/{ada['id']}", json={"full_name": "Ada King"})
        assert where(owner, ada) == (48.1, 11.6, "known_place")
        owner.patch(f"{LEADS}/{ada['id']}", json={"city": None})
        assert look() == 0
        assert where(owner, ada) == NOWHERE

    def test_what_changes_meanwhile_is_not_written_to(self, firm, owner, lead, place, look, monkeypatch):
        """The address changes between the look at it and the answer."""
        from serve.crm.places import locating

        place(53.1, 8.8, city="Bremen")
        ada = lead(city="Bremen")
        know = locating._know

        async def slowly(*asked):
            firm.sql("update leads set city = 'Elsewhere' where id = %s", ada["id"])
            await know(*asked)

        monkeypatch.setattr(locating, "_know", slowly)
        assert look() == 0
        assert where(owner, ada) == NOWHERE

    def test_an_address_that_nobody_knows_is_remembered(self, firm, owner, lead, place, look):
        ada, bob = lead(city="Atlantis"), lead(city="El Dorado")
        assert look() == 0
        assert read(owner, ada)["located_at"] is None  # nobody could know anything
        place(53.1, 8.8, city="Bremen")
        version = owner.get(f"{LEADS}/{ada['id']}").headers["etag"]
        assert look() == 0
        looked_at = read(owner, ada)["located_at"]
        assert looked_at is not None
        assert owner.get(f"{LEADS}/{ada['id']}").headers["etag"] == version
        assert [name for name, *_ in firm.events(ada["id"])] == ["lead.created"]
        assert look() == 0
        assert read(owner, ada)["located_at"] == looked_at
        # A place of there is news for the leads of there.
        spot = place(10.0, 20.0, city="Nowhere")
        assert look() == 0
        owner.patch(f"{LOCATIONS}/{spot['id']}", json={"city": "atlantis"})
        assert look() == 1
        assert where(owner, ada) == (10.0, 20.0, "known_place")
        assert (
            read(owner, bob)["located_at"] == read(owner, bob)["located_at"] < read(owner, ada)["located_at"]
        )
        owner.patch(f"{LEADS}/{bob['id']}", json={"city": "Atlantis"})
        assert look() == 1

    def test_no_tenant_knows_what_another_one_knows(self, firm, owner, lead, place, look):
        place(53.1, 8.8, city="Bremen")
        other = firm.client("owner", firm.b)
        theirs = other.post(LEADS, json={"full_name": "Eve", "city": "Bremen"}).json()["data"]
        ours = lead(city="Bremen")
        assert look() == 1
        assert where(owner, ours)[2] == "known_place"
        assert where(other, theirs) == NOWHERE

    def test_a_firm_that_stands_still_is_not_looked_after(self, firm, lead, place, look):
        place(53.1, 8.8, city="Bremen")
        lead(city="Bremen")
        with firm.standing_still():
            assert look() == 0
        assert look() == 1

    def test_rows_of_a_file_wait_until_all_of_them_are_there(self, firm, owner, place, look):
        place(53.1, 8.8, city="Bremen")
        done = taken_in(firm, "full_name,city\nAda,Bremen\nBob,Bremen\n", path=LEADS)
        assert done["created_count"] == 2, done
        firm.sql("update imports set status = 'running' where id = %s", done["id"])
        assert look() == 0
        firm.sql("update imports set status = 'done' where id = %s", done["id"])
        assert look() == 2

    def test_an_import_is_undone_although_its_leads_were_found(self, firm, owner, place, look, lead):
        place(53.1, 8.8, city="Bremen")
        key = str(uuid4())
        before = lead(external_id=key)
        text = f"full_name,city,external_id\nAda,Bremen,{key}\nBob,Bremen,{uuid4()}\n"
        done = taken_in(firm, text, path=LEADS, mode="upsert")
        assert (done["created_count"], done["updated_count"]) == (1, 1), done
        assert look() == 2
        assert where(owner, before)[2] == "known_place"
        assert owner.post(f"/api/v1/imports/{done['id']}/undo").is_success
        firm.work()
        undone = owner.get(f"/api/v1/imports/{done['id']}").json()["data"]
        assert (undone["removed_count"], undone["reverted_count"], undone["left_count"]) == (1, 1, 0)
        assert where(owner, before) == NOWHERE

    def test_what_was_loaded_counts_as_given(self, firm, owner, lead, place, look):
        place(53.1, 8.8, city="Bremen")
        ada = lead(city="Bremen", latitude=1.5, longitude=2.5)
        firm.sql("update leads set coordinates_source = null where id = %s", ada["id"])
        owner.patch(f"{LEADS}/{ada['id']}", json={"city": "Munich"})
        assert look() == 0
        assert where(owner, ada) == (1.5, 2.5, None)

    def test_a_merge_takes_what_was_given_and_not_what_was_found(self, owner, lead, place, look):
        place(53.1, 8.8, city="Bremen")
        found, stays = lead(city="Bremen"), lead()
        look()
        merged = owner.post(f"{LEADS}/{stays['id']}/merge", json={"from_id": found["id"]})
        assert merged.is_success, merged.text
        assert where(owner, stays) == NOWHERE
        assert look() == 1  # it has the town now
        assert where(owner, stays) == (53.1, 8.8, "known_place")


class TestGeocoder:
    """A real server on this machine, behind the door that lets nobody else in."""

    @pytest.fixture
    def world(self, firm, owner):
        """``async with world(answer, …) as (internet, look)``: the tenant's geocoder, and another process's look."""
        state = firm.running.app.state

        @asynccontextmanager
        async def begin(*answers, base_url="http://public.example", every_s=0):
            set_to = {"base_url": base_url, "contact": "it@example.org", "every_s": every_s}
            assert owner.put(GEOCODING, json=set_to).status_code == 200
            async with internet() as outside:
                outside.answers = list(answers)

                async def look(*, is_rested: bool = True) -> int:
                    if is_rested:
                        firm.sql("delete from rate_limits")
                    ways = Ways(Door(look_up=outside.look_up, network=outside))
                    database = Database(
                        state.worker_database._address, size=2, vault=state.worker_database.vault
                    )
                    try:
                        return await locate_due(database, ways)
                    finally:
                        await ways.close()
                        await database.close()

                yield outside, look

        return begin

    async def test_it_is_asked_once_for_an_address(self, owner, lead, world):
        ada, bob = (lead(postcode="28195", city="Bremen", country="DE") for _ in range(2))
        async with world(places(FOUND)) as (outside, look):
            assert await look() == 2
            assert asked(outside) == ["28195+Bremen"]
            cleo = lead(postcode="28195", city="Bremen", country="DE")
            # Another process, later: it is known from the database, and nobody outside is asked again.
            assert await look() == 1
            assert asked(outside) == ["28195+Bremen"]
        for each in (ada, bob, cleo):
            assert where(owner, each) == (53.0759, 8.8078, "geocoder")
        assert "countrycodes=de" in outside.requests[0].path
        assert told(owner, LEADS, ada["id"])["longitude"]["source"] == "geocoding"

    async def test_what_is_known_well_enough_is_told_to_nobody(self, owner, lead, world):
        lead(postcode="28195", city="Bremen", latitude=53.08, longitude=8.81)
        ada = lead(postcode="28195", city="Bremen")
        async with world() as (outside, look):
            assert await look() == 1
        assert outside.requests == []
        assert where(owner, ada)[2] == "known_place"

    async def test_where_it_knows_nothing_the_middle_of_the_town_stands(self, owner, lead, place, world):
        place(53.1, 8.8, city="Bremen")
        ada, bob = lead(city="Bremen"), lead(city="Atlantis")
        async with world(places([]), places([])) as (outside, look):
            assert await look() == 1
            assert await look() == 0
        assert len(outside.requests) == 2
        assert where(owner, ada) == (53.1, 8.8, "known_place")
        assert (where(owner, bob), read(owner, bob)["located_at"] is not None) == (NOWHERE, True)

    async def test_it_rests_after_a_failure_for_everybody(self, firm, owner, lead, world):
        ada = lead(city="Bremen")
        async with world(refusing, places(FOUND)) as (outside, look):
            assert await look() == 0
            assert await look(is_rested=False) == 0
            assert len(outside.requests) == 1
            assert read(owner, ada)["located_at"] is None
            assert await look() == 1
        assert where(owner, ada)[2] == "geocoder"

    async def test_other_settings_are_a_reason_to_ask_again(self, owner, lead, place, look, world):
        place(48.1, 11.6, city="Munich")
        ada = lead(city="Bremen")
        look()
        assert read(owner, ada)["located_at"] is not None
        async with world(places(FOUND)) as (_, look_outside):
            assert await look_outside() == 1
        assert where(owner, ada)[2] == "geocoder"

    async def test_an_address_of_this_machine_is_not_called(self, owner, lead, world):
        ada = lead(city="Bremen")
        async with world(base_url="http://127.0.0.1:1") as (outside, look):
            owner.put(
                GEOCODING,
                json={"base_url": f"http://127.0.0.1:{outside.canary_port}", "contact": "it@example.org"},
            )
            assert await look() == 0
            assert outside.canary_calls == 0
        assert where(owner, ada) == NOWHERE

    async def test_of_two_processes_one_looks_after_a_tenant(self, owner, lead, world):
        for number in range(5):
            lead(city=f"Town {number}")
        async with world(*(places(FOUND) for _ in range(10))) as (outside, look):
            counts = await asyncio.gather(look(), look(is_rested=False))
        assert (sorted(counts), len(outside.requests)) == ([0, 5], 5)

    async def test_what_was_asked_stands_nowhere_in_words(self, firm, lead, world):
        lead(postcode="28195", city="Secret Springs")
        async with world(places(FOUND)) as (_, look):
            await look()
        [(row,)] = firm.sql("select t::text from geocoder_answers t")
        assert "Secret" not in row

    async def test_answers_are_a_tenants_own_and_kept_for_a_day(self, firm, owner, lead, world):
        lead(city="Bremen")
        async with world(places(FOUND), places(FOUND)) as (outside, look):
            await look()
            assert firm.sql("select tenant_id from geocoder_answers") == [(firm.a,)]
            firm.sql("update geocoder_answers set asked_at = now() - interval '25 hours'")
            lead(city="Bremen")
            await look()
        assert len(outside.requests) == 2
        assert firm.sql("select count(*) from geocoder_answers") == [(1,)]


class TestPace:
    async def test_all_processes_take_turns(self, firm):
        state = firm.running.app.state
        addresses = (state.database._address, state.worker_database._address)
        one, other = (Database(each, size=1, vault=state.database.vault) for each in addresses)
        try:
            waits = [await turn(each, "http://a.example", 1.0) for each in (one, other, one)]
            assert waits == [pytest.approx(n, abs=0.5) for n in range(3)]
            assert await turn(other, "http://b.example", 1.0) == 0.0
            for _ in range(3):
                await turn(one, "http://a.example", 1.0)
            with pytest.raises(ManyWait) as crowd:
                await turn(other, "http://a.example", 1.0)
            assert int(crowd.value.headers["Retry-After"]) >= 1
        finally:
            await one.close()
            await other.close()


class TestRule:
    LEAD: Final = {"full_name": "Ada", "status": "new", "city": "Bremen", "postcode": None, "country": "DE"}

    def test_a_new_one_without_coordinates_costs_nothing_more(self):
        assert check_lead(None, self.LEAD | {"latitude": None, "longitude": None}) == {"full_name": "Ada"}


def places(found):
    async def answer(request, writer):
        await say(writer, 200, json.dumps(found).encode())

    return answer


async def refusing(request, writer):
    await say(writer, 403, b"blocked")


def asked(outside: Internet) -> list[str]:
    return [each.path.partition("q=")[2].partition("&")[0] for each in outside.requests]

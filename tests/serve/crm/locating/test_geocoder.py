"""What a tenant's geocoder is asked for leads that nobody else could place, and how often."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager

import pytest

from serve.crm.places.asking import ManyWait, turn
from serve.crm.places.locating import locate_due
from serve.kernel.db import Database
from serve.ports.out import Door
from serve.ports.way import Ways
from tests.serve.crm.conftest import LEADS
from tests.serve.crm.locating.conftest import NOWHERE, read, where
from tests.serve.crm.test_provenance import told
from tests.serve.ports.internet import Internet, internet, say

FOUND = [
    {"lat": "53.1", "lon": "8.9", "display_name": "Another one", "importance": 0.2},
    {"lat": "53.0759", "lon": "8.8078", "display_name": "Bremen", "importance": 0.81},
]
GEOCODING = "/api/v1/settings/geocoding"


@pytest.fixture
def world(firm, owner):
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
                database = Database(state.worker_database._address, size=2, vault=state.worker_database.vault)
                try:
                    return await locate_due(database, ways)
                finally:
                    await ways.close()
                    await database.close()

            yield outside, look

    return begin


class TestGeocoder:
    """A real server on this machine, behind the door that lets nobody else in."""

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

    async def test_an_address_that_it_cannot_read_keeps_no_other_one_waiting(self, owner, lead, world):
        odd, leads = lead(city="Odd"), [lead(city=f"Town {number}") for number in range(5)]

        async def answer(request, writer):
            status, found = (400, b"{}") if "q=Odd" in request.path else (200, json.dumps(FOUND).encode())
            await say(writer, status, found)

        async with world(*[answer] * 6) as (_, look):
            assert await look() == 5
        assert {where(owner, each)[2] for each in leads} == {"geocoder"}
        assert (where(owner, odd), read(owner, odd)["located_at"] is not None) == (NOWHERE, True)

    async def test_signs_that_nobody_can_store_are_left_out_of_what_it_says(self, owner, lead, world):
        ada = lead(city="Bremen")
        async with world(places([FOUND[1] | {"display_name": "Bre\0men", "licence": "\0"}])) as (_, look):
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
        async with world(*(places(FOUND) for _ in range(3))) as (outside, look):
            await look()
            assert firm.sql("select tenant_id from geocoder_answers") == [(firm.a,)]
            firm.sql("update geocoder_answers set asked_at = now() - interval '25 hours'")
            lead(city="Bremen")
            await look()
            assert len(outside.requests) == 2
            firm.sql("update geocoder_answers set asked_at = now() - interval '25 hours'")
            lead(city="Kiel")
            await look()
        assert len(outside.requests) == 3
        assert firm.sql("select count(*) from geocoder_answers") == [(1,)]

    async def test_it_is_asked_no_faster_than_it_allows(self, owner, lead, world):
        ada, bob = lead(city="Bremen"), lead(city="Kiel")
        async with world(places(FOUND), places(FOUND), every_s=60) as (outside, look):
            assert await look() == 1
            assert len(outside.requests) == 1
            assert await look() == 1  # a minute later
        assert len(outside.requests) == 2
        assert {where(owner, each)[2] for each in (ada, bob)} == {"geocoder"}


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


def places(found):
    async def answer(request, writer):
        await say(writer, 200, json.dumps(found).encode())

    return answer


async def refusing(request, writer):
    await say(writer, 403, b"blocked")


def asked(outside: Internet) -> list[str]:
    return [each.path.partition("q=")[2].partition("&")[0] for each in outside.requests]

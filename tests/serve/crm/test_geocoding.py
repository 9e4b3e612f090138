"""Where an address lies: by what the tenant knows, and by a geocoder that speaks as Nominatim does."""

from __future__ import annotations

import json

import pytest

from serve.crm.places.geocoding import geocode
from serve.crm.places.schemas import Address
from serve.kernel.errors import OutsideFailed
from serve.ports.out import Door
from serve.ports.way import OutsideAddressRefused, OutsideRefused, Ways
from tests.serve.crm.test_places import LOCATIONS, fields_of
from tests.serve.mails.conftest import caller_of
from tests.serve.ports.internet import internet, say

FOUND = [
    {
        "place_id": 1,
        "licence": "Data by many",
        "lat": "53.0759",
        "lon": "8.8078",
        "display_name": "Am Markt 1, Bremen",
        "importance": 0.81,
    },
    {"lat": "53.1", "lon": "8.9", "display_name": "Am Markt, elsewhere", "importance": 0.2},
]


def ask(client, **fields: object):
    answer = client.post(f"{LOCATIONS}/geocode", json=fields)
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


class TestKnown:
    def test_a_place_of_that_street_is_surest(self, owner):
        spot = {"street": "Hafenkopf 7", "city": "Bremen", "latitude": 53.09, "longitude": 8.78}
        owner.post(LOCATIONS, json={"name": "Harbour", **spot})
        found = ask(owner, street="hafenkopf 7", city="bremen")
        assert found["is_provider_asked"] is False
        [candidate] = found["candidates"]
        assert (candidate["latitude"], candidate["longitude"]) == (53.09, 8.78)
        assert (candidate["source"], candidate["matched"], candidate["confidence"]) == (
            "known",
            "street",
            0.95,
        )

    def test_else_the_middle_of_the_postcode_and_then_of_the_town(self, owner, lead):
        for latitude in (50.0, 50.02):
            lead(postcode="10115", city="Nowhere", latitude=latitude, longitude=10.0)
        [by_code] = ask(owner, street="Unknown 1", postcode="10115")["candidates"]
        assert (by_code["latitude"], by_code["longitude"], by_code["matched"]) == (50.01, 10.0, "postcode")
        [by_town] = ask(owner, city="NOWHERE")["candidates"]
        assert by_town["matched"] == "city"
        assert by_town["confidence"] < by_code["confidence"]

    def test_rows_far_apart_have_no_middle(self, owner, lead):
        lead(city="Neustadt", latitude=53.0, longitude=8.0)
        lead(city="Neustadt", latitude=48.0, longitude=12.0)
        assert ask(owner, city="Neustadt")["candidates"] == []

    def test_rows_of_others_are_not_known(self, firm, lead):
        lead(city="Secret Springs", latitude=53.0, longitude=8.0)
        assert ask(firm.client("owner", firm.b), city="Secret Springs")["candidates"] == []

    def test_what_is_wrong_is_named(self, firm, owner):
        assert fields_of(owner.post(f"{LOCATIONS}/geocode", json={})) == ["city"]
        assert fields_of(owner.post(f"{LOCATIONS}/geocode", json={"country": "Germany"})) == ["country"]
        always = owner.post(f"{LOCATIONS}/geocode", json={"city": "Bremen", "provider": "always"})
        assert always.status_code == 503, always.text
        assert always.json()["error"]["code"] == "INTEGRATION_NOT_CONFIGURED"
        assert {each["field"] for each in always.json()["error"]["details"]} == {"base_url", "contact"}
        refused = firm.client("technician").post(f"{LOCATIONS}/geocode", json={"city": "Bremen"})
        assert refused.status_code == 403


class TestProvider:
    @pytest.fixture
    def outside(self, firm):
        """``await outside(world, city="Bremen")``: asked with the settings of a geocoder in that world."""
        state, caller = firm.running.app.state, caller_of(firm)

        async def do(world, base_url="http://public.example", **fields):
            owner = firm.client("owner")
            set_to = {"base_url": base_url, "contact": "it@example.org", "every_s": 0}
            assert owner.put("/api/v1/settings/geocoding", json=set_to).status_code == 200
            ways = Ways(Door(look_up=world.look_up, network=world))
            database = type(state.database)(state.database._address, size=1, vault=state.database.vault)
            try:
                return await geocode(database, ways, caller, Address(**fields))
            finally:
                await ways.close()
                await database.close()
                owner.put("/api/v1/settings/geocoding", json={"base_url": None, "contact": None})

        return do

    async def test_it_is_asked_where_nobody_knows_and_once(self, outside):
        async def answer(request, writer):
            await say(writer, 200, json.dumps(FOUND).encode())

        async with internet() as world:
            world.answers = [answer]
            found = await outside(world, street="Am Markt 1", postcode="99999", city="Bremen", country="DE")
            again = await outside(world, street="Am Markt 1", postcode="99999", city="Bremen", country="DE")
        assert found == again
        assert found["is_provider_asked"] is True
        first = found["candidates"][0]
        assert (first["latitude"], first["longitude"], first["confidence"]) == (53.0759, 8.8078, 0.81)
        assert (first["source"], first["attribution"]) == ("provider", "Data by many")
        [asked] = world.requests
        assert asked.path == "/search?q=Am+Markt+1%2C+99999+Bremen&format=jsonv2&limit=5&countrycodes=de"
        assert asked.headers["user-agent"] == "throughline (it@example.org)"

    async def test_nobody_outside_is_told_where_that_was_not_wanted(self, outside):
        async with internet() as world:
            found = await outside(world, city="Somewhere else", provider="never")
        assert (found["candidates"], world.requests) == ([], [])

    async def test_what_it_says_wrongly_or_refuses_is_no_place(self, outside):
        async def far_off(request, writer):
            await say(writer, 200, b'[{"lat": "123", "lon": "8", "display_name": "x"}]')

        async def no(request, writer):
            await say(writer, 403, b"blocked")

        async with internet() as world:
            world.answers = [far_off, no]
            with pytest.raises(OutsideFailed):
                await outside(world, city="Far Off")
            with pytest.raises(OutsideRefused):
                await outside(world, city="Not Here")

    async def test_an_address_of_this_machine_is_not_called(self, outside):
        async with internet() as world:
            with pytest.raises(OutsideAddressRefused):
                await outside(world, base_url=f"http://127.0.0.1:{world.canary_port}", city="Inside")
            assert world.canary_calls == 0

"""Places: what is near, across the date line and at the poles, and the leads of a place."""

from __future__ import annotations

import math
import random
from uuid import uuid4

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from serve.crm.places.boxes import EARTH_M, FARTHEST_M, Box, around, box_of
from serve.kernel.errors import Invalid
from tests.serve.crm.conftest import LEADS

LOCATIONS = "/api/v1/locations"
BREMEN = {"latitude": 53.0758, "longitude": 8.8072}


def great_circle_m(a: tuple[float, float], b: tuple[float, float]) -> float:
    """By the angle between two vectors: another way than the service's."""
    (x, y, z), (u, v, w) = (
        (
            math.cos(math.radians(lat)) * math.cos(math.radians(lng)),
            math.cos(math.radians(lat)) * math.sin(math.radians(lng)),
            math.sin(math.radians(lat)),
        )
        for lat, lng in (a, b)
    )
    cross = math.hypot(y * w - z * v, z * u - x * w, x * v - y * u)
    return EARTH_M * math.atan2(cross, x * u + y * v + z * w)


@pytest.fixture
def place(owner):
    """``place("Depot", latitude=…)``: a new place, as its making showed it."""

    def make(name: str = "Depot", **fields: object):
        made = owner.post(LOCATIONS, json={"name": name, **fields})
        assert made.status_code == 201, made.text
        return made.json()["data"]

    return make


def fields_of(answer) -> list[str]:
    assert answer.status_code == 422, answer.text
    return [each["field"] for each in answer.json()["error"]["details"]]


latitudes = st.floats(-90, 90) | st.sampled_from([-90.0, -89.9999, 0.0, 89.9999, 90.0])
longitudes = st.floats(-180, 180) | st.sampled_from([-180.0, -179.9999, 0.0, 179.9999, 180.0])


class TestBox:
    @given(latitudes, longitudes, latitudes, longitudes, st.floats(1, FARTHEST_M))
    @example(89.9, 0.0, 89.9, 180.0, 30_000.0)
    @example(0.0, 179.9, 0.0, -179.9, 50_000.0)
    def test_whatever_is_within_the_circle_is_in_its_box(self, lat, lng, other_lat, other_lng, radius_m):
        if great_circle_m((lat, lng), (other_lat, other_lng)) <= radius_m:
            assert around(lat, lng, radius_m).has(other_lat, other_lng)

    def test_a_small_circle_has_a_small_box(self):
        box = around(53.0, 8.8, 1000)
        assert box.north - box.south == pytest.approx(2 * 1000 / 111_195, rel=1e-3)
        assert box.width == pytest.approx(2 * 1000 / 111_195 / math.cos(math.radians(53)), rel=1e-3)

    def test_over_the_date_line(self):
        box = around(-17.0, 179.99, 5000)
        assert box.is_across
        assert box.has(-17.0, -179.99)
        assert not box.has(-17.0, 0)
        assert box.width < 1

    @pytest.mark.parametrize(
        "text", ["", "1,2,3", "a,b,c,d", "1,2,3,4,5", "181,0,0,1", "0,-91,1,1", "0,2,1,1", "nan,0,1,1"]
    )
    def test_what_is_no_box_is_named(self, text):
        with pytest.raises(Invalid) as refused:
            box_of(text)
        assert [field for field, _ in refused.value.details] == ["bbox"]

    def test_west_of_its_east_crosses(self):
        assert box_of("170,-20,-170,0") == Box(170.0, -20.0, -170.0, 0.0)
        assert box_of("170,-20,-170,0").width == 20


class TestLocation:
    @pytest.mark.parametrize(
        ("fields", "named"),
        [
            ({"latitude": 91, "longitude": 0}, ["latitude"]),
            ({"latitude": 0, "longitude": -181}, ["longitude"]),
            ({"latitude": 1}, ["longitude"]),
            ({"longitude": 1}, ["latitude"]),
            ({}, ["latitude"]),
            ({"city": "Bremen", "radius_m": 100}, ["radius_m"]),
            ({**BREMEN, "radius_m": 0}, ["radius_m"]),
            ({**BREMEN, "kind": "castle"}, ["kind"]),
            ({**BREMEN, "name": ""}, ["name"]),
            ({"country": "Germany"}, ["country"]),
        ],
    )
    def test_what_is_wrong_is_named(self, owner, fields, named):
        assert fields_of(owner.post(LOCATIONS, json={"name": "Depot", **fields})) == named

    def test_it_is_found_by_words_at_both_addresses(self, owner, place):
        made = place("Harbour", street="Hafenkopf 7", city="Bremen")
        for path in (LOCATIONS, f"{LOCATIONS}/search"):
            found = owner.get(path, params={"search": "hafen harb"}).json()["data"]
            assert [row["id"] for row in found] == [made["id"]]
        assert (
            owner.get(f"{LOCATIONS}/search", params={"search": "hafen", "kind": "area"}).json()["data"] == []
        )

    def test_a_table_of_places_comes_in(self, firm, owner):
        table = "name,city,latitude,longitude,radius_m\nMill,Verden,52.92,9.23,500\nNowhere,,95,9,\n"
        sent = owner.post(f"{LOCATIONS}/import", files={"file": ("places.csv", table.encode(), "text/csv")})
        assert sent.is_success, sent.text
        firm.work()
        [mill] = owner.get(LOCATIONS, params={"search": "mill", "city": "Verden"}).json()["data"]
        assert (mill["latitude"], mill["radius_m"]) == (52.92, 500)
        assert owner.get(LOCATIONS, params={"search": "nowhere"}).json()["data"] == []

    def test_mechanics_read_and_do_not_write(self, firm, place):
        made = place(**BREMEN)
        mechanic = firm.client("technician")
        assert mechanic.get(f"{LOCATIONS}/{made['id']}").status_code == 200
        assert mechanic.delete(f"{LOCATIONS}/{made['id']}").status_code == 403
        assert firm.client("owner", firm.b).get(f"{LOCATIONS}/{made['id']}").status_code == 404


class TestNearby:
    def near(self, client, latitude: float, longitude: float, **words: object):
        asked = {"latitude": latitude, "longitude": longitude, **words}
        answer = client.get(f"{LOCATIONS}/nearby", params=asked)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def test_the_nearest_come_first_with_their_distance(self, owner, place):
        spots = {"here": (10.0, 20.0), "north": (10.05, 20.0), "east": (10.0, 20.02), "far": (10.2, 20.0)}
        for name, (lat, lng) in spots.items():
            place(name, latitude=lat, longitude=lng)
        place("no coordinates", city="Atlantis")
        found = self.near(owner, 10.0, 20.0)
        assert [row["name"] for row in found["data"]] == ["here", "east", "north"]
        for row in found["data"]:
            assert row["distance_m"] == pytest.approx(
                great_circle_m((10.0, 20.0), spots[row["name"]]), abs=0.01
            )
        assert found["meta"] == {"limit": 20, "is_truncated": False}
        wider = self.near(owner, 10.0, 20.0, radius_m=30_000, limit=2)
        assert [row["name"] for row in wider["data"]] == ["here", "east"]
        assert wider["meta"]["is_truncated"] is True

    def test_across_the_date_line_and_over_the_pole(self, owner, place):
        place("Fiji", latitude=-17.0, longitude=179.98)
        place("camp", latitude=89.95, longitude=90.0)
        assert [row["name"] for row in self.near(owner, -17.0, -179.98, radius_m=5000)["data"]] == ["Fiji"]
        assert [row["name"] for row in self.near(owner, 89.95, -90.0, radius_m=12_000)["data"]] == ["camp"]

    def test_only_one_kind(self, owner, place):
        place("yard", latitude=30.0, longitude=30.0, kind="depot")
        place("shop", latitude=30.0, longitude=30.0, kind="branch")
        assert [row["name"] for row in self.near(owner, 30.0, 30.0, kind="depot")["data"]] == ["yard"]

    @pytest.mark.parametrize(
        ("latitude", "longitude"), [(0, 1e-300), (5e-324, 0), (-1e-308, -1e-160), (0, 180), (90, 1e-200)]
    )
    def test_no_place_is_in_the_way_of_the_others(self, owner, place, latitude, longitude):
        """The square of a difference that is nearly nothing was out of the range of numbers."""
        odd = place("Odd", latitude=latitude, longitude=longitude)["id"]
        for point in ((0, 0), (1e-300, 5e-324), (latitude, longitude)):
            asked = {"latitude": point[0], "longitude": point[1], "radius_m": FARTHEST_M}
            answer = owner.get(f"{LOCATIONS}/nearby", params=asked)
            assert answer.status_code == 200, answer.text
            [found] = [each for each in answer.json()["data"] if each["id"] == odd]
            meant = great_circle_m(point, (latitude, longitude))
            assert found["distance_m"] == pytest.approx(meant, abs=1e-3, rel=1e-9)

    def test_places_of_others_are_near_nobody(self, firm, place):
        place(latitude=-40.0, longitude=-40.0)
        assert self.near(firm.client("owner", firm.b), -40.0, -40.0)["data"] == []

    @pytest.mark.parametrize(
        ("asked", "named"),
        [
            ({"latitude": 1}, ["longitude"]),
            ({"latitude": 91, "longitude": 1}, ["latitude"]),
            ({"latitude": "nan", "longitude": 1}, ["latitude"]),
            ({"latitude": 1, "longitude": 1, "radius_m": 0}, ["radius_m"]),
            ({"latitude": 1, "longitude": 1, "radius_m": "inf"}, ["radius_m"]),
            ({"latitude": 1, "longitude": 1, "limit": 201}, ["limit"]),
        ],
    )
    def test_what_is_wrong_is_named(self, owner, asked, named):
        assert fields_of(owner.get(f"{LOCATIONS}/nearby", params=asked)) == named


class TestLeadsOfAPlace:
    def of(self, client, place_id: str, **words: object):
        answer = client.get(f"{LOCATIONS}/{place_id}/leads", params=words)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def test_by_radius_and_by_hand(self, owner, place, lead):
        made = place(latitude=60.0, longitude=10.0, radius_m=1000)
        inside = lead("Near", latitude=60.005, longitude=10.0)
        lead("Out", latitude=60.02, longitude=10.0)
        tied = lead("Tied", location_id=made["id"])
        gone = lead("Gone", latitude=60.0, longitude=10.0)
        owner.delete(f"{LEADS}/{gone['id']}")
        found = self.of(owner, made["id"])
        assert [(row["id"], row["tie"]) for row in found["data"]] == [
            (inside["id"], "radius"),
            (tied["id"], "hand"),
        ]
        assert found["data"][0]["distance_m"] == pytest.approx(556, abs=1)
        assert found["data"][1]["distance_m"] is None
        assert found["meta"]["total"] == 2
        assert self.of(owner, made["id"], page=2, per_page=1)["data"][0]["id"] == tied["id"]
        assert self.of(owner, made["id"], page=9)["meta"]["total"] == 2

    def test_a_place_without_radius_has_those_by_hand_alone(self, owner, place, lead):
        made = place(city="Bremen")
        lead("Elsewhere", **BREMEN)
        tied = lead("Tied", location_id=made["id"], **BREMEN)
        assert [row["id"] for row in self.of(owner, made["id"])["data"]] == [tied["id"]]

    def test_many_agree_with_a_count_by_hand(self, owner, place, lead):
        chance = random.Random(7)
        made = place(latitude=-70.0, longitude=179.9, radius_m=40_000)
        spots = [(-70 + chance.uniform(-0.6, 0.6), 179.9 + chance.uniform(-1.5, 1.5)) for _ in range(40)]
        turned = [(lat, lng if lng <= 180 else lng - 360) for lat, lng in spots]
        for lat, lng in turned:
            lead("Far south", latitude=lat, longitude=lng)
        wanted = sum(great_circle_m((-70.0, 179.9), spot) <= 40_000 for spot in turned)
        assert 5 < wanted < 40
        assert self.of(owner, made["id"])["meta"]["total"] == wanted

    def test_whoever_may_not_read_leads_does_not(self, firm, place):
        made = place(**BREMEN)
        assert firm.client("technician").get(f"{LOCATIONS}/{made['id']}/leads").status_code == 403
        assert firm.client("owner", firm.b).get(f"{LOCATIONS}/{made['id']}/leads").status_code == 404

    def test_a_lead_cannot_be_given_a_place_that_is_not_there(self, firm, owner, place, lead):
        theirs = firm.client("owner", firm.b).post(LOCATIONS, json={"name": "Theirs", **BREMEN}).json()
        gone = place(**BREMEN)
        owner.delete(f"{LOCATIONS}/{gone['id']}")
        row = lead()
        for place_id in (theirs["data"]["id"], gone["id"], str(uuid4())):
            patched = owner.patch(f"{LEADS}/{row['id']}", json={"location_id": place_id})
            assert fields_of(patched) == ["location_id"]

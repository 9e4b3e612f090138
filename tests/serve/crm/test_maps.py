"""Leads on maps: points, cells, clusters. What is gathered adds up to what is there, wherever the box lies."""

from __future__ import annotations

import random
from collections import Counter

import h3
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from serve.crm.places import grid, maps
from serve.crm.places.boxes import Box
from serve.crm.places.cells import SHOWN, cell_of, coarser, name_of, resolution_of
from tests.serve.crm.conftest import LEADS
from tests.serve.crm.test_places import fields_of, latitudes, longitudes

MAP = "/api/v1/map"
WORLD = "-180,-90,180,90"
ODD = [
    *((-90.0, 0.0), (90.0, 180.0), (0.0, -180.0), (0.0, 180.0), (85.06, 10.0), (-85.06, -10.0), (0.0, 0.0)),
    *((-16.9, 179.999), (-16.9, -179.999), (53.0758, 8.8072), (53.0758, 8.8072)),
]


@pytest.fixture(scope="module")
def spread(firm):
    """Leads of ``b`` all over the world, most of them in a few towns; their points and values."""
    chance = random.Random(11)
    towns = [(chance.uniform(-60, 70), chance.uniform(-175, 175)) for _ in range(6)]
    spots = [
        (lat + chance.gauss(0, 0.05), lng + chance.gauss(0, 0.05)) for lat, lng in towns for _ in range(40)
    ]
    spots += [(chance.uniform(-90, 90), chance.uniform(-180, 180)) for _ in range(60)] + ODD
    owner = firm.client("owner", firm.b)
    rows = [
        {
            "full_name": f"Lead {n}",
            "latitude": lat,
            "longitude": lng,
            "source": "fair" if n % 3 else "web",
            "value_cents": n if n % 4 else None,
            "tags": ["vip"] if n % 5 == 0 else [],
        }
        for n, (lat, lng) in enumerate(spots)
    ]
    rows.append({"full_name": "Nowhere"})
    for start in range(0, len(rows), 100):
        made = owner.post(f"{LEADS}/bulk", json={"rows": rows[start : start + 100]})
        assert made.is_success, made.text
        assert made.json()["data"]["failed"] == 0, made.text
    return rows[:-1]


@pytest.fixture
def reader(firm):
    return firm.client("viewer", firm.b)


def ask(client, what: str, bbox: str = WORLD, **words: object):
    answer = client.get(f"{MAP}/{what}", params={"bbox": bbox, **words})
    assert answer.status_code == 200, answer.text
    return answer.json()


def within(rows, box: Box):
    return [row for row in rows if box.has(row["latitude"], row["longitude"])]


class TestCells:
    @given(latitudes, longitudes, st.integers(0, 15))
    @example(90.0, 0.0, 0)
    @example(-90.0, 180.0, 3)
    def test_a_coarser_cell_is_the_parent_of_the_finer_one(self, lat, lng, resolution):
        finest = cell_of(lat, lng)
        assert name_of(coarser(finest, resolution)) == h3.cell_to_parent(h3.int_to_str(finest), resolution)
        assert 0 < finest < 2**63

    def test_a_closer_map_has_no_larger_cells(self):
        found = [resolution_of(zoom) for zoom in range(23)]
        assert found == sorted(found)
        assert (found[0], found[-1]) == (0, SHOWN)


boxes = st.builds(
    lambda west, east, lats: Box(west, min(lats), east, max(lats)),
    longitudes,
    longitudes,
    st.tuples(latitudes, latitudes),
)


class TestSquares:
    @given(boxes, st.integers(0, 22))
    def test_no_answer_has_too_many(self, box, zoom):
        level = grid.level_of(zoom, box)
        assert 0 <= level <= zoom + 2
        assert grid._squares(box, level) <= grid.MOST_SQUARES

    def test_a_small_box_has_the_squares_of_its_zoom(self):
        assert grid.level_of(14, Box(8.80, 53.07, 8.82, 53.08)) == 16


class TestClusters:
    def test_their_counts_add_up_to_the_leads_of_the_box_at_every_zoom(self, reader, spread):
        chance = random.Random(3)
        asked = [WORLD, "170,-20,-170,-10", "-180,0,180,0", "8.8072,53.0758,8.8072,53.0758"]
        for _ in range(12):
            south, north = sorted(chance.uniform(-90, 90) for _ in range(2))
            asked.append(
                f"{chance.uniform(-180, 180):.6f},{south:.6f},{chance.uniform(-180, 180):.6f},{north:.6f}"
            )
        for bbox in asked:
            west, south, east, north = map(float, bbox.split(","))
            wanted = len(within(spread, Box(west, south, east, north)))
            for zoom in (0, 2, 5, 9, 16, 22):
                found = ask(reader, "clusters", bbox, zoom=zoom)
                assert sum(each["count"] for each in found["data"]) == wanted, (bbox, zoom)
                assert found["meta"]["lead_count"] == wanted
                assert len(found["data"]) <= grid.MOST_SQUARES

    def test_a_cluster_is_in_the_middle_of_its_leads_and_its_box_has_them(self, reader, spread):
        for each in ask(reader, "clusters", zoom=3)["data"]:
            box = Box(*each["bbox"])
            inside = within(spread, box)
            assert len(inside) >= each["count"]
            assert box.south - 1e-6 <= each["latitude"] <= box.north + 1e-6
            assert box.west - 1e-6 <= each["longitude"] <= box.east + 1e-6
        whole = ask(reader, "clusters", "-0.1,-0.1,0.1,0.1", zoom=0)["data"]
        assert [(each["count"], each["latitude"], each["longitude"]) for each in whole] == [(1, 0.0, 0.0)]

    def test_the_same_leads_give_the_same_clusters(self, reader, spread):
        assert ask(reader, "clusters", zoom=4) == ask(reader, "clusters", zoom=4)

    def test_the_filters_are_those_of_the_list(self, reader, spread):
        asked = {"source": "web", "tags": "vip", "min_value_cents": 10}
        listed = reader.get(LEADS, params={**asked, "per_page": 1000}).json()["data"]
        wanted = sum(row["latitude"] is not None for row in listed)
        assert 0 < wanted < len(spread)
        assert ask(reader, "clusters", **asked)["meta"]["lead_count"] == wanted
        assert ask(reader, "heatmap", **asked)["meta"]["lead_count"] == wanted
        assert len(ask(reader, "leads", **asked)["data"]["features"]) == wanted


class TestHeat:
    @pytest.mark.parametrize("resolution", [0, 3, 7, 12])
    def test_each_lead_is_in_its_cell(self, reader, spread, resolution):
        finest = (h3.latlng_to_cell(row["latitude"], row["longitude"], 15) for row in spread)
        wanted = Counter(h3.cell_to_parent(cell, resolution) for cell in finest)
        found = ask(reader, "heatmap", resolution=resolution)
        assert {each["cell"]: each["count"] for each in found["data"]} == wanted
        assert found["meta"]["lead_count"] == len(spread)
        assert [each["weight"] for each in found["data"]] == sorted(wanted.values(), reverse=True)

    def test_rows_that_the_service_has_not_written_are_in_theirs_too(self, firm, reader, spread):
        before = ask(reader, "heatmap", resolution=5, weight="value")
        firm.sql(
            "update leads set cell = null where tenant_id = %s and value_cents %% 2 = 0 returning 1", firm.b
        )
        assert ask(reader, "heatmap", resolution=5, weight="value") == before

    def test_too_many_without_a_cell_are_said_to_be_too_many(self, firm, reader, spread, monkeypatch):
        firm.sql("update leads set cell = null where tenant_id = %s returning 1", firm.b)
        monkeypatch.setattr(maps, "MOST_UNCELLED", 10)
        found = ask(reader, "heatmap", resolution=5)
        assert found["meta"]["is_truncated"] is True

    def test_value_is_summed_up_in_one_currency(self, firm, reader, spread):
        found = ask(reader, "heatmap", zoom=4, weight="value")
        assert sum(each["weight"] for each in found["data"]) == sum(row["value_cents"] or 0 for row in spread)
        assert found["meta"]["currency"] == "EUR"
        assert found["meta"]["without_value_count"] == sum(row["value_cents"] is None for row in spread)
        assert ask(reader, "heatmap", zoom=4, weight="value", currency="USD")["meta"]["lead_count"] == 0

    def test_a_cell_shows_its_corners_where_that_is_asked(self, reader, spread):
        cell = ask(reader, "heatmap", "8,53,9,54", zoom=8, outline=True)["data"][0]
        assert cell["outline"][0] == cell["outline"][-1]
        assert {(lat, lng) for lng, lat in cell["outline"]} == set(h3.cell_to_boundary(cell["cell"]))
        assert ask(reader, "heatmap", "8,53,9,54", zoom=8)["data"][0]["outline"] is None

    def test_the_hottest_are_shown_and_the_rest_is_said(self, reader, spread, monkeypatch):
        monkeypatch.setattr(maps, "MOST_CELLS", 3)
        found = ask(reader, "heatmap", resolution=6)
        assert (len(found["data"]), found["meta"]["is_truncated"]) == (3, True)
        assert found["meta"]["lead_count"] == len(spread)


class TestPoints:
    def test_they_are_what_maps_take(self, reader, spread):
        found = ask(reader, "leads", "8.8,53.07,8.81,53.08")
        assert found["data"]["type"] == "FeatureCollection"
        for feature in found["data"]["features"]:
            assert feature["geometry"] == {"type": "Point", "coordinates": [8.8072, 53.0758]}
            assert (
                reader.get(f"{LEADS}/{feature['id']}").json()["data"]["source"]
                == (feature["properties"]["source"])
            )
        assert len(found["data"]["features"]) == 2
        assert found["meta"] == {"limit": 1000, "is_truncated": False}

    def test_they_come_bare_where_that_is_asked(self, reader, spread):
        answer = reader.get(
            f"{MAP}/leads", params={"bbox": WORLD, "limit": 2}, headers={"Accept": "application/geo+json"}
        )
        assert answer.headers["content-type"] == "application/geo+json"
        assert answer.json()["type"] == "FeatureCollection"
        assert (len(answer.json()["features"]), answer.json()["is_truncated"]) == (2, True)
        refused = reader.get(f"{MAP}/leads", params={"bbox": WORLD}, headers={"Accept": "image/png"})
        assert refused.status_code == 406

    def test_more_than_the_limit_are_said_to_be_more(self, reader, spread):
        found = ask(reader, "leads", limit=5)
        assert (len(found["data"]["features"]), found["meta"]["is_truncated"]) == (5, True)


class TestWhatIsAsked:
    @pytest.mark.parametrize("what", ["leads", "heatmap", "clusters"])
    @pytest.mark.parametrize(
        ("asked", "named"),
        [
            ({}, ["bbox"]),
            ({"bbox": "1,2,3"}, ["bbox"]),
            ({"bbox": "0,0,0,91"}, ["bbox"]),
            ({"bbox": "0,2,0,1"}, ["bbox"]),
            ({"bbox": WORLD, "status": "sleeping"}, ["status[0]"]),
        ],
    )
    def test_what_is_wrong_is_named(self, reader, what, asked, named):
        found = fields_of(reader.get(f"{MAP}/{what}", params=asked))
        assert [each.split("[")[0].split(".")[0] for each in found] == [each.split("[")[0] for each in named]

    def test_only_who_reads_leads_sees_them_and_only_their_own(self, firm, spread):
        assert (
            firm.client("technician", firm.b).get(f"{MAP}/leads", params={"bbox": WORLD}).status_code == 403
        )
        assert ask(firm.client("owner", firm.a), "clusters")["meta"]["lead_count"] == 0


class TestCellOfALead:
    def cell(self, firm, row_id: str):
        return firm.sql("select cell from leads where id = %s", row_id)[0][0]

    def test_it_follows_the_coordinates(self, firm, owner, lead):
        row = lead(latitude=53.0758, longitude=8.8072)
        assert self.cell(firm, row["id"]) == cell_of(53.0758, 8.8072)
        owner.patch(f"{LEADS}/{row['id']}", json={"latitude": 53.2})
        assert self.cell(firm, row["id"]) == cell_of(53.2, 8.8072)
        count = len(firm.events(row["id"]))
        owner.patch(f"{LEADS}/{row['id']}", json={"latitude": 53.2})
        assert len(firm.events(row["id"])) == count
        assert not any("cell" in (after or {}) for _, _, after in firm.events(row["id"]))
        owner.patch(f"{LEADS}/{row['id']}", json={"latitude": None, "longitude": None})
        assert self.cell(firm, row["id"]) is None

    def test_whoever_moves_it_past_the_service_takes_the_cell_away(self, firm, lead):
        row = lead(latitude=53.0758, longitude=8.8072)
        firm.sql("update leads set latitude = 10 where id = %s returning 1", row["id"])
        assert self.cell(firm, row["id"]) is None

"""A morning in front of the map: where leads are, where they are worth most, who lives in one street."""

from __future__ import annotations

GROUP = "maps"
TOWN = "8.6,53.0,9.0,53.2"


def test_a_morning_in_front_of_the_map(office):
    agent, stranger = office.person("agent"), office.person("owner", "b")
    for name, latitude, longitude, value_cents in (
        ("Ada Byron", 53.0758, 8.8072, 100_000),
        ("Charles Babbage", 53.0759, 8.8073, 20_000),
        ("Mary Somerville", 53.15, 8.62, 500_000),
        ("George Airy", 51.48, 0.0, None),
    ):
        agent(
            "POST /api/leads",
            {"fullName": name, "latitude": latitude, "longitude": longitude, "valueCents": value_cents},
        )
    office.restart()

    # The whole country is one number; a closer look tells two places apart.
    far = agent("GET /api/v1/map/clusters", bbox="-10,45,20,60", zoom=2)
    assert (sum(each["count"] for each in far.data), far.meta["lead_count"]) == (4, 4)
    near = agent("GET /api/v1/map/clusters", bbox=TOWN, zoom=10)
    assert sorted(each["count"] for each in near.data) == [1, 2]
    assert agent("GET /api/v1/map/clusters", bbox=TOWN, zoom=10).data == near.data

    # Most are in the middle of the town, but the money is not.
    assert agent("GET /api/v1/map/heatmap", bbox=TOWN, zoom=10).data[0]["count"] == 2
    worth = agent("GET /api/v1/map/heatmap", bbox=TOWN, zoom=10, weight="value")
    assert [each["weight"] for each in worth.data] == [500_000, 120_000]
    assert worth.meta["currency"] == "EUR"

    # Who it is.
    street = agent("GET /api/v1/map/leads", bbox="8.80,53.07,8.81,53.08", status="new").data
    assert {each["properties"]["full_name"] for each in street["features"]} == {
        "Ada Byron",
        "Charles Babbage",
    }
    agent("GET /api/v1/map/leads", bbox="8.80,53.07", refused=422)
    assert stranger("GET /api/v1/map/leads", bbox=TOWN).data["features"] == []

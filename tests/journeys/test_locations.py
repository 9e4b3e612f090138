"""A week with a map: places are noted, found by what is near, moved and given up."""

from __future__ import annotations

GROUP = "locations"
MARKET = {"latitude": 53.0758, "longitude": 8.8072}


def test_a_week_with_a_map(office):
    agent, manager, stranger = office.person("agent"), office.person("manager"), office.person("owner", "b")
    depot = manager(
        "POST /api/v1/locations",
        {"name": "Bremen depot", "kind": "depot", "city": "Bremen", "radiusM": 3000, **MARKET},
    )
    place_id = depot.data["id"]
    harbour = manager(
        "POST /api/v1/locations",
        {"name": "Harbour", "city": "Bremerhaven", "latitude": 53.54, "longitude": 8.58},
    ).data["id"]

    # On the way to a customer: what is near, and who else lives there.
    near = agent("GET /api/v1/locations/nearby", latitude=53.08, longitude=8.81, radius_m=5000)
    assert [row["id"] for row in near.data] == [place_id]
    assert 400 < near.data[0]["distance_m"] < 600
    lead = agent("POST /api/leads", {"fullName": "Ada Byron", "latitude": 53.08, "longitude": 8.8}).data["id"]
    tied = agent("POST /api/leads", {"fullName": "Charles B.", "locationId": place_id}).data["id"]
    of_depot = agent("GET /api/v1/locations/{id}/leads", id=place_id)
    assert [(row["id"], row["tie"]) for row in of_depot.data] == [(lead, "radius"), (tied, "hand")]

    # It moves; who read an older version is told so. It is all there after a restart.
    moved = {"name": "Bremen depot", "kind": "depot", "city": "Verden", "latitude": 52.92, "longitude": 9.23}
    manager("PUT /api/v1/locations/{id}", moved, id=place_id, if_match=depot.etag)
    agent("PUT /api/v1/locations/{id}", moved, id=place_id, if_match=depot.etag, refused=412)
    office.restart()
    shown = agent("GET /api/v1/locations/{id}", id=place_id).data
    assert (shown["city"], shown["radius_m"]) == ("Verden", None)
    assert [row["id"] for row in agent("GET /api/v1/locations/{id}/leads", id=place_id).data] == [tied]
    found = agent("GET /api/v1/locations/search", search="verden")
    assert [row["id"] for row in found.data] == [place_id]
    by_kind = agent("GET /api/v1/locations/stats", by="kind").data
    assert by_kind["total"] == 2
    assert {"value": "depot", "count": 1} in by_kind["by"]["kind"]
    stranger("GET /api/v1/locations/{id}", id=place_id, refused=404)

    manager("DELETE /api/v1/locations/{id}", id=harbour)
    assert [row["id"] for row in agent("GET /api/v1/locations").data] == [place_id]

"""A segment is tried as a filter, kept, and followed while its people change."""

from __future__ import annotations

GROUP = "segments"


def test_who_is_worth_a_call(office):
    agent, stranger = office.person("agent"), office.person("owner", "b")
    ada = agent(
        "POST /api/v1/leads", {"full_name": "Ada Byron", "tags": ["fair"], "value_cents": 90_000}
    ).data
    agent("POST /api/v1/leads", {"full_name": "Ben Ohm", "tags": ["fair"]})
    at_the_fair = {"field": "tags", "op": "has", "value": ["fair"]}
    where = {"all": [at_the_fair, {"field": "value_cents", "op": "gte", "value": 50_000}]}
    assert [row["id"] for row in agent("POST /api/v1/leads/advanced-filter", {"where": where}).data] == [
        ada["id"]
    ]

    kept = agent("POST /api/v1/segments", {"name": "Worth a call", "conditions": where}).data["id"]
    office.restart()
    assert [row["full_name"] for row in agent("GET /api/v1/segments/{id}/members", id=kept).data] == [
        "Ada Byron"
    ]
    agent("PATCH /api/v1/leads/{id}", {"value_cents": 10_000}, id=ada["id"])
    assert agent("GET /api/v1/segments/{id}/count", id=kept).data == {"count": 0}
    stranger("GET /api/v1/segments/{id}/members", id=kept, refused=404)

"""Somebody rings up; whoever answers types what they hear, and finds the person, the paper and the van."""

from __future__ import annotations

GROUP = "search"
SEARCH = "GET /api/search"


def test_what_is_typed_on_the_telephone(office):
    agent, technician, stranger = (
        office.person("agent"),
        office.person("technician"),
        office.person("owner", "b"),
    )
    account = agent("POST /api/v1/accounts", {"name": "Obsthof Quitte", "country": "DE"}).data["id"]
    person = {"full_name": "Wilhelmine Krause", "phone": "+49 5542 901820", "account_id": account}
    contact = agent("POST /api/v1/contacts", person).data["id"]
    lines = [{"description": "New cooling", "unit_price_cents": 90_000}]
    quote = agent("POST /api/quotes", {"account_id": account, "title": "Cooling", "lines": lines}).data

    assert [hit["id"] for hit in agent(SEARCH, q="05542 901820").data] == [contact]
    heard = agent(SEARCH, q="willhelmine krauße")
    assert ([hit["title"] for hit in heard.data], heard.meta["is_corrected"]) == (["Wilhelmine Krause"], True)
    assert agent(SEARCH, q="quitte obst").data[0]["id"] == account
    office.restart()
    [found] = agent(SEARCH, q=quote["number"], kinds="quote").data
    assert agent(f"GET {found['href']}").data["title"] == "Cooling"
    assert technician(SEARCH, q="krause").data == []
    assert stranger(SEARCH, q="krause").data == []

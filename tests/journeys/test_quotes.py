"""From the first guess to the job: a customer asks what something costs, chooses, and says yes."""

from __future__ import annotations

GROUP = "quotes"
BOILER = {"description": "Replace the boiler", "unit_price_cents": 240_000, "tax_basis_points": 1900}
THERMOSTAT = {
    "description": "Thermostat in each room",
    "quantity": 4,
    "unit_price_cents": 8_900,
    "tax_basis_points": 1900,
    "is_optional": True,
    "is_chosen": False,
}


def test_from_a_guess_to_a_price(office):
    agent, manager, stranger = office.person("agent"), office.person("manager"), office.person("owner", "b")
    account = agent("POST /api/v1/accounts", {"name": "Nordlicht GmbH", "country": "DE"}).data["id"]
    ada = {"full_name": "Ada Byron", "email": "ada@example.org", "account_id": account}
    contact = agent("POST /api/v1/contacts", ada).data["id"]

    # On the telephone somebody guesses; the customer sends a picture, and the guess becomes a better one.
    guess = {"accountId": account, "contactId": contact, "title": "New boiler", "lines": [BOILER]}
    estimate = agent("POST /api/estimates", guess).data
    assert (estimate["number"][:2], estimate["total_cents"]) == ("E-", 285_600)
    better = {"lines": [BOILER, THERMOSTAT]}
    agent("PATCH /api/estimates/{id}", better, id=estimate["id"])
    assert len(manager("GET /api/estimates/{id}", id=estimate["id"]).data["lines"]) == 2
    assert [row["id"] for row in manager("GET /api/estimates", status="draft").data] == [estimate["id"]]
    assert stranger("GET /api/estimates").data == []

    # It becomes a quote; another one is written from nothing.
    quote = agent("POST /api/v1/estimates/{id}/quote", id=estimate["id"]).data
    other = agent("POST /api/quotes", {"account_id": account, "lines": [BOILER]}).data
    assert {row["number"] for row in agent("GET /api/quotes").data} == {quote["number"], other["number"]}
    manager("PATCH /api/quotes/{id}", {"deposit_basis_points": 3000}, id=quote["id"])
    office.restart()
    assert agent("GET /api/quotes/{id}", id=quote["id"]).data["deposit_cents"] == 85_680
    stranger("GET /api/quotes/{id}", id=quote["id"], refused=404)

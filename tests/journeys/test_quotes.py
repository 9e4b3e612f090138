"""From the first guess to the job: a customer asks what something costs, chooses, and says yes."""

from __future__ import annotations

import re

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


def key_of(office) -> str:
    """Of the last mail's link."""
    ((text,),) = office.firm.sql("select text from mails order by created_at desc, id desc limit 1")
    return re.search(r"/quotes/accept\S*#([\w-]+)", text)[1]


def test_from_a_price_to_a_job(office):
    agent, customer, stranger = office.person("agent"), office.stranger(), office.person("owner", "b")
    account = agent(
        "POST /api/v1/accounts", {"name": "Familie Byron", "country": "DE", "kind": "household"}
    ).data
    wish = {
        "account_id": account["id"],
        "recipient_name": "Ada Byron",
        "recipient_email": "ada@example.org",
        "title": "New boiler",
        "lines": [BOILER, THERMOSTAT],
        "deposit_basis_points": 3000,
    }
    quote = agent("POST /api/quotes", wish).data
    agent("POST /api/quotes/{id}/convert", {}, id=quote["id"], refused=409)

    # It is sent, and sent again with a discount: the link of the first mail decides nothing any more.
    agent("POST /api/quotes/{id}/send", {"message": "As we said on the phone:"}, id=quote["id"])
    old = key_of(office)
    agent("PATCH /api/quotes/{id}", {"discount_basis_points": 500}, id=quote["id"])
    stranger("POST /api/quotes/{id}/send", {}, id=quote["id"], refused=404)
    agent("POST /api/quotes/{id}/send", {}, id=quote["id"])
    key = key_of(office)
    office.work()
    customer("POST /api/v1/quotes/link", {"token": old}, refused=410)

    # The customer wants thermostats too, reads what that comes to, and accepts; after a restart once is still once.
    seen = customer("POST /api/v1/quotes/link", {"token": key, "chosen": [2]}).data
    assert (seen["version"], seen["net_cents"], seen["total_cents"]) == (2, 261_820, 311_566)
    said = {"token": key, "chosen": [2], "name": "Ada Byron", "total_cents": seen["total_cents"]}
    customer("POST /api/v1/quotes/link/accept", said)
    office.restart()
    customer("POST /api/v1/quotes/link/accept", said, refused=410)
    assert customer("POST /api/v1/quotes/link", {"token": key}).data["state"] == "accepted"

    # It becomes a job, and the deposit an invoice; its history tells it all.
    done = agent("POST /api/quotes/{id}/convert", {}, id=quote["id"]).data
    assert done["job_id"]
    assert done["invoice_id"]
    agent("POST /api/quotes/{id}/convert", {}, id=quote["id"], refused=409)
    names = [change["name"] for change in agent("GET /api/v1/quotes/{id}/history", id=quote["id"]).data]
    assert names == [
        "quote.converted",
        "quote.accepted",
        "quote.sent",
        "quote.updated",
        "quote.sent",
        "quote.created",
    ]

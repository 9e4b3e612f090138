"""A morning with the bank's statement: what came in for which invoice, and what is still open."""

from __future__ import annotations

from tests.journeys.test_quotes import BOILER, key_of

GROUP = "payments"


def test_from_a_bill_to_the_last_cent(office):
    agent, manager, customer = office.person("agent"), office.person("manager"), office.stranger()
    stranger = office.person("owner", "b")
    account = agent("POST /api/v1/accounts", {"name": "Nordlicht GmbH", "country": "DE"}).data["id"]
    bills = [deposit(office, agent, customer, account) for _ in range(2)]

    # Two deposits are open. Of the first a part comes in at once; somebody else's eyes see nothing of it.
    listed = manager("GET /api/invoices", account_id=account, status="draft").data
    assert {row["id"] for row in listed} == set(bills)
    first, second = bills
    whole = manager("GET /api/invoices/{id}", id=first).data
    assert (whole["open_cents"], len(whole["lines"])) == (85_680, 1)
    part = {"invoiceId": first, "amountCents": 50_000, "method": "bank_transfer"}
    made = manager("POST /api/payments", part).data
    agent("POST /api/payments", part, refused=403)
    stranger("GET /api/payments/{id}", id=made["id"], refused=404)
    assert manager("GET /api/invoices/{id}", id=first).data["open_cents"] == 35_680

    # Too much is refused, also under the other product's address; the rest is taken there, and closes the bill.
    office.restart()
    manager("POST /api/payments", part, refused=422)
    rest = {"invoice_id": first, "amount_cents": 35_680, "method": "cash"}
    manager("POST /api/v1/finance/payments", rest)
    assert manager("GET /api/invoices/{id}", id=first).data["status"] == "paid"
    manager("POST /api/v1/finance/payments", rest, refused=409)
    paid = manager("GET /api/v1/finance/payments", invoice_id=first).data
    assert sorted(row["amount_cents"] for row in paid) == [35_680, 50_000]
    assert manager("GET /api/payments/{id}", id=made["id"]).data == made

    # The second one is paid in one go; the list for the tax adviser says so of both.
    done = manager("POST /api/invoices/{id}/mark-paid", {"method": "direct_debit"}, id=second).data
    assert (done["status"], done["open_cents"]) == ("paid", 0)
    assert [row["amount_cents"] for row in manager("GET /api/payments", invoice_id=second).data] == [85_680]
    exported = manager("GET /api/export/invoices", format="csv", status="paid").response.text
    assert all(row_id in exported for row_id in bills)


def deposit(office, agent, customer, account: str) -> str:
    """The id of a bill of 856.80, which is what a customer pays before the work."""
    wish = {
        "account_id": account,
        "recipient_email": "ada@example.org",
        "lines": [BOILER],
        "deposit_basis_points": 3000,
    }
    quote = agent("POST /api/quotes", wish).data["id"]
    agent("POST /api/quotes/{id}/send", {}, id=quote)
    said = {"token": key_of(office), "name": "Ada Byron", "total_cents": 285_600}
    customer("POST /api/v1/quotes/link/accept", said)
    return agent("POST /api/quotes/{id}/convert", {}, id=quote).data["invoice_id"]

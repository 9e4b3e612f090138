"""A lead comes in by a file and becomes a paying customer with a job; on the way it is taken for somebody else."""

from __future__ import annotations

from tests.journeys.test_customers_and_vans import finished
from tests.journeys.test_quotes import BOILER, THERMOSTAT, key_of

FILE = b"""external_id;full_name;email;phone;company;city;source
F-1;Ada Byron;ada@example.org;+49 421 901820;Nordlicht GmbH;Bremen;fair
F-2;Byron, Ada;a.byron@example.org;0421 901820;Nordlicht;Bremen;fair
F-3;Ben Ohm;ben@example.org;+49 30 1234567;Ohm und Sohn;Berlin;fair
"""


def test_from_a_file_to_a_customer(office):
    agent, manager, customer = office.person("agent"), office.person("manager"), office.stranger()
    state = finished(agent, agent("POST /api/v1/import/leads", files={"file": ("fair.csv", FILE)}))
    assert (state["created_count"], state["failed_count"]) == (3, 0)
    leads = {row["external_id"]: row for row in agent("GET /api/v1/leads", source="fair").data}
    ada, twin = leads["F-1"]["id"], leads["F-2"]["id"]

    # Two of them look like one person; put together they are one, until somebody asks her: it is her sister.
    found = agent("POST /api/v1/duplicates/check", {"full_name": "Ada Byron", "phone": "0421/901820"}).data
    assert {each["id"] for each in found} == {ada, twin}
    agent("POST /api/v1/leads/{id}/notes", {"body": "Asks for a boiler."}, id=twin)
    merge = manager("POST /api/v1/leads/{id}/merge", {"from_id": twin}, id=ada).data
    assert [note["body"] for note in agent("GET /api/v1/leads/{id}/notes", id=ada).data] == [
        "Asks for a boiler."
    ]
    assert agent("GET /api/v1/leads", source="fair").meta["total"] == 2
    office.restart()
    manager("POST /api/v1/merges/{id}/undo", {}, id=merge["id"])
    assert agent("GET /api/v1/leads/{id}/notes", id=ada).data == []
    again = {row["external_id"]: row for row in agent("GET /api/v1/leads", source="fair").data}
    kept = ("full_name", "email", "phone", "company", "status", "tags", "attributes")
    assert [[row[name] for name in kept] for row in again.values()] == [
        [leads[key][name] for name in kept] for key in again
    ]

    # The sister, whose note it is, is called, wants an offer, and becomes a contact with a quote.
    agent("POST /api/v1/leads/{id}/contact", {"kind": "call", "outcome": "reached"}, id=twin)
    offer = {"title": "New boiler", "lines": [BOILER, THERMOSTAT], "deposit_basis_points": 3000}
    made = agent("POST /api/v1/leads/{id}/convert", {"quote": offer}, id=twin).data
    assert made["lead"]["status"] == "qualified"
    quote = made["conversion"]["quote_id"]
    agent("POST /api/quotes/{id}/send", {}, id=quote)
    key = key_of(office)
    office.work()
    seen = customer("POST /api/v1/quotes/link", {"token": key, "chosen": [2]}).data
    said = {"token": key, "chosen": [2], "name": "Ada Byron", "total_cents": seen["total_cents"]}
    customer("POST /api/v1/quotes/link/accept", said)
    office.restart()

    # Her yes is a job and a bill for the deposit; the lead is won, and what was made of it stays.
    done = agent("POST /api/quotes/{id}/convert", {}, id=quote).data
    assert done["job_id"]
    ((status, total_cents),) = office.firm.sql(
        "select status, total_cents from invoices where id = %s", done["invoice_id"]
    )
    assert (status, total_cents) == ("draft", done["deposit_cents"])
    won = agent(
        "PATCH /api/v1/leads/{id}/status", {"status": "won", "value_cents": seen["net_cents"]}, id=twin
    ).data
    assert (won["status"], won["contact_id"]) == ("won", made["conversion"]["contact_id"])
    manager("POST /api/v1/leads/{id}/conversion/undo", id=twin, refused=409)
    funnel = agent("GET /api/v1/leads/funnel", source="fair").data
    counted = [funnel[f"{step}_count"] for step in ("came", "contacted", "qualified", "won", "open")]
    assert counted == [3, 1, 1, 1, 2]
    names = [entry["name"] for entry in agent("GET /api/v1/leads/{id}/timeline", id=twin).data]
    assert names[0] == "lead.won"
    assert {"lead.merged", "lead.unmerged", "lead.converted"} <= set(names)

    # The deposit is on the bank's statement: the bill is paid, and stays so.
    bill = manager("GET /api/invoices/{id}", id=done["invoice_id"]).data
    assert (bill["account_id"], bill["open_cents"]) == (
        made["conversion"]["account_id"],
        done["deposit_cents"],
    )
    money = {"invoice_id": bill["id"], "amount_cents": bill["open_cents"], "method": "bank_transfer"}
    paid = manager("POST /api/payments", money).data
    office.restart()
    bill = agent("GET /api/invoices/{id}", id=bill["id"]).data
    assert (bill["status"], bill["paid_cents"], bill["open_cents"]) == ("paid", done["deposit_cents"], 0)
    assert bill["paid_at"] == paid["paid_at"]
    assert agent("GET /api/payments", account_id=bill["account_id"]).data == [paid]
    told = agent("GET /api/v1/accounts/{id}/activity", id=bill["account_id"]).data
    assert [entry["name"] for entry in told[:2]] == ["invoice.paid", "payment.created"]

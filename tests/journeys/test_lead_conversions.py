"""A call in the morning becomes a customer with a job, and a wrong conversion is undone."""

from __future__ import annotations

GROUP = "lead_conversions"


def test_a_lead_becomes_a_customer(office):
    agent, elsewhere = office.person("agent"), office.person("owner", "b")
    bea = {"full_name": "Bea Bauer", "phone": "+49 421 5550", "source": "call", "tags": ["boiler"]}
    lead = agent("POST /api/leads", bea).data["id"]
    agent("POST /api/v1/leads/{id}/note", {"body": "No hot water."}, id=lead)

    # The wrong button: a contact alone. It is undone, and nothing of it is left.
    asked = "POST /api/leads/{id}/convert"
    elsewhere(asked, {}, id=lead, refused=404)
    first = agent(asked, {}, id=lead).data["conversion"]
    agent(asked, {}, id=lead, refused=409)
    undone = agent("POST /api/v1/leads/{id}/conversion/undo", id=lead).data
    assert (undone["lead"]["status"], undone["lead"]["contact_id"]) == ("new", None)
    agent("GET /api/v1/contacts/{id}", id=first["contact_id"], refused=404)

    # The right one: a household, a contact and the job that was agreed upon.
    job = {"service": "Replace the boiler", "price_cents": 240_000}
    made = agent(asked, {"job": job}, id=lead).data
    assert made["conversion"]["made"] == ["account", "contact", "job"]
    assert (made["lead"]["status"], made["lead"]["value_cents"]) == ("won", 240_000)
    office.restart()
    contact = agent("GET /api/v1/contacts/{id}", id=made["conversion"]["contact_id"]).data
    assert (contact["full_name"], contact["tags"]) == ("Bea Bauer", ["boiler"])
    [note] = agent("GET /api/v1/contacts/{id}/notes", id=contact["id"]).data
    assert (note["body"], note["lead_id"]) == ("No hot water.", lead)
    told = [entry["name"] for entry in agent("GET /api/v1/leads/{id}/timeline", id=lead).data]
    assert told[:3] == ["lead.converted", "lead.won", "lead.qualified"]

    # Work goes on with the contact, so nothing is undone any more.
    agent("PATCH /api/v1/contacts/{id}", {"job_title": "Owner"}, id=contact["id"])
    refused = agent("POST /api/v1/leads/{id}/conversion/undo", id=lead, refused=409)
    assert [detail["field"] for detail in refused.error["details"]] == ["contact"]

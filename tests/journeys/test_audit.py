"""Somebody changed a customer's data: the owner finds out who, and that nobody touched the log."""

from __future__ import annotations

GROUP = "audit"


def test_who_did_it(office):
    agent, manager, viewer, owner = (office.person(role) for role in ("agent", "manager", "viewer", "owner"))
    ada = agent("POST /api/v1/contacts", {"full_name": "Ada Byron", "email": "ada@example.org"}).data["id"]
    manager("PATCH /api/v1/contacts/{id}", {"job_title": "Clerk"}, id=ada)
    viewer("DELETE /api/v1/contacts/{id}", id=ada, refused=403)
    office.stranger()("POST /api/v1/auth/login", {"email": agent.email, "password": "guessed"}, refused=401)
    owner("DELETE /api/v1/contacts/{id}", id=ada)
    office.catch_up()

    # Voice CRM asks for the trail of one row, Clutch for the logs: the same entries, without anybody's mail.
    trail = owner("GET /api/audit", entity_id=ada)
    assert [(entry["name"], entry["actor_name"]) for entry in trail.data] == [
        ("contact.deleted", "Owner of A"),
        ("contact.updated", "Manager of A"),
        ("contact.created", "Agent of A"),
    ]
    assert trail.data[1]["after"] == {"job_title": "Clerk"}
    assert "ada@example.org" not in trail.response.text
    assert owner("GET /api/v1/audit/logs", entity_id=ada).data == trail.data

    # What was refused is known, too.
    security = owner("GET /api/v1/audit/security-events").data
    assert {(entry["name"], entry["entity_id"]) for entry in security} >= {
        ("access.denied", viewer.id),
        ("login.failed", agent.id),
    }
    people = {each["user_id"]: each for each in owner("GET /api/v1/audit/user-activities").data}
    assert people[manager.id]["by_name"]["contact.updated"] == 1
    actions = owner("GET /api/v1/audit/user-activities", userId=manager.id).data
    assert "contact.updated" in {entry["name"] for entry in actions}

    # Looking is noted as well, and not everybody may look.
    looked = owner("GET /api/audit", name="audit.read", actor_id=owner.id).meta["total"]
    assert looked >= 5
    manager("GET /api/audit", refused=403)
    assert office.person("owner", tenant="b")("GET /api/audit", entity_id=ada).data == []
    assert len(office.person("owner", tenant="umbrella")("GET /api/v1/audit/logs", entity_id=ada).data) == 3


def test_nobody_touched_the_log(office):
    owner = office.person("owner")
    account = owner("POST /api/v1/accounts", {"name": "Nordlicht", "country": "DE"}).data["id"]
    office.catch_up()
    before = owner("GET /api/v1/audit/verify").data
    assert before["holds"]
    assert before["event_count"] > 0

    office.restart()
    owner("PATCH /api/v1/accounts/{id}", {"city": "Bremen"}, id=account)
    office.catch_up()
    after = owner("GET /api/v1/audit/verify").data
    assert after["holds"]
    assert after["newest"]["number"] > before["newest"]["number"]
    assert after["event_count"] > before["event_count"]

    # Somebody with the database's own password rewrites the past.
    forged = "update events set happened_at = happened_at - interval '1 day' where entity_id = %s"
    office.firm.sql(forged, account)
    found = owner("GET /api/v1/audit/verify").data
    assert not found["holds"]
    assert after["newest"]["number"] in [seal["number"] for seal in found["broken"]]

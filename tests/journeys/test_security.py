"""An administrator asks whether the house is safe: what is set up, who came in, and that nobody sees the neighbours."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

GROUP = "security"
ISOLATION = "GET /api/v1/b2b/multi-tenant/data-isolation"
PAGE = "GET /api/v1/b2b/advanced-security"


def check(page, name):
    return next(each for each in page.data["checks"] if each["name"] == name)


def control(page, number):
    return next(each for each in page.data["compliance"] if each["number"] == number)


def test_nobody_sees_the_neighbours(office):
    admin = office.person("admin")
    admin("POST /api/v1/contacts", {"full_name": "Ada Byron"})

    # The report says how each kind of data is kept apart, and which routes were asked.
    report = admin(ISOLATION, dataType="contact", isolationLevel="row").data
    (contacts,) = report["row"]["tables"]
    assert (contacts["table"], contacts["is_forced"], contacts["shortcomings"]) == ("contacts", True, [])
    assert report["routes"]["route_count"] > 250
    assert report["last_check"] is None

    # Seeing is one thing: it is tried, with the rights of a request, and leaves nothing behind.
    task = admin("POST /api/v1/b2b/multi-tenant/data-isolation/check").data
    office.work()
    assert admin("GET /api/v1/tasks/{id}", id=task["task_id"]).data["result"]["outcome"] == "held"
    (row,) = admin(f"{ISOLATION}/checks").data
    assert row["broken_count"] == 0
    assert row["user_id"] == admin.id
    assert admin(ISOLATION).data["last_check"]["id"] == row["id"]
    assert check(admin(PAGE), "isolation.holds")["verdict"] == "passed"

    # Somebody "just quickly" opens a table by hand. The next try notices, and the guards hear of it at once.
    office.firm.sql("create policy just_quickly on contacts for select using (true)")
    admin("POST /api/v1/b2b/multi-tenant/data-isolation/check")
    office.work()
    office.catch_up()
    newest = admin(f"{ISOLATION}/checks", sort="-finished_at").data[0]
    assert {each["tried"] for each in newest["findings"] if each["outcome"] == "broken"} == {
        "declared",
        "read_as_stranger",
        "read_without_tenant",
    }
    told = admin("GET /api/v1/notifications", kind="security").data
    assert "crossed" in told[0]["title"]
    page = admin(PAGE, features="isolation")
    assert (page.data["security_level"], check(page, "isolation.holds")["verdict"]) == ("critical", "failed")
    office.firm.sql("drop policy just_quickly on contacts")

    # Neighbours have reports of their own; a manager has none.
    stranger = office.person("admin", tenant="b")
    assert stranger(f"{ISOLATION}/checks").data == []
    stranger(ISOLATION, tenantId=str(office.firm.a), refused=404)
    office.person("manager")(ISOLATION, refused=403)


def test_a_house_is_made_safer(office):
    owner = office.person("owner")
    before = owner(PAGE).data
    assert before["score"] < 100

    # Each finding says what to do, and doing it helps.
    owner(
        "PUT /api/v1/settings/security",
        {"password_min_length": 14, "session_idle_h": 24, "session_longest_h": 480},
    )
    after = owner(PAGE)
    assert {
        check(after, name)["verdict"] for name in ("passwords.length", "sessions.idle", "sessions.longest")
    } == {"passed"}
    assert after.data["score"] > before["score"]
    assert control(after, "V7.3.1")["state"] == "passed"

    # What no program can know somebody vouches for, by name and until a day.
    assert control(after, "A.5.15")["state"] == "needs_person"
    until = str((datetime.now(UTC) + timedelta(days=180)).date())
    word = {
        "control": "A.5.15",
        "verdict": "met",
        "statement": "Read and agreed by the board.",
        "validUntil": until,
    }
    owner("POST /api/v1/security/attestations", word)
    vouched = control(owner(PAGE, compliance="iso27001"), "A.5.15")
    assert (vouched["state"], vouched["attestation"]["user_id"]) == ("passed", owner.id)


def test_somebody_guesses_and_somebody_was_refused(office):
    owner, viewer = office.person("owner", tenant="umbrella"), office.person("viewer", tenant="umbrella")

    # A list of stolen passwords is tried on everybody from one address.
    guesses = office.stranger()
    for role in ("owner", "admin", "manager", "agent", "technician", "provider", "customer", "viewer"):
        guesses(
            "POST /api/v1/auth/login",
            {"email": f"{role}@umbrella.example", "password": "guessed"},
            refused=401,
        )
    office.catch_up()
    office.catch_up()
    (threat,) = owner("GET /api/v1/security/threats", kind="credential_stuffing").data
    assert threat["evidence"]["account_count"] == 8
    assert "as many people" in owner("GET /api/v1/notifications", kind="security").data[0]["title"]
    assert check(owner(PAGE), "log_in.threats")["ids"] == [threat["id"]]
    owner("POST /api/v1/security/threats/{id}/acknowledge", id=threat["id"])
    assert check(owner(PAGE), "log_in.threats")["verdict"] == "passed"

    # "I cannot delete this contact": the owner asks by the number of the refused request.
    refused = viewer("DELETE /api/v1/contacts/{id}", id=str(uuid4()), refused=403)
    office.catch_up()
    found = owner("GET /api/v1/security/why", request_id=refused.error["request_id"]).data
    assert (found["full_name"], found["permission"]) == ("Viewer of Umbrella", "contacts:write")
    assert "agent" in found["roles_with_it"]
    assert owner.id in {each["user_id"] for each in found["who_can_give_it"]}

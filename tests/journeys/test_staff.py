"""From the invitation to the first day, and what comes after: somebody is switched off, comes back, and leaves."""

from __future__ import annotations

import re

GROUP = "staff"
NORA, PASSWORD = "nora@example.org", "a password of hers"


def token_of(office, address: str) -> str:
    """Of the last mail to this address."""
    sent = office.running.wait_for(office.running.app.state.account_mails.send_due())
    *_, mail = [mail for mail in sent if mail.to_address == address]
    return re.search(r"#\w+=([\w-]+)", mail.text)[1]


def test_from_the_invitation_to_the_first_day(office):
    owner, manager, stranger = office.person("owner"), office.person("manager"), office.stranger()

    # The workshop has a department, and somebody who leads it.
    workshop = owner("POST /api/v1/departments", {"name": "Workshop"}).data["id"]
    lead = owner("POST /api/v1/employees", {"full_name": "Lena Lead", "department_id": workshop}).data["id"]
    owner("PATCH /api/v1/departments/{id}", {"head_id": lead}, id=workshop)

    # The manager invites Nora, as nothing more than they are themselves; the first mail is lost, so once more.
    wish = {
        "email": NORA,
        "full_name": "Nora New",
        "role": "technician",
        "department_id": workshop,
        "manager_id": lead,
    }
    manager("POST /api/v1/employees/invite", wish | {"role": "admin"}, refused=403)
    invited = manager("POST /api/v1/employees/invite", wish).data["id"]
    lost = token_of(office, NORA)
    manager("POST /api/v1/employees/invite", wish, refused=409)
    manager("POST /api/v1/employees/invitations/{id}/resend", id=invited)
    token = token_of(office, NORA)
    stranger("GET /api/v1/employees/validate-invitation/{token}", token=lost, refused=410)
    told = stranger("GET /api/v1/employees/validate-invitation/{token}", token=token).data
    assert (told["tenant_name"], told["email"], told["role"]) == ("A", "n***@example.org", "technician")
    assert [each["state"] for each in manager("GET /api/v1/employees/invitations").data] == ["pending"]

    # She accepts, and is at work: the link is used up.
    nora = office.stranger()
    nora.email, nora.password = NORA, PASSWORD
    nora.take(nora("POST /api/v1/employees/accept-invitation", {"token": token, "password": PASSWORD}))
    stranger("POST /api/v1/employees/accept-invitation", {"token": token, "password": PASSWORD}, refused=410)
    assert nora("GET /api/v1/auth/me").data["tenant"]["role"] == "technician"
    assert nora("GET /api/v1/vehicles").data == []
    nora("GET /api/v1/employees", refused=403)

    # Her manager sees her where she belongs.
    [employee] = manager("GET /api/v1/employees", manager_id=lead).data
    assert (employee["full_name"], employee["status"], employee["user_id"]) == ("Nora New", "active", nora.id)
    chart = manager("GET /api/v1/employees/org-chart", department_id=workshop).data
    assert [(each["full_name"], each["level"]) for each in chart] == [("Lena Lead", 1), ("Nora New", 2)]
    owner("DELETE /api/v1/departments/{id}", id=workshop, refused=409)
    [seen] = owner("GET /api/users", search="nora").data
    assert (seen["department_name"], seen["role"], seen["state"]) == ("Workshop", "technician", "active")
    assert seen["last_login_at"]

    # She is switched off: nothing opens any more, from this moment on, and in a new process neither.
    owner("POST /api/v1/admin/users/{id}/deactivate", id=nora.id)
    nora("GET /api/v1/auth/me", refused=401)
    body = {"refresh_token": nora.session["refresh_token"]}
    nora("POST /api/v1/auth/refresh", body, refused=401)
    nora("POST /api/v1/auth/login", {"email": NORA, "password": PASSWORD}, refused=403)
    office.restart()
    nora("GET /api/v1/auth/me", refused=401)

    # She comes back, with more to do; and the one who wanted to undo it comes too late.
    read = owner("GET /api/v1/admin/users/{id}", id=nora.id)
    back = owner("POST /api/v1/admin/users/{id}/reactivate", id=nora.id)
    nora.log_in()
    owner("PUT /api/v1/admin/users/{id}", {"role": "viewer"}, id=nora.id, if_match=read.etag, refused=412)
    owner("PUT /api/v1/admin/users/{id}", {"role": "agent"}, id=nora.id, if_match=back.etag)
    owner("PATCH /api/users/{id}", {"role": "manager"}, id=nora.id)
    nora("GET /api/v1/employees", refused=401)
    nora.log_in()
    assert {each["full_name"] for each in nora("GET /api/v1/employees").data} == {"Lena Lead", "Nora New"}
    assert owner("GET /api/users/{id}", id=nora.id).data["role"] == "manager"

    # She leaves. Her account is hers; here it opens nothing.
    owner("DELETE /api/v1/admin/users/{id}", id=nora.id)
    nora("GET /api/v1/auth/me", refused=401)
    nora("POST /api/v1/auth/login", {"email": NORA, "password": PASSWORD}, refused=403)
    owner("GET /api/v1/admin/users/{id}", id=nora.id, refused=404)
    left = {"status": "left", "left_on": "2026-12-31"}
    owner("PATCH /api/v1/employees/{id}", left, id=employee["id"])
    owner("DELETE /api/v1/admin/users/{id}", id=owner.id, refused=409)

    # All of it is on record, by whom.
    names = [each["name"] for each in owner("GET /api/audit", entity_id=nora.id, per_page=100).data]
    assert [name for name in reversed(names) if name.startswith("user.")] == [
        *("user.added", "user.deactivated", "user.reactivated", "user.role_changed", "user.role_changed"),
        "user.removed",
    ]


def test_people_come_in_by_other_ways(office):
    """Invited by an administrator, with and without an employee; nobody by themselves."""
    owner, stranger = office.person("owner"), office.stranger()
    wish = {"email": "ann@example.org", "full_name": "Ann Agent", "role": "agent"}
    stranger("POST /api/v1/employees/register", wish, refused=401)
    registered = owner("POST /api/v1/employees/register", wish | {"job_title": "Dispatcher"}).data
    assert (registered["status"], registered["job_title"]) == ("invited", "Dispatcher")
    for call, address in (("POST /api/v1/admin/users", "bea"), ("POST /api/users", "cem")):
        made = owner(call, wish | {"email": f"{address}@example.org"}).data
        assert token_of(office, made["email"])
    owner("POST /api/users", wish, refused=409)
    members = {each["email"] for each in owner("GET /api/v1/admin/users", per_page=100).data}
    assert wish["email"] not in members
    everybody = {each["email"] for each in owner("GET /api/v1/employees/invitations", per_page=100).data}
    assert {"ann@example.org", "bea@example.org", "cem@example.org"} <= everybody

"""A child whose first owner is invited: until then nothing is done there."""

from __future__ import annotations

import re
from itertools import count

import pytest

from tests.serve.firm import PASSWORD
from tests.serve.identity.conftest import code

PATH = "/api/v1/tenants"
EMPLOYEES = "/api/v1/employees"
NUMBERS = count(1)
NEW = {"full_name": "Nora New", "password": "a password of hers"}


@pytest.fixture
def umbrella(firm):
    return firm.client("admin", firm.umbrella)


@pytest.fixture
def make(umbrella):
    def make(**values):
        fields = {"kind": "fleet", "country": "DE", "timezone": "Europe/Berlin", "currency": "EUR"}
        owner = {"email": f"nora{next(NUMBERS)}@example.org", "message": "All is prepared."}
        answer = umbrella.post(
            PATH, json={"name": f"Branch {next(NUMBERS)}", **fields, "first_owner": owner, **values}
        )
        assert answer.status_code == 201, answer.text
        return answer.json()["data"]

    return make


def link_of(mail):
    return re.search(r"#invitation=([\w-]+)", mail.text)[1]


def accept(firm, token, **more):
    return firm.running.client().post(f"{EMPLOYEES}/accept-invitation", json={"token": token, **NEW, **more})


def members(firm, child):
    return firm.sql("select user_id, role from memberships where tenant_id = %s", child["id"])


class TestFirstOwners:
    def test_the_child_waits_until_the_owner_has_come(self, firm, make):
        child = make()
        assert (child["state"], members(firm, child)) == ("awaiting_owner", [])
        [mail] = firm.account_mails()
        assert mail.kind == "invitation"
        assert "Umbrella invites you to work with Branch" in mail.text or "Parasol" in mail.text
        assert "All is prepared." in mail.text
        session = accept(firm, link_of(mail))
        assert session.status_code == 200, session.text
        [(user_id, role)] = members(firm, child)
        assert role == "owner"
        client = firm.running.client(Authorization=f"Bearer {session.json()['data']['access_token']}")
        assert client.get("/api/v1/contacts").status_code == 200
        own = client.get(f"{PATH}/{child['id']}").json()["data"]
        assert (own["state"], own["awaiting_owner_since"]) == ("active", None)
        names = [name for name, *_ in firm.events(child["id"])]
        assert names == ["tenant.created", "tenant.awaits_owner", "tenant.owner_arrived"]
        employees = client.get(EMPLOYEES).json()["data"]
        assert [each["user_id"] for each in employees] == [str(user_id)]

    def test_whoever_has_a_seat_does_nothing_there_meanwhile(self, firm, make, umbrella):
        child = make(has_seat=True)
        admin = firm.people[firm.umbrella, "admin"]
        assert members(firm, child) == [(admin, "admin")]
        session = firm.running.client().post(
            "/api/v1/auth/login",
            json={"email": "admin@umbrella.example", "password": PASSWORD, "tenant": child["slug"]},
        )
        client = firm.running.client(Authorization=f"Bearer {session.json()['data']['access_token']}")
        firm.running.wait_for(firm.running.app.state.tenants_watch.look())
        assert code(client.post("/api/v1/contacts", json={"full_name": "Ada"})) == (403, "TENANT_SUSPENDED")
        invite = {"email": "eve@example.org", "role": "viewer"}
        assert code(client.post(f"{EMPLOYEES}/invite", json=invite)) == (403, "TENANT_SUSPENDED")
        assert client.get("/api/v1/auth/me").status_code == 200
        [mail] = firm.account_mails()
        assert accept(firm, link_of(mail)).status_code == 200
        assert client.post("/api/v1/contacts", json={"full_name": "Ada"}).status_code == 201

    def test_another_is_invited_in_the_place_of_the_first(self, firm, make, umbrella):
        child = make()
        [first] = firm.account_mails()
        other = {"email": "olga@example.org", "full_name": "Olga Owner"}
        again = umbrella.post(f"{PATH}/{child['id']}/invite-owner", json=other)
        assert (again.status_code, again.json()["data"]["state"]) == (200, "awaiting_owner")
        [second] = firm.account_mails()
        assert second.to_address == other["email"]
        assert code(accept(firm, link_of(first))) == (410, "INVITATION_REVOKED")
        assert accept(firm, link_of(second)).status_code == 200
        assert code(umbrella.post(f"{PATH}/{child['id']}/invite-owner", json=other)) == (409, "HAS_OWNER")

    def test_whoever_has_an_account_comes_in_with_it(self, firm, make, somebody):
        nora = somebody(b="viewer")
        child = make(first_owner={"email": nora.email})
        [mail] = firm.account_mails()
        accepted = accept(firm, link_of(mail), full_name=None, password=PASSWORD)
        assert accepted.status_code == 200, accepted.text
        assert members(firm, child) == [(nora.id, "owner")]

    def test_without_a_name_the_maker_is_the_owner_as_ever(self, firm, make):
        child = make(first_owner=None)
        assert (child["state"], members(firm, child)) == (
            "active",
            [(firm.people[firm.umbrella, "admin"], "owner")],
        )
        assert firm.account_mails() == []

    def test_nobody_else_invites_owners(self, firm, make):
        child = make()
        firm.account_mails()
        url, owner = f"{PATH}/{child['id']}/invite-owner", {"email": "eve@example.org"}
        assert code(firm.client("owner", firm.b).post(url, json=owner)) == (404, "TENANT_NOT_FOUND")
        assert firm.client("manager", firm.umbrella).post(url, json=owner).status_code == 403
        own = f"{PATH}/{firm.umbrella}/invite-owner"
        assert code(firm.client("owner", firm.umbrella).post(own, json=owner)) == (404, "TENANT_NOT_FOUND")
        theirs = f"{PATH}/{firm.a}/invite-owner"
        assert code(firm.client("owner", firm.umbrella).post(theirs, json=owner)) == (409, "HAS_OWNER")
        assert firm.account_mails() == []

    def test_what_is_no_address_is_named(self, umbrella, make):
        child = make()
        refused = umbrella.post(f"{PATH}/{child['id']}/invite-owner", json={"email": "nobody"})
        assert refused.status_code == 422
        assert [detail["field"] for detail in refused.json()["error"]["details"]] == ["email"]

    def test_it_does_not_leave_its_umbrella_nor_go_on_by_a_resume(self, firm, make, umbrella):
        child = make()
        owner = firm.client("owner", firm.umbrella)
        assert code(owner.post(f"{PATH}/{child['id']}/leave-umbrella")) == (409, "TENANT_AT_REST")
        assert umbrella.post(f"{PATH}/{child['id']}/suspend", json={"reason": "x"}).status_code == 200
        resumed = umbrella.post(f"{PATH}/{child['id']}/resume")
        assert resumed.json()["data"]["state"] == "awaiting_owner"

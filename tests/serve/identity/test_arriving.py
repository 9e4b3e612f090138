"""Who accepts an invitation becomes nobody else, and is not kept out by what has changed meanwhile."""

from __future__ import annotations

from uuid import uuid4

import psycopg
import pytest

from tests.serve.identity.conftest import code
from tests.serve.identity.invitations.conftest import ACCEPT, EMPLOYEES, INVITE, NEW, REGISTER, token_of


@pytest.fixture
def owner(firm):
    return firm.client("owner")


@pytest.fixture
def stranger(firm):
    return firm.running.client()


def invited(firm, owner, **more) -> str:
    email = f"{uuid4().hex}@example.org"
    answer = owner.post(INVITE, json={"email": email, "role": "agent", **more})
    assert answer.status_code == 201, answer.text
    return token_of(firm, email)


def test_of_two_who_were_invited_as_one_employee_the_first_is_it(firm, owner, stranger):
    made = owner.post(EMPLOYEES, json={"full_name": "Nora", "status": "invited"}).json()["data"]
    tokens = [invited(firm, owner, employee_id=made["id"]) for _ in range(2)]
    users = []
    for token in tokens:
        accepted = firm.running.client().post(ACCEPT, json={"token": token, **NEW})
        assert accepted.status_code == 200, accepted.text
        users.append(accepted.json()["data"]["user"]["id"])
    assert owner.get(f"{EMPLOYEES}/{made['id']}").json()["data"]["user_id"] == users[0]
    [(other,)] = firm.sql("select id from employees where user_id = %s", users[1])
    assert str(other) != made["id"]


def test_a_department_and_a_lead_that_are_gone_keep_nobody_out(firm, owner, stranger):
    department = owner.post("/api/v1/departments", json={"name": uuid4().hex}).json()["data"]
    lead = owner.post(EMPLOYEES, json={"full_name": "Lea Lead"}).json()["data"]
    wish = {"department_id": department["id"], "manager_id": lead["id"], "job_title": "Mechanic"}
    token = invited(firm, owner, **wish)
    assert owner.delete(f"/api/v1/departments/{department['id']}").is_success
    assert owner.delete(f"{EMPLOYEES}/{lead['id']}").is_success
    accepted = stranger.post(ACCEPT, json={"token": token, **NEW})
    assert accepted.status_code == 200, accepted.text
    user_id = accepted.json()["data"]["user"]["id"]
    found = firm.sql("select department_id, manager_id, job_title from employees where user_id = %s", user_id)
    assert found == [(None, None, "Mechanic")]


@pytest.fixture
def stands_still(firm):
    """``stands_still("closing")``: tenant ``a``, until the end of the test."""
    look = lambda: firm.running.wait_for(firm.running.app.state.tenants_watch.look())  # noqa: E731

    def hold(state: str) -> None:
        fields = {
            "closing": "closing_since = now(), erase_after = now() + interval '9 days'",
            "suspended": "suspended_at = now()",
        }
        firm.sql(f"update tenants set {fields[state]} where id = %s", firm.a)
        look()

    yield hold
    firm.sql(
        "update tenants set closing_since = null, erase_after = null, suspended_at = null where id = %s",
        firm.a,
    )
    look()


class TestStandingStill:
    def test_nobody_registers_employees(self, firm, owner, stands_still):
        stands_still("suspended")
        wish = {"email": f"{uuid4().hex}@example.org", "full_name": "Rita", "role": "agent"}
        assert code(owner.post(REGISTER, json=wish)) == (403, "TENANT_SUSPENDED")
        assert firm.sql("select 1 from employees where email = %s", wish["email"]) == []

    @pytest.mark.parametrize("path", [ACCEPT, REGISTER])
    def test_nobody_joins_what_is_being_closed(self, firm, owner, stranger, stands_still, path):
        token = invited(firm, owner)
        stands_still("closing")
        assert code(stranger.post(path, json={"token": token, **NEW})) == (403, "TENANT_SUSPENDED")

    def test_reading_waits_for_nobody_who_changes(self, firm, owner):
        with firm_connection(firm) as other:
            other.execute("select 1 from tenants where id = %s for update", (firm.a,))
            assert owner.get(f"/api/v1/tenants/{firm.a}/onboarding").status_code == 200

    def test_a_change_waits_for_no_row_that_refers_to_the_tenant(self, firm, owner):
        with firm_connection(firm) as other:
            other.execute("select 1 from tenants where id = %s for key share", (firm.a,))
            assert owner.patch(f"/api/v1/tenants/{firm.a}", json={"name": "A"}).status_code == 200


def firm_connection(firm):
    return psycopg.connect(firm.address.url("super"))


def test_who_registers_somebody_known_adds_what_is_not_and_changes_nothing(firm, owner):
    email = f"{uuid4().hex}@example.org"
    made = owner.post(EMPLOYEES, json={"full_name": "Rita", "email": email, "phone": "+49 1"}).json()["data"]
    wish = {"full_name": "Rita", "email": email, "role": "agent", "job_title": "Clerk"}
    refused = owner.post(REGISTER, json=wish | {"phone": "+49 2"})
    assert code(refused) == (422, "INVALID")
    assert [each["field"] for each in refused.json()["error"]["details"]] == ["phone"]
    answer = owner.post(REGISTER, json=wish)
    assert answer.status_code == 201, answer.text
    found = answer.json()["data"]
    assert (found["id"], found["job_title"], found["phone"]) == (made["id"], "Clerk", "+49 1")

"""An employment ends and the account with it, in one call; coming back asks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from tests.serve.identity.conftest import code

EMPLOYEES = "/api/v1/employees"


@pytest.fixture
def owner(firm):
    return firm.client("owner")


@pytest.fixture
def hired(firm, owner, somebody):
    """Somebody with an account, and their employee."""

    def hire(role="viewer"):
        person = somebody(a=role)
        made = owner.post(EMPLOYEES, json={"full_name": "Sam Body"}).json()["data"]
        firm.sql("update employees set user_id = %s where id = %s", person.id, made["id"])
        return person, f"{EMPLOYEES}/{made['id']}"

    return hire


def state(firm, person):
    [(found,)] = firm.sql(
        "select state from memberships where user_id = %s and tenant_id = %s", person.id, firm.a
    )
    return found


def today():
    return datetime.now(UTC).date()


class TestLeaving:
    def test_one_call_ends_it_and_switches_the_account_off_at_once(self, firm, owner, hired):
        sam, url = hired()
        client = sam.client()
        assert client.get("/api/v1/auth/me").status_code == 200
        ended = owner.post(f"{url}/end", json={})
        assert ended.status_code == 200, ended.text
        row = ended.json()["data"]
        assert (row["status"], row["left_on"]) == ("left", today().isoformat())
        assert state(firm, sam) == "suspended"
        assert client.get("/api/v1/auth/me").status_code == 401
        names = [name for name, *_ in firm.events(row["id"])]
        assert names == ["employee.created", "employee.left"]
        assert [name for name, *_ in firm.events(sam.id)][-1] == "user.deactivated"

    def test_the_account_stays_where_that_is_said(self, firm, owner, hired):
        sam, url = hired()
        ahead = (today() + timedelta(days=30)).isoformat()
        refused = owner.post(f"{url}/end", json={"left_on": ahead})
        assert refused.status_code == 422
        assert [detail["field"] for detail in refused.json()["error"]["details"]] == ["left_on"]
        kept = owner.post(f"{url}/end", json={"left_on": ahead, "keep_account": True})
        assert kept.json()["data"]["left_on"] == ahead
        assert state(firm, sam) == "active"
        later = owner.post(f"{url}/end", json={"left_on": today().isoformat()})
        assert later.status_code == 200, later.text
        assert state(firm, sam) == "suspended"

    def test_whoever_may_not_switch_accounts_off_says_that_it_stays(self, firm, hired):
        sam, url = hired()
        manager = firm.client("manager")  # may write employees, not people
        assert code(manager.post(f"{url}/end", json={})) == (403, "FORBIDDEN")
        assert state(firm, sam) == "active"
        assert manager.post(f"{url}/end", json={"keep_account": True}).status_code == 200

    def test_without_an_account_no_more_is_needed(self, firm, owner):
        made = owner.post(EMPLOYEES, json={"full_name": "Mia"}).json()["data"]
        ended = firm.client("manager").post(f"{EMPLOYEES}/{made['id']}/end", json={})
        assert ended.json()["data"]["status"] == "left"

    def test_it_takes_a_recent_proof(self, firm, hired):
        sam, url = hired()
        token, _ = firm.running.app.state.tokens.issue(
            firm.people[firm.a, "owner"],
            email="owner@a.example",
            tenant_id=firm.a,
            tenant_ids=[firm.a],
            role="owner",
            authenticated_at_s=0.0,
        )
        stale = firm.running.client(Authorization=f"Bearer {token}")
        assert code(stale.post(f"{url}/end", json={})) == (401, "STEP_UP_NEEDED")
        assert state(firm, sam) == "active"
        assert firm.sql("select status from employees where user_id = %s", sam.id) == [("active",)]

    def test_nobody_ends_themselves_or_who_may_more(self, firm, owner, hired):
        boss, url = hired("owner")
        assert firm.client("admin").post(f"{url}/end", json={}).status_code == 403
        own = boss.client()
        assert code(own.post(f"{url}/end", json={})) == (409, "OWN_ACCOUNT")
        assert state(firm, boss) == "active"

    def test_an_unknown_or_foreign_employee(self, firm, owner, hired):
        _, url = hired()
        for client, path in ((owner, f"{EMPLOYEES}/{uuid4()}"), (firm.client("owner", firm.b), url)):
            assert code(client.post(f"{path}/end", json={})) == (404, "EMPLOYEE_NOT_FOUND")


class TestReturning:
    def test_it_asks_whether_the_account_comes_back(self, firm, owner, hired):
        sam, url = hired()
        assert code(owner.post(f"{url}/return", json={})) == (409, "STATUS_NOT_POSSIBLE")
        owner.post(f"{url}/end", json={})
        asked = owner.post(f"{url}/return", json={})
        assert asked.status_code == 422
        assert [detail["field"] for detail in asked.json()["error"]["details"]] == ["reactivate_account"]
        back = owner.post(f"{url}/return", json={"reactivate_account": True})
        assert (back.json()["data"]["status"], back.json()["data"]["left_on"]) == ("active", None)
        assert state(firm, sam) == "active"
        assert sam.client().get("/api/v1/auth/me").status_code == 200
        assert [name for name, *_ in firm.events(UUID(back.json()["data"]["id"]))][-1] == "employee.returned"

    def test_it_may_stay_off(self, firm, owner, hired):
        sam, url = hired()
        owner.post(f"{url}/end", json={})
        back = owner.post(f"{url}/return", json={"reactivate_account": False})
        assert back.json()["data"]["status"] == "active"
        assert state(firm, sam) == "suspended"

"""Erasing people who have accounts: who may decide it, and what becomes of the company and of its other owners."""

from __future__ import annotations

from itertools import count

import pytest

from tests.serve.identity.conftest import code
from tests.serve.identity.test_erasure import PRIVACY, Desk

NUMBERS = count(1)


@pytest.fixture
def desk(firm) -> Desk:
    firm.sql("alter table pipeline_requests alter column status set default 'done'")
    return Desk(firm)


def approved_by(client, request: dict):
    return client.post(f"{PRIVACY}/requests/{request['id']}/approve", json={})


def member(firm, person) -> list:
    return firm.sql("select role from memberships where user_id = %s and tenant_id = %s", person.id, firm.a)


class TestWhoMayDecide:
    @pytest.mark.parametrize("kind", ["user", "employee"])
    def test_nobody_ends_who_may_do_more(self, desk, firm, somebody, kind):
        boss = somebody(a="owner")
        row_id = str(boss.id)
        if kind == "employee":
            row_id = desk.post("/api/v1/employees", {"full_name": "The Boss"})["id"]
            firm.sql("update employees set user_id = %s where id = %s", boss.id, row_id)
        request = desk.asks_to_forget(kind, row_id)
        assert code(approved_by(firm.client("admin"), request)) == (403, "OWNERS_ALONE")
        assert member(firm, boss) == [("owner",)]
        assert approved_by(desk.http, request).status_code == 200

    def test_it_takes_the_right_to_send_people_away(self, desk, firm, somebody):
        slug = f"privacy_only_{next(NUMBERS)}"
        wish = {"slug": slug, "name": slug, "permissions": ["privacy:read", "privacy:write", "contacts:read"]}
        desk.post("/api/v1/roles", wish)
        officer, sam = somebody(a=slug), somebody(a=slug)
        request = desk.asks_to_forget("user", str(sam.id))
        refused = approved_by(officer.client(), request)
        assert code(refused) == (403, "FORBIDDEN")
        assert "users:write" in refused.json()["error"]["message"]
        contact = desk.asks_to_forget("contact", desk.contact()["id"])
        assert approved_by(officer.client(), contact).status_code == 200
        own = desk.asks_to_forget("user", str(officer.id))
        assert approved_by(officer.client(), own).status_code == 200

    def test_trying_again_takes_it_too(self, desk, firm, somebody):
        boss = somebody(a="owner")
        request = desk.asks_to_forget("user", str(boss.id))
        firm.sql("update privacy_requests set status = 'failed' where id = %s", request["id"])
        assert code(approved_by(firm.client("admin"), request)) == (403, "OWNERS_ALONE")

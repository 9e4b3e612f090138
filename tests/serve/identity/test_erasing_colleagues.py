"""Erasing people who have accounts: who may decide it, and what becomes of the company and of its other owners."""

from __future__ import annotations

from itertools import count

import psycopg
import pytest

from tests.serve.firm import PASSWORD
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


@pytest.fixture
def company(firm):
    """``company()``: the slug and id of one without anybody."""

    def make() -> tuple[str, object]:
        slug = f"c{next(NUMBERS)}"
        [(row_id,)] = firm.sql(
            "insert into tenants (slug, name, kind, country, currency) values (%s, %s, 'fleet', 'DE', 'EUR')"
            " returning id",
            *(slug, slug.title()),
        )
        return slug, row_id

    return make


def ends_own_account(person):
    return person.client().request("DELETE", f"{PRIVACY}/me", json={"password": PASSWORD})


def is_there(firm, person) -> bool:
    return firm.sql("select is_active from users where id = %s", person.id) == [(True,)]


class TestOwnAccount:
    def test_an_owner_who_cannot_come_in_is_no_other_owner(self, firm, somebody, company):
        slug, _ = company()
        ada, away = somebody(**{slug: "owner"}), somebody(**{slug: "owner"})
        firm.sql("update memberships set state = 'suspended' where user_id = %s", away.id)
        assert code(ends_own_account(ada)) == (409, "ONLY_OWNER")
        firm.sql("update memberships set state = 'active' where user_id = %s", away.id)
        assert ends_own_account(ada).status_code == 200

    @pytest.mark.parametrize("erasing", ["privacy_erase_account", "privacy_forget_member"])
    def test_of_two_owners_who_go_at_once_one_stays(self, firm, somebody, company, erasing):
        slug, row_id = company()
        one, other = somebody(**{slug: "owner"}), somebody(**{slug: "owner"})
        role = "api" if erasing == "privacy_erase_account" else "worker"
        with (
            psycopg.connect(firm.address.url(role)) as first,
            psycopg.connect(firm.address.url(role)) as second,
        ):

            def goes(connection, person) -> None:
                connection.execute(
                    "select set_config('app.actor', 'user:' || %s, true), set_config('app.tenant_id', %s, true),"
                    " set_config('app.tenant_ids', %s, true), set_config('lock_timeout', '200ms', true)",
                    (str(person.id), str(row_id), str(row_id)),
                )
                connection.execute(f"select {erasing}(%s)", (person.id,))

            goes(first, one)
            with pytest.raises(psycopg.errors.LockNotAvailable):
                goes(second, other)
            second.rollback()
            first.commit()
            with pytest.raises(psycopg.Error) as refused:
                goes(second, other)
            assert refused.value.sqlstate in ("TL001", "23514")
        assert is_there(firm, other)

    def test_every_company_forgets_who_goes_however_they_stand_there(self, firm, somebody, company):
        (working, a), (suspended, b), (_, c) = (company() for _ in range(3))
        sam = somebody(**{working: "viewer", suspended: "viewer"})
        firm.sql(
            "update memberships set state = 'suspended' where user_id = %s and tenant_id = %s", sam.id, b
        )
        firm.sql(
            "insert into employees (tenant_id, user_id, full_name) values (%s, %s, 'Sam Body')", c, sam.id
        )
        answer = ends_own_account(sam)
        assert answer.status_code == 200, answer.text
        assert set(answer.json()["data"]["tenant_ids"]) == {str(a), str(b), str(c)}
        firm.work()
        assert firm.sql("select full_name from employees where tenant_id = %s", c) == [("Erased person",)]
        asked = firm.sql("select tenant_id from privacy_requests where subject_id = %s", sam.id)
        assert {row_id for (row_id,) in asked} == {a, b, c}

    def test_a_hold_of_any_company_keeps_the_account(self, firm, somebody, company):
        slug, b = company()
        sam = somebody(a="viewer", **{slug: "viewer"})
        firm.sql(
            "insert into privacy_holds (tenant_id, subject_kind, subject_id, reason) values (%s, 'user', %s, 'x')",
            *(b, sam.id),
        )
        refused = ends_own_account(sam)
        assert code(refused) == (409, "LEGAL_HOLD")
        assert slug.title() in refused.json()["error"]["message"]
        assert is_there(firm, sam)
        assert member(firm, sam) == [("viewer",)]

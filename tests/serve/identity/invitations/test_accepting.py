"""Whoever holds an invitation comes in: once, with the role that stands in it, new or with an account of before."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest

from tests.serve.firm import PASSWORD
from tests.serve.identity.conftest import AUTH, code
from tests.serve.identity.invitations.conftest import (
    ACCEPT,
    EMPLOYEES,
    INVITATIONS,
    INVITE,
    ME,
    NEW,
    REGISTER,
    USERS,
    token_of,
    validate,
)


class TestAccept:
    def test_somebody_new(self, firm, owner, stranger, invite):
        row, token = invite(role="technician", job_title="Mechanic")
        session = stranger.post(ACCEPT, json={"token": token, **NEW})
        assert session.status_code == 200, session.text
        data = session.json()["data"]
        assert (data["user"]["email"], data["user"]["full_name"]) == (row["email"], "Nora New")
        assert (data["tenant"]["slug"], data["tenant"]["role"]) == ("a", "technician")
        client = firm.running.client(Authorization=f"Bearer {data['access_token']}")
        assert client.get(ME).status_code == 200
        login = {"email": row["email"], "password": NEW["password"]}
        assert firm.running.client().post(f"{AUTH}/login", json=login).status_code == 200
        assert firm.sql(
            "select email_verified_at is not null from users where id = %s", data["user"]["id"]
        ) == [(True,)]
        [employee] = owner.get(EMPLOYEES, params={"search": row["email"]}).json()["data"]
        assert (employee["status"], employee["job_title"], employee["user_id"]) == (
            "active",
            "Mechanic",
            data["user"]["id"],
        )
        after = owner.get(f"{INVITATIONS}/{row['id']}").json()["data"]
        assert (after["state"], after["employee_id"], after["accepted_by"]) == (
            "accepted",
            employee["id"],
            data["user"]["id"],
        )
        assert [name for name, *_ in firm.events(row["id"])] == ["invitation.created", "invitation.accepted"]
        assert "user.added" in [name for name, *_ in firm.events(data["user"]["id"])]

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({"full_name": "Nora"}, "password"),
            ({"password": "long enough"}, "full_name"),
            ({"password": "short"}, "password"),
            ({"full_name": "Nora", "password": "password2026!"}, "password"),
        ],
    )
    def test_what_somebody_new_must_say(self, stranger, invite, body, field):
        _, token = invite()
        refused = stranger.post(ACCEPT, json={"token": token, **body})
        assert refused.status_code == 422
        assert [detail["field"] for detail in refused.json()["error"]["details"]] == [field]
        assert validate(stranger, token).status_code == 200

    def test_the_employee_that_it_is_for(self, owner, stranger, invite):
        made = owner.post(EMPLOYEES, json={"full_name": "Nora Known", "status": "invited", "phone": "+49 1"})
        employee = made.json()["data"]
        _, token = invite(employee_id=employee["id"], job_title="Mechanic")
        assert stranger.post(ACCEPT, json={"token": token, "password": NEW["password"]}).status_code == 200
        after = owner.get(f"{EMPLOYEES}/{employee['id']}").json()["data"]
        assert (after["status"], after["full_name"], after["phone"], after["job_title"]) == (
            "active",
            "Nora Known",
            "+49 1",
            "Mechanic",
        )
        assert after["user_id"]
        wish = {"email": "x-other@example.org", "role": "agent", "employee_id": employee["id"]}
        assert code(owner.post(INVITE, json=wish)) == (409, "HAS_ACCOUNT")

    def test_whose_address_has_an_account(self, firm, owner, somebody, stranger, invite):
        sam = somebody(b="viewer")
        _, token = invite(email=sam.email)
        assert validate(stranger, token).json()["data"]["has_account"] is True
        assert code(stranger.post(ACCEPT, json={"token": token})) == (401, "LOG_IN_FIRST")
        wrong = stranger.post(ACCEPT, json={"token": token, "password": "not the password"})
        assert code(wrong) == (401, "WRONG_CREDENTIALS")
        elses = somebody(b="viewer").client()
        assert code(elses.post(ACCEPT, json={"token": token})) == (401, "LOG_IN_FIRST")
        right = stranger.post(ACCEPT, json={"token": token, "password": PASSWORD})
        assert right.json()["data"]["user"]["id"] == str(sam.id)
        assert right.json()["data"]["tenant"]["slug"] == "a"

    def test_a_password_alone_is_not_enough_where_there_is_a_second_factor(
        self, firm, somebody, stranger, invite
    ):
        sam = somebody(b="viewer")
        _, token = invite(email=sam.email)
        firm.sql(
            "insert into totp_secrets (user_id, sealed_secret, confirmed_at) values (%s, ''::bytea, now())",
            sam.id,
        )
        refused = stranger.post(ACCEPT, json={"token": token, "password": PASSWORD})
        assert code(refused) == (401, "LOG_IN_FIRST")

    def test_whoever_is_logged_in_needs_no_password(self, somebody, invite):
        sam = somebody(b="viewer")
        _, token = invite(email=sam.email)
        accepted = sam.client().post(ACCEPT, json={"token": token})
        assert {each["slug"] for each in accepted.json()["data"]["memberships"]} == {"a", "b"}

    def test_nobody_is_locked_out_by_a_session_that_is_over(self, firm, invite):
        _, token = invite()
        client = firm.running.client(Authorization="Bearer of.an.old-session")
        assert client.post(ACCEPT, json={"token": token, **NEW}).status_code == 200

    def test_of_two_at_once_one_comes_in(self, firm, invite):
        for _ in range(4):
            row, token = invite()
            clients = [firm.running.client() for _ in range(2)]
            with ThreadPoolExecutor(2) as pool:
                bodies = [{"token": token, **NEW}] * 2
                answers = list(
                    pool.map(
                        lambda each: each[0].post(ACCEPT, json=each[1]), zip(clients, bodies, strict=True)
                    )
                )
            assert sorted(answer.status_code for answer in answers) == [200, 410]
            made = firm.sql(
                "select count(*) from users u join memberships m on m.user_id = u.id where u.email = %s",
                row["email"],
            )
            assert made == [(1,)]
            assert firm.sql("select count(*) from employees where email = %s", row["email"]) == [(1,)]

    def test_a_refusal_uses_nothing_up(self, firm, owner, stranger, invite):
        row, token = invite()
        firm.sql("update invitations set role = 'gone' where id = %s", row["id"])
        assert code(stranger.post(ACCEPT, json={"token": token, **NEW})) == (409, "ROLE_GONE")
        assert firm.sql("select 1 from users where email = %s", row["email"]) == []
        firm.sql("update invitations set role = 'agent' where id = %s", row["id"])
        assert stranger.post(ACCEPT, json={"token": token, **NEW}).status_code == 200


class TestRegister:
    def test_with_the_token_of_an_invitation(self, firm, stranger, invite):
        row, token = invite()
        made = stranger.post(REGISTER, json={"token": token, **NEW})
        assert made.status_code == 201, made.text
        assert (made.json()["data"]["email"], made.json()["data"]["status"]) == (row["email"], "active")
        assert "set-cookie" not in made.headers
        login = {"email": row["email"], "password": NEW["password"]}
        assert stranger.post(f"{AUTH}/login", json=login).status_code == 200

    def test_nobody_chooses_their_role(self, stranger, invite):
        _, token = invite()
        refused = stranger.post(REGISTER, json={"token": token, **NEW, "role": "owner"})
        assert refused.json()["error"]["details"] == [
            {"field": "role", "message": "stands in the invitation"}
        ]

    def test_by_an_administrator(self, firm, owner, stranger):
        wish = {
            "email": f"rita-{uuid4().hex}@example.org",
            "full_name": "Rita",
            "role": "agent",
            "job_title": "Clerk",
        }
        made = owner.post(REGISTER, json=wish)
        assert made.status_code == 201, made.text
        employee = made.json()["data"]
        assert (employee["status"], employee["user_id"]) == ("invited", None)
        token = token_of(firm, wish["email"])
        session = stranger.post(ACCEPT, json={"token": token, **NEW}).json()["data"]
        user = owner.get(f"{USERS}/{session['user']['id']}").json()["data"]
        assert (user["role"], user["employee_id"], user["job_title"]) == ("agent", employee["id"], "Clerk")
        assert owner.get(f"{EMPLOYEES}/{employee['id']}").json()["data"]["status"] == "active"
        assert code(owner.post(REGISTER, json=wish)) == (409, "ALREADY_MEMBER")

    def test_it_is_no_open_door(self, firm, stranger):
        wish = {"email": "eve@example.org", "full_name": "Eve", "role": "owner"}
        assert code(stranger.post(REGISTER, json=wish)) == (401, "UNAUTHENTICATED")
        assert code(stranger.post(REGISTER, json=wish | {"password": "a password of hers"})) == (
            401,
            "UNAUTHENTICATED",
        )
        assert code(firm.client("manager").post(REGISTER, json=wish)) == (403, "FORBIDDEN")
        assert code(firm.client("admin").post(REGISTER, json=wish)) == (403, "OWNERS_ALONE")
        assert firm.sql("select 1 from users where email = 'eve@example.org'") == []

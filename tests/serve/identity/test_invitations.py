"""Invitations: one open for each address, links that work once, and whoever holds one comes in."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from uuid import uuid4

import pytest

from serve.identity.invitations.rules import MOST_SENT
from tests.serve.firm import PASSWORD
from tests.serve.identity.conftest import AUTH, code

EMPLOYEES = "/api/v1/employees"
INVITE, INVITATIONS, ACCEPT = (
    f"{EMPLOYEES}/invite",
    f"{EMPLOYEES}/invitations",
    f"{EMPLOYEES}/accept-invitation",
)
REGISTER, ME, USERS = f"{EMPLOYEES}/register", f"{AUTH}/me", "/api/v1/admin/users"
NEW = {"full_name": "Nora New", "password": "a password of hers"}


@pytest.fixture
def owner(firm):
    return firm.client("owner")


@pytest.fixture
def stranger(firm):
    return firm.running.client()


@pytest.fixture
def invite(firm, owner):
    """``invite(role="agent")``: an invitation and the token of its mail."""

    def send(client=None, **fields: object) -> tuple[dict, str]:
        wish = {"email": f"nora-{uuid4().hex}@example.org", "role": "agent", **fields}
        sent = (client or owner).post(INVITE, json=wish)
        assert sent.status_code == 201, sent.text
        return sent.json()["data"], token_of(firm, wish["email"])

    return send


def token_of(firm, email: str) -> str:
    *_, mail = [
        mail for mail in firm.account_mails() if mail.to_address == email and mail.kind == "invitation"
    ]
    return re.search(r"#invitation=([\w-]+)", mail.text)[1]


def validate(client, token: str):
    """By either way to ask."""
    answer = client.get(f"{EMPLOYEES}/validate-invitation/{token}")
    other = client.post(f"{EMPLOYEES}/validate-invitation", json={"token": token})
    assert other.status_code == answer.status_code
    assert other.json().get("data") == answer.json().get("data")
    return answer


class TestSend:
    def test_its_link_is_in_the_mail_alone(self, firm, owner, invite):
        row, token = invite(full_name="Nora New", message="Welcome!")
        assert row["state"] == "pending"
        assert token not in str(owner.get(f"{INVITATIONS}/{row['id']}").json())
        for table in ("account_tokens", "invitations", "events", "account_mails"):
            assert token not in str(firm.sql(f"select t::text from {table} t"))
        [(name, _, after)] = firm.events(row["id"])
        assert name == "invitation.created"
        assert after["email"].keys() == {"sealed"}

    def test_one_open_for_each_address(self, owner, invite):
        row, _ = invite()
        again = {"email": row["email"].upper(), "role": "viewer"}
        assert code(owner.post(INVITE, json=again)) == (409, "INVITATION_OPEN")
        owner.post(f"{INVITATIONS}/{row['id']}/revoke")
        assert owner.post(INVITE, json=again).status_code == 201

    def test_of_many_at_once_one_is_sent(self, firm):
        wish = {"email": f"nora-{uuid4().hex}@example.org", "role": "agent"}
        clients = [firm.client("owner") for _ in range(6)]
        with ThreadPoolExecutor(6) as pool:
            statuses = sorted(pool.map(lambda client: client.post(INVITE, json=wish).status_code, clients))
        assert statuses == [201, 409, 409, 409, 409, 409]

    def test_an_account_elsewhere_makes_no_difference(self, firm, owner, somebody):
        known = somebody(b="viewer")
        one = owner.post(INVITE, json={"email": known.email, "role": "agent"}).json()["data"]
        other = owner.post(INVITE, json={"email": "nobody-x@example.org", "role": "agent"}).json()["data"]
        varying = {"id", "email", "sent_at", "expires_at", "created_at", "updated_at"}
        assert {k: v for k, v in one.items() if k not in varying} == {
            k: v for k, v in other.items() if k not in varying
        }

    def test_a_member_is_not_invited(self, owner, somebody):
        sam = somebody(a="viewer")
        assert code(owner.post(INVITE, json={"email": sam.email, "role": "agent"})) == (409, "ALREADY_MEMBER")

    @pytest.mark.parametrize(
        ("giver", "role", "refused"),
        [
            ("manager", "admin", (403, "MORE_THAN_YOURS")),
            ("admin", "owner", (403, "OWNERS_ALONE")),
            ("manager", "no-such-role", (422, "INVALID")),
            ("agent", "viewer", (403, "FORBIDDEN")),
        ],
    )
    def test_nobody_gives_more_than_they_have(self, firm, giver, role, refused):
        wish = {"email": f"nora-{uuid4().hex}@example.org", "role": role}
        assert code(firm.client(giver).post(INVITE, json=wish)) == refused

    def test_several(self, owner):
        wish = {"email": f"nora-{uuid4().hex}@example.org", "role": "agent"}
        answer = owner.post(f"{INVITATIONS}/bulk", json={"rows": [wish, wish, {**wish, "role": 1}]})
        assert answer.status_code == 207
        results = answer.json()["data"]["results"]
        assert [(each["error"] or {}).get("code") for each in results] == [None, "INVITATION_OPEN", "INVALID"]

    def test_how_long_it_lasts_the_tenant_says(self, owner, invite):
        owner.put("/api/v1/settings/security", json={"invitation_days": 3})
        row, _ = invite()
        owner.put("/api/v1/settings/security", json={"invitation_days": None})
        moments = [datetime.fromisoformat(row[name]) for name in ("sent_at", "expires_at")]
        assert round((moments[1] - moments[0]).total_seconds() / 3600) == 72


class TestList:
    def test_states(self, firm, owner, stranger, invite):
        pending, _ = invite(full_name="Pia Pending")
        accepted, token = invite()
        assert stranger.post(ACCEPT, json={"token": token, **NEW}).status_code == 200
        revoked, _ = invite()
        owner.post(f"{INVITATIONS}/{revoked['id']}/revoke")
        expired, _ = invite()
        firm.sql("update invitations set expires_at = now() - interval '1 s' where id = %s", expired["id"])
        for row, state in (
            (pending, "pending"),
            (accepted, "accepted"),
            (revoked, "revoked"),
            (expired, "expired"),
        ):
            found = owner.get(INVITATIONS, params={"state": state, "per_page": 1000}).json()["data"]
            assert row["id"] in {each["id"] for each in found}
            assert {each["state"] for each in found} == {state}
        assert [each["id"] for each in owner.get(INVITATIONS, params={"search": "pia p"}).json()["data"]] == [
            pending["id"]
        ]

    def test_strangers_see_nothing(self, firm, invite):
        row, _ = invite()
        theirs = firm.client("owner", firm.b)
        assert theirs.get(INVITATIONS).json()["data"] == []
        for path in ("", "/resend", "/revoke"):
            method = "GET" if path == "" else "POST"
            assert code(theirs.request(method, f"{INVITATIONS}/{row['id']}{path}")) == (
                404,
                "INVITATION_NOT_FOUND",
            )


class TestHolder:
    def test_what_the_link_tells(self, stranger, invite):
        row, token = invite(role="technician", full_name="Nora New")
        told = validate(stranger, token)
        assert told.headers["cache-control"] == "no-store"
        assert told.json()["data"] == {
            "tenant_name": "A",
            "tenant_slug": "a",
            "email": f"n***@{row['email'].partition('@')[2]}",
            "full_name": "Nora New",
            "role": "technician",
            "expires_at": row["expires_at"],
            "has_account": False,
        }

    def test_a_guess_tells_nothing(self, stranger):
        for answer in (validate(stranger, "x" * 43), stranger.post(ACCEPT, json={"token": "x" * 43, **NEW})):
            assert code(answer) == (404, "INVITATION_NOT_FOUND")

    @pytest.mark.parametrize(
        ("end", "said"),
        [
            ("accept", "INVITATION_USED"),
            ("revoke", "INVITATION_REVOKED"),
            ("resend", "INVITATION_REPLACED"),
            ("expire", "INVITATION_EXPIRED"),
        ],
    )
    def test_a_link_that_is_over_says_why(self, firm, owner, stranger, invite, end, said):
        row, token = invite()
        if end == "accept":
            stranger.post(ACCEPT, json={"token": token, **NEW})
        elif end == "expire":
            firm.sql("update invitations set expires_at = now() where id = %s", row["id"])
        else:
            assert owner.post(f"{INVITATIONS}/{row['id']}/{end}").status_code == 200
        assert code(validate(stranger, token)) == (410, said)
        assert code(stranger.post(ACCEPT, json={"token": token, **NEW})) == (410, said)
        if end == "resend":
            assert (
                stranger.post(ACCEPT, json={"token": token_of(firm, row["email"]), **NEW}).status_code == 200
            )

    def test_a_token_for_something_else_opens_nothing(self, firm, stranger, invite):
        _, token = invite()
        firm.sql(
            "update account_tokens set purpose = 'password_reset' where hash = sha256(%s)", token.encode()
        )
        assert code(stranger.post(ACCEPT, json={"token": token, **NEW})) == (404, "INVITATION_NOT_FOUND")


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


class TestSendAgain:
    def test_so_often(self, owner, invite):
        row, _ = invite()
        for n in range(1, MOST_SENT):
            sent = owner.post(f"{INVITATIONS}/{row['id']}/resend")
            assert (sent.status_code, sent.json()["data"]["sent_count"]) == (200, n + 1)
        assert code(owner.post(f"{INVITATIONS}/{row['id']}/resend")) == (409, "SENT_TOO_OFTEN")

    def test_what_is_over_stays_over(self, firm, owner, stranger, invite):
        row, token = invite()
        stranger.post(ACCEPT, json={"token": token, **NEW})
        for action in ("resend", "revoke"):
            assert code(owner.post(f"{INVITATIONS}/{row['id']}/{action}")) == (409, "INVITATION_OVER")

    def test_nobody_sends_what_they_could_not_give(self, firm, invite):
        row, _ = invite(role="admin")
        assert code(firm.client("manager").post(f"{INVITATIONS}/{row['id']}/resend")) == (
            403,
            "MORE_THAN_YOURS",
        )


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


def test_no_log_has_the_token(firm, stranger, invite, caplog):
    _, token = invite()
    with caplog.at_level("INFO", logger="throughline.access"):
        assert validate(stranger, token).status_code == 200
        firm.running.wait_for(_write(firm.running.app.state.manners.accesses))
    assert "validate-invitation" in caplog.text
    assert token not in caplog.text


async def _write(accesses) -> None:
    accesses.write()

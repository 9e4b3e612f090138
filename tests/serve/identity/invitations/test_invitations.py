"""Invitations: one open for each address, what whoever holds one is told, and who may send it again."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from uuid import uuid4

import pytest

from serve.identity.invitations.rules import MOST_SENT
from tests.serve.identity.conftest import code
from tests.serve.identity.invitations.conftest import (
    ACCEPT,
    INVITATIONS,
    INVITE,
    NEW,
    token_of,
    validate,
)


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


def test_no_log_has_the_token(firm, stranger, invite, caplog):
    _, token = invite()
    with caplog.at_level("INFO", logger="throughline.access"):
        assert validate(stranger, token).status_code == 200
        firm.running.wait_for(_write(firm.running.app.state.manners.accesses))
    assert "validate-invitation" in caplog.text
    assert token not in caplog.text


async def _write(accesses) -> None:
    accesses.write()

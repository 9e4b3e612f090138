"""Whose server carries an invitation: whoever runs it reads the link, so that it may say nothing of the address."""

from __future__ import annotations

from uuid import uuid4

import pytest

from serve.ports.mail import SmtpServer
from tests.serve.firm import PASSWORD
from tests.serve.identity.invitations.conftest import ACCEPT, INVITE, NEW, token_of, validate

EMAIL = "/api/v1/settings/email"
OURS, THEIRS = "mail.installation.example", "mail.tenant.example"


@pytest.fixture
def owner(firm):
    """Of a tenant with a mail server of its own."""
    http = firm.client()
    answer = http.put(EMAIL, json={"smtp_host": THEIRS, "smtp_port": 587, "from_address": "office@a.example"})
    assert answer.status_code == 200, answer.text
    yield http
    http.put(EMAIL, json={"smtp_host": None, "from_address": None})


@pytest.fixture
def gone_by(monkeypatch):
    """By which servers mails have gone; none is called."""
    hosts: list[str] = []

    async def send(self, message):
        hosts.append(self.host)

    monkeypatch.setattr(SmtpServer, "send", send)
    return hosts


@pytest.fixture
def installation_server(firm, monkeypatch):
    monkeypatch.setattr(firm.running.app.state.account_mails, "_server", SmtpServer(OURS, 587))


def invited(firm, owner, email=None) -> tuple[str, str]:
    email = email or f"{uuid4().hex}@victim.example"
    assert owner.post(INVITE, json={"email": email, "role": "agent"}).status_code == 201
    return email, token_of(firm, email)


def verified(firm, email) -> bool:
    [(is_verified,)] = firm.sql("select email_verified_at is not null from users where email = %s", email)
    return is_verified


class TestWay:
    def test_invitations_go_by_the_installations_server_where_there_is_one(
        self, firm, owner, gone_by, installation_server
    ):
        email, token = invited(firm, owner)
        assert gone_by == [OURS]
        assert validate(firm.running.client(), token).json()["data"]["has_account"] is False
        assert firm.running.client().post(ACCEPT, json={"token": token, **NEW}).status_code == 200
        assert verified(firm, email)

    def test_other_mails_of_the_tenant_go_by_its_own(
        self, firm, owner, somebody, gone_by, installation_server
    ):
        sam = somebody(a="viewer")
        sam.log_in()
        assert owner.post(f"/api/v1/admin/users/{sam.id}/sign-out").is_success
        assert [mail.kind for mail in firm.account_mails()] == ["signed_out"]
        assert gone_by == [THEIRS]


class TestWhoReadsIt:
    @pytest.mark.parametrize("is_known", [False, True])
    def test_a_link_by_the_tenants_server_tells_and_proves_nothing(
        self, firm, owner, somebody, gone_by, is_known
    ):
        email = somebody(b="viewer").email if is_known else None
        email, token = invited(firm, owner, email)
        assert gone_by == [THEIRS]
        owner.put(EMAIL, json={"smtp_host": None})  # no use in hiding it now
        assert validate(firm.running.client(), token).json()["data"]["has_account"] is None
        client = somebody_client(firm, email) if is_known else firm.running.client()
        accepted = client.post(ACCEPT, json={"token": token} | ({} if is_known else NEW))
        assert accepted.status_code == 200, accepted.text
        assert not verified(firm, email)

    def test_the_next_one_that_goes_by_the_installation_does(
        self, firm, owner, somebody, gone_by, monkeypatch
    ):
        email, _ = invited(firm, owner, somebody(b="viewer").email)
        monkeypatch.setattr(firm.running.app.state.account_mails, "_server", SmtpServer(OURS, 587))
        [(row_id,)] = firm.sql("select id from invitations where email = %s", email)
        assert owner.post(f"/api/v1/employees/invitations/{row_id}/resend").status_code == 200
        assert validate(firm.running.client(), token_of(firm, email)).json()["data"]["has_account"] is True


def somebody_client(firm, email):
    session = firm.running.client().post("/api/v1/auth/login", json={"email": email, "password": PASSWORD})
    return firm.running.client(Authorization=f"Bearer {session.json()['data']['access_token']}")

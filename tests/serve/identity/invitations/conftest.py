"""Invitations on their way, and the tokens of their mails."""

from __future__ import annotations

import re
from uuid import uuid4

import pytest

from tests.serve.identity.conftest import AUTH

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

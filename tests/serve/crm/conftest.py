"""Customers of a test's own."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from serve.identity.account_tokens.limits import LinkCalls

LEADS = "/api/v1/leads"
QUOTES, ESTIMATES = "/api/v1/quotes", "/api/v1/estimates"
LINK = f"{QUOTES}/link"
SETTINGS = "/api/v1/settings/general"
BOILER = {
    "description": "Replace the boiler",
    "quantity": "1",
    "unit_price_cents": 240_000,
    "tax_basis_points": 1900,
}


@pytest.fixture
def owner(firm):
    return firm.client("owner")


@pytest.fixture
def customer(owner):
    """An account and a person there."""
    account = owner.post("/api/v1/accounts", json={"name": "Nordlicht GmbH", "country": "DE"}).json()["data"]
    person = {"full_name": "Ada Byron", "email": "ada@example.org", "account_id": account["id"]}
    contact = owner.post("/api/v1/contacts", json=person).json()["data"]
    return {"account_id": account["id"], "contact_id": contact["id"]}


@pytest.fixture
def offer(owner, customer):
    """``offer(lines=[…])``: a new quote, as its making showed it."""

    def make(path: str = QUOTES, **fields: object):
        made = owner.post(path, json={**customer, "lines": [BOILER], **fields})
        assert made.status_code == 201, made.text
        return made.json()["data"]

    return make


@pytest.fixture
def anybody(firm):
    """Somebody who has the link at most."""
    return firm.running.client()


@pytest.fixture
def send(firm, owner):
    """``send(quote)``: sends it; the key of the mail's link."""

    def make(quote, **fields):
        sent = owner.post(f"{QUOTES}/{quote['id']}/send", json=fields)
        assert sent.status_code == 200, sent.text
        return key_of(firm)

    return make


@pytest.fixture
def live_in(firm, owner):
    """``live_in("de-DE")``: that is the tenant's locale for the length of a test."""

    def move(locale: str) -> None:
        assert owner.put(SETTINGS, json={"locale": locale}).status_code == 200

    yield move
    firm.sql("delete from settings where tenant_id = %s and category = 'general'", firm.a)


@pytest.fixture
def few(firm):
    """Three calls with a link at once, then one every 20 s."""
    state = firm.running.app.state
    usual, state.link_calls = state.link_calls, LinkCalls(3)
    yield
    state.link_calls = usual


def last_mail(firm) -> tuple[str, str]:
    """Subject and text."""
    [mail] = firm.sql("select subject, text from mails order by created_at desc, id desc limit 1")
    return mail


def key_of(firm) -> str:
    return re.search(r"/quotes/accept\S*#([\w-]+)", last_mail(firm)[1])[1]


def read(owner, quote):
    return owner.get(f"{QUOTES}/{quote['id']}").json()["data"]


def accept(client, key, total_cents, **fields):
    asked = {"token": key, "name": "Ada Byron", "total_cents": total_cents, **fields}
    return client.post(f"{LINK}/accept", json=asked)


def refused(response, status, code):
    assert (response.status_code, response.json()["error"]["code"]) == (status, code), response.text
    return True


@pytest.fixture
def lead(owner) -> Callable[..., dict[str, Any]]:
    """``lead("Ada", status="contacted")``: a new lead, as its making showed it."""

    def make(full_name: str | None = "Ada Byron", **fields: object) -> dict[str, Any]:
        made = owner.post(LEADS, json={"full_name": full_name, **fields})
        assert made.status_code == 201, made.text
        row: dict[str, Any] = made.json()["data"]
        return row

    return make

"""Customers of a test's own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest


@pytest.fixture
def agent(firm):
    return firm.client("agent")


@pytest.fixture
def customer(firm) -> Callable[..., dict[str, Any]]:
    """``customer("Ada")``: a new account with a contact, as ``{"account_id", "contact_id"}``."""

    def make(name: str = "Ada Byron", email: str | None = "ada@example.org") -> dict[str, Any]:
        owner = firm.client("owner")
        account = owner.post("/api/v1/accounts", json={"name": f"Firm of {name}", "country": "DE"})
        account_id = account.json()["data"]["id"]
        body = {"full_name": name, "email": email, "account_id": account_id}
        contact = owner.post("/api/v1/contacts", json=body)
        return {"account_id": account_id, "contact_id": contact.json()["data"]["id"]}

    return make


@pytest.fixture
def ticket(agent, customer) -> Callable[..., dict[str, Any]]:
    """``ticket(priority="high")``: a new ticket of a new customer, as its making showed it."""

    def make(**fields: Any) -> dict[str, Any]:
        whose = {} if {"account_id", "contact_id"} & fields.keys() else customer()
        made = agent.post("/api/v1/tickets", json={"subject": "The visit was late", **whose, **fields})
        assert made.status_code == 201, made.text
        return made.json()["data"]

    return make

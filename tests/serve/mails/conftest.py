"""A firm that may send mail to this machine, and mails of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import replace
from functools import partial
from typing import Any
from uuid import UUID

import pytest

from serve.kernel.caller import Caller
from serve.kernel.permissions import permissions_of
from serve.kernel.resources import Row
from serve.platform.mails import delivery
from tests.serve.firm import Firm
from tests.serve.platform.smtp_listener import Listener

MAILS = "/api/v1/mails"
MAIL = {"to_address": "ada@example.org", "subject": "Your van is ready", "text": "Pick it up.\n"}


@pytest.fixture(autouse=True)
def ways(firm: Firm) -> Iterator[Callable[..., None]]:
    """Says what this installation allows: mail servers on this machine and two seconds, unless said otherwise."""
    state = firm.running.app.state
    usual = state.mail

    def say(**ways: object) -> None:
        state.mail = replace(usual, **({"private_hosts": True, "timeout_s": 2.0} | ways))

    say()
    yield say
    state.mail = usual
    firm.sql("delete from settings")


@pytest.fixture
def set_up(firm: Firm) -> Callable[[Listener], None]:
    def put(listener: Listener) -> None:
        body = {
            "smtp_host": "127.0.0.1",
            "smtp_port": listener.port,
            "security": listener.security,
            "from_address": "office@a.example",
            "from_name": "Firm A",
        }
        assert firm.client().put("/api/v1/settings/email", json=body).status_code == 200

    return put


@pytest.fixture
def queue(firm: Firm) -> Callable[..., dict[str, Any]]:
    def post(**values: object) -> dict[str, Any]:
        made = firm.client("agent").post(MAILS, json=MAIL | values)
        assert made.status_code == 201, made.text
        return made.json()["data"]

    return post


@pytest.fixture
def begin(firm: Firm) -> Callable[[dict[str, Any]], Future[Row]]:
    """Begins to send a mail, as the background does."""
    return partial(begin_to_deliver, firm)


@pytest.fixture
def deliver(firm: Firm) -> Callable[[dict[str, Any]], Row]:
    """The same to its end."""
    return lambda mail: begin_to_deliver(firm, mail).result(30)


def begin_to_deliver(firm: Firm, mail: dict[str, Any]) -> Future[Row]:
    state = firm.running.app.state
    begin = partial(state.worker_database.transaction, caller_of(firm))
    sending = delivery.deliver(begin, state.mail, UUID(mail["id"]), state.files.storage)
    return asyncio.run_coroutine_threadsafe(sending, firm.running._loop)


def caller_of(firm: Firm) -> Caller:
    return Caller(
        user_id=firm.people[firm.a, "agent"],
        email="agent@a.example",
        tenant_id=firm.a,
        role="agent",
        permissions=permissions_of("agent"),
        tenant_ids=(firm.a,),
        token_id="",
        expires_at_s=0,
    )


def events_of(firm: Firm, mail: dict[str, Any]) -> list[str]:
    return [name for name, _, _ in firm.events(mail["id"])]

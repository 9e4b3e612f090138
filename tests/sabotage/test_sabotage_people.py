"""Guards of accounts, owners and suspensions taken away one at a time: what stands for each must notice."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from serve.identity.account_mails.kinds import KINDS
from serve.identity.account_mails.service import AccountMails
from serve.identity.consents import service as consents
from serve.identity.privacy.errors import NoPerson
from serve.identity.tenants import operating
from serve.ports.mail import SmtpServer
from tests.sabotage.test_sabotage import Patch, Sabotage, instead, sql
from tests.serve.identity.invitations.conftest import token_of
from tests.surface.calls import Surface

GONE_BY: list[str] = []


async def send(self: SmtpServer, message: Any) -> None:
    GONE_BY.append(self.host)


async def nothing(*_: Any, **__: Any) -> None:
    pass


def invited(surface: Surface, server: SmtpServer | None) -> dict[str, Any]:
    """What the link of an invitation tells, of a tenant with a mail server of its own."""
    firm, email = surface.firm, f"{uuid4().hex}@example.org"
    server_of_theirs = {"smtp_host": "mail.tenant.example", "smtp_port": 587, "from_address": "a@a.example"}
    assert firm.client().put("/api/v1/settings/email", json=server_of_theirs).status_code == 200
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SmtpServer, "send", send)
        patch.setattr(firm.running.app.state.account_mails, "_server", server)
        firm.client().post("/api/v1/employees/invite", json={"email": email, "role": "agent"})
        token = token_of(firm, email)
    answer = firm.running.client().get(f"/api/v1/employees/validate-invitation/{token}")
    told: dict[str, Any] = answer.json()["data"]
    return told


def links_go_by_the_installation(surface: Surface) -> None:
    GONE_BY.clear()
    invited(surface, SmtpServer("mail.installation.example", 587))
    assert GONE_BY == ["mail.installation.example"]


def a_link_that_others_read_tells_nothing(surface: Surface) -> None:
    assert invited(surface, None)["has_account"] is None


def some_owner_stays(surface: Surface) -> None:
    """One of two goes who is the only one that can come in; then both go at once."""
    firm = surface.firm
    users = [firm.people[firm.b, role] for role in ("owner", "admin")]
    firm.sql("update memberships set role = 'owner', state = 'suspended' where user_id = %s", users[1])
    assert not goes(surface, users[0])
    firm.sql("update memberships set state = 'active' where user_id = %s", users[1])
    with psycopg.connect(firm.address.url("api")) as meanwhile:
        ask_to_go(meanwhile, users[0])
        assert not goes(surface, users[1])


def goes(surface: Surface, user_id: Any) -> bool:
    with psycopg.connect(surface.firm.address.url("api")) as connection:
        try:
            ask_to_go(connection, user_id)
        except psycopg.Error:
            return False
        finally:
            connection.rollback()
    return True


def ask_to_go(connection: Any, user_id: Any) -> None:
    connection.execute(
        "select set_config('app.actor', 'user:' || %s, true), set_config('lock_timeout', '200ms', true)",
        (str(user_id),),
    )
    connection.execute("select privacy_erase_account(%s)", (user_id,))


def the_operators_word_stands(surface: Surface) -> None:
    firm = surface.firm

    async def suspend() -> bool:
        async with firm.running.app.state.worker_database.transaction() as db:
            return await operating._held(db, "a", "Spam.")

    assert firm.running.wait_for(suspend())
    firm.client("admin", firm.umbrella).post(f"/api/v1/tenants/{firm.a}/resume")
    assert firm.sql("select state from tenants where id = %s", firm.a) == [("suspended",)]


def a_restriction_by_address_holds(surface: Surface) -> None:
    firm, http = surface.firm, surface.firm.client()
    ada = http.post("/api/v1/contacts", json={"full_name": "Ada", "email": "ada@example.org"}).json()["data"]
    wish = {"key": "news", "name": "News", "lawful_basis": "legitimate_interests"}
    http.post("/api/v1/privacy/purposes", json=wish)
    asked = {"kind": "restriction", "subject_kind": "address", "email": "ada@example.org"}
    made = http.post("/api/v1/privacy/requests", json=asked).json()["data"]
    firm.sql("update privacy_requests set status = 'done' where id = %s", made["id"])
    who = {"subject_kind": "contact", "subject_id": ada["id"]}
    found = http.get("/api/v1/privacy/consents/current", params=who).json()["data"]
    assert {each["may"] for each in found} == {False}


async def finds_nobody(*_: Any) -> None:
    raise NoPerson


def without(function: str, words: str, other: str = "") -> Any:
    """The function as it stands in the database, with other words in the place of these."""

    def harm(surface: Surface, patch: Patch) -> None:
        [(text,)] = surface.firm.sql("select pg_get_functiondef(%s::regproc)", function)
        assert words in text
        sql(text.replace(words, other))(surface, patch)

    return harm


def by_any_server(surface: Surface, patch: Patch) -> None:
    patch.setitem(KINDS, "invitation", replace(KINDS["invitation"], by_installation=False))


SABOTAGES = {
    "links go by any server": Sabotage(by_any_server, links_go_by_the_installation),
    "nobody notes who reads links": Sabotage(
        instead(AccountMails, "_note_seen", nothing), a_link_that_others_read_tells_nothing
    ),
    "an owner who cannot come in counts": Sabotage(
        without("privacy_owned_alone", "and o.state = 'active'"), some_owner_stays
    ),
    "owners go at once": Sabotage(
        without("privacy_erase_account", "pg_advisory_xact_lock", "abs"),
        some_owner_stays,
    ),
    "restrictions know one row alone": Sabotage(
        instead(consents, "find", finds_nobody), a_restriction_by_address_holds
    ),
    "an umbrella lifts what the operator said": Sabotage(
        without("resume_tenant", "and not t.suspended_by_installation"), the_operators_word_stands
    ),
}
CHECKS = {each.check for each in SABOTAGES.values()}


@pytest.mark.parametrize("check", sorted(CHECKS, key=lambda each: each.__name__))
def test_with_all_guards_in_place_nothing_is_noticed(surface: Surface, check: Any):
    check(surface)


@pytest.mark.parametrize("name", SABOTAGES)
def test_a_guard_that_is_gone_is_noticed(surface: Surface, monkeypatch: Patch, name: str):
    sabotage = SABOTAGES[name]
    sabotage.harm(surface, monkeypatch)
    with pytest.raises(AssertionError):
        sabotage.check(surface)

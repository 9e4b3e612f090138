"""Guards of second factors and passkeys taken away one at a time: what stands for each must notice."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import httpx
import pyotp
import pytest
from webauthn.helpers.exceptions import InvalidAuthenticationResponse

from serve.identity.factors import rules, service
from serve.identity.passkeys import ceremony
from serve.kernel import caller
from tests.sabotage.test_sabotage import Patch, Sabotage, instead, sql
from tests.serve.firm import PASSWORD
from tests.serve.identity.authenticator import PRESENT, Authenticator
from tests.surface import test_recent
from tests.surface.calls import Surface

AUTH = "/api/v1/auth"
HERE = "http://localhost:8000"


def post(surface: Surface, path: str, body: Any = None, client: httpx.Client | None = None) -> httpx.Response:
    return (client or surface.firm.running.client()).post(f"{AUTH}{path}", json=body)


def with_app(surface: Surface) -> tuple[pyotp.TOTP, dict[str, Any]]:
    """The agent's app, confirmed by the code of a step ago; and what the agent logs in with."""
    client = surface.firm.client("agent")
    app = pyotp.TOTP(post(surface, "/factors/totp", client=client).json()["data"]["secret"])
    code = app.at(time.time(), counter_offset=-1)
    assert post(surface, "/factors/totp/confirm", {"code": code}, client).status_code == 200
    return app, {"email": "agent@a.example", "password": PASSWORD}


def entered(surface: Surface, asked: dict[str, Any], code: str | None = None) -> int:
    return post(surface, "/login", asked | ({"code": code} if code else {})).status_code


def the_password_is_not_enough(surface: Surface) -> None:
    _, asked = with_app(surface)
    assert entered(surface, asked) == 401


def a_code_works_once(surface: Surface) -> None:
    app, asked = with_app(surface)
    code = app.at(time.time(), counter_offset=1)
    assert [entered(surface, asked, code) for _ in range(2)] == [200, 401]


def guessing_ends(surface: Surface) -> None:
    app, asked = with_app(surface)
    wrong = app.at(time.time(), counter_offset=7)
    assert [entered(surface, asked, wrong) for _ in range(6)] == [401] * 5 + [429]


def a_recovery_code_works_once(surface: Surface) -> None:
    _, asked = with_app(surface)
    made = post(surface, "/factors/recovery-codes", client=surface.firm.client("agent"))
    code = made.json()["data"]["recovery_codes"][0]
    assert [entered(surface, asked, code) for _ in range(2)] == [200, 401]


def signed_in(**wrong: Any) -> Callable[[Surface], None]:
    """A device signs in once, and not any more when it is ``wrong``."""

    def check(surface: Surface) -> None:
        key, client = Authenticator(HERE), surface.firm.client("agent")
        made = key.create(post(surface, "/passkeys/options", client=client).json()["data"])
        assert post(surface, "/passkeys", {"credential": made}, client).status_code == 201
        assert used(surface, key).status_code == 200
        for name, value in wrong.items():
            setattr(key, name, value)
        assert used(surface, key).status_code == 401

    return check


def used(surface: Surface, key: Authenticator) -> httpx.Response:
    options = post(surface, "/passkeys/login/options").json()["data"]
    return post(surface, "/passkeys/login", {"credential": key.get(options)})


def an_answer_works_once(surface: Surface) -> None:
    key, client = Authenticator(HERE, counts=False), surface.firm.client("agent")
    made = key.create(post(surface, "/passkeys/options", client=client).json()["data"])
    assert post(surface, "/passkeys", {"credential": made}, client).status_code == 201
    answer = {"credential": key.get(post(surface, "/passkeys/login/options").json()["data"])}
    assert [post(surface, "/passkeys/login", answer).status_code for _ in range(2)] == [200, 401]


def old_proofs_are_not_enough(surface: Surface) -> None:
    state, firm = surface.firm.running.app.state, surface.firm
    token, _ = state.tokens.issue(
        firm.people[firm.a, "agent"],
        email="agent@a.example",
        tenant_id=firm.a,
        tenant_ids=[firm.a],
        role="agent",
        methods=("password",),
        authenticated_at_s=time.time() - 1000,
    )
    client = firm.running.client(Authorization=f"Bearer {token}")
    assert post(surface, "/factors/totp", client=client).status_code == 401


def power_takes_a_proof(surface: Surface) -> None:
    token = test_recent.long_ago(surface)
    for operation in test_recent.ASKED:
        answer = test_recent.refusal(surface, operation, authorization=token)
        assert answer == (401, "STEP_UP_NEEDED"), operation


def who_has_none_only_sets_one_up(surface: Surface) -> None:
    surface.firm.client().put("/api/v1/settings/security", json={"second_factor": "required"})
    session = post(surface, "/login", {"email": "agent@a.example", "password": PASSWORD}).json()["data"]
    client = surface.firm.running.client(Authorization=f"Bearer {session['access_token']}")
    assert client.get("/api/v1/contacts").status_code == 403


# Ways to do harm that take more than a line


def steps_are_not_remembered(surface: Surface, patch: Patch) -> None:
    look = rules.right_step
    patch.setattr(
        rules,
        "right_step",
        lambda secret, code, *, now_s, last_step: look(secret, code, now_s=now_s, last_step=0),
    )


def the_library_asks_less(**less: Any) -> Callable[[Surface, Patch], None]:
    def harm(surface: Surface, patch: Patch) -> None:
        verify = ceremony.verify_authentication_response
        patch.setattr(ceremony, "verify_authentication_response", lambda **asked: verify(**asked | less))

    return harm


def any_domain(surface: Surface, patch: Patch) -> None:
    verify = ceremony.verify_authentication_response

    def careless(**asked: Any) -> Any:
        try:
            return verify(**asked)
        except InvalidAuthenticationResponse:
            return verify(**asked | {"expected_rp_id": "elsewhere.example"})

    patch.setattr(ceremony, "verify_authentication_response", careless)


def copies_are_not_looked_for(surface: Surface, patch: Patch) -> None:
    look = ceremony.used
    patch.setattr(ceremony, "used", lambda *asked: replace(look(*asked), is_copied=False))


async def nothing_is_needed(*asked: Any) -> list[str]:
    return []


async def nobody_must(*asked: Any) -> bool:
    return False


SPENT_NEVER = """
create or replace function auth_spend_challenge(p_hash bytea) returns table (user_id uuid)
language sql volatile security definer set search_path = public, pg_temp as
$$ select c.user_id from passkey_challenges c where c.hash = p_hash $$
"""
CODES_STAY = """
create or replace function auth_spend_recovery_code(p_user_id uuid, p_hash bytea) returns boolean
language sql volatile security definer set search_path = public, pg_temp as
$$ select true from recovery_codes where user_id = p_user_id and hash = p_hash $$
"""

SABOTAGES = {
    "the password is enough": Sabotage(
        instead(service, "needed", nothing_is_needed), the_password_is_not_enough
    ),
    "a code works again": Sabotage(steps_are_not_remembered, a_code_works_once),
    "wrong codes are not counted": Sabotage(
        instead(service, "gcra", lambda full_at_s, now_s, rate: (True, 0.0)), guessing_ends
    ),
    "recovery codes stay": Sabotage(sql(CODES_STAY), a_recovery_code_works_once),
    "challenges stay": Sabotage(sql(SPENT_NEVER), an_answer_works_once),
    "a counter may go back": Sabotage(copies_are_not_looked_for, signed_in(count=0)),
    "any page may ask": Sabotage(
        the_library_asks_less(expected_origin=[HERE, "https://elsewhere.example"]),
        signed_in(origin="https://elsewhere.example"),
    ),
    "any domain may ask": Sabotage(any_domain, signed_in(rp_id="elsewhere.example")),
    "the device need not know its person": Sabotage(
        the_library_asks_less(require_user_verification=False), signed_in(flags=PRESENT)
    ),
    "a proof lasts for ever": Sabotage(instead(caller, "RECENT_S", 10.0**9), old_proofs_are_not_enough),
    "an open session is proof enough": Sabotage(
        instead(caller.NeedsRecent, "check", caller.NeedsPerson.check), power_takes_a_proof
    ),
    "nobody has to set one up": Sabotage(
        instead(service, "must_enrol", nobody_must), who_has_none_only_sets_one_up
    ),
}


@pytest.mark.parametrize("name", SABOTAGES)
def test_it_is_noticed(surface: Surface, monkeypatch: Patch, name: str):
    sabotage = SABOTAGES[name]
    sabotage.check(surface)
    for table in ("totp_secrets", "recovery_codes", "passkeys"):
        surface.firm.sql(f"delete from {table}")
    surface.firm.sql("delete from settings")
    sabotage.harm(surface, monkeypatch)
    with pytest.raises(AssertionError):
        sabotage.check(surface)

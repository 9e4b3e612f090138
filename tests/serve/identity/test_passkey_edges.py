"""Passkeys that are too long, shown once, and used on a phone that is known."""

from __future__ import annotations

import secrets

import pytest

from serve.identity.auth.errors import TooManyAttempts
from serve.identity.passkeys.ceremony import MOST_ID_BYTES
from tests.serve.identity.authenticator import text
from tests.serve.identity.conftest import code
from tests.serve.identity.test_passkey_sign_in import MOBILE, holder, options, sign_in
from tests.serve.identity.test_passkeys import PASSKEYS, device, options_of

__all__ = ["holder"]


def registered(client, length: int):
    """Of a forger who says a short one outside of what is signed."""
    made = device(credential_id=secrets.token_bytes(length)).create(options_of(client))
    said = text(secrets.token_bytes(16))
    return client.post(PASSKEYS, json={"name": "Phone", "credential": made | {"id": said, "rawId": said}})


def test_an_id_is_as_long_as_the_standard_says(somebody):
    assert code(registered(somebody().client(), 3000)) == (422, "PASSKEY_NOT_VALID")
    assert registered(somebody().client(), MOST_ID_BYTES).status_code == 201


def test_what_was_shown_is_spent_though_the_door_stays_shut(firm, holder):
    _, key = holder
    shown = key.get(options(firm))
    assert code(sign_in(firm, shown, tenant="b")) == (403, "NO_MEMBERSHIP")
    assert code(sign_in(firm, shown, tenant="a")) == (401, "PASSKEY_REFUSED")


def test_a_phone_that_is_known_stays_so(firm, somebody):
    """Strangers have used up all guesses at the account; the app still has the cookie of its last log-in."""
    person = somebody()
    phone = firm.running.client()
    asked = {
        "auth_type": "fallback",
        "email": person.email,
        "password": "a password of ours",
        "device_info": {"platform": "android"},
    }
    assert phone.post(MOBILE, json=asked).status_code == 200
    attempts = firm.running.app.state.login.attempts
    attempts._known.owe(attempts._key("login_known", "127.0.0.1", person.email), 0)

    async def guess_from_everywhere():
        for n in range(200):
            await attempts.count(f"198.51.100.{n}", person.email)

    with pytest.raises(TooManyAttempts):
        firm.running.wait_for(guess_from_everywhere())
    assert phone.post(MOBILE, json=asked).status_code == 200

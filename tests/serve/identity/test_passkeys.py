"""Passkeys: registering them, and what is refused of a forger."""

from __future__ import annotations

from uuid import uuid4

import pytest

from tests.serve.identity.authenticator import PRESENT, Authenticator, content, text
from tests.serve.identity.conftest import AUTH, code

PASSKEYS = f"{AUTH}/passkeys"
HERE = "http://localhost:8000"


def device(**different) -> Authenticator:
    return Authenticator(**{"origin": HERE} | different)


def options_of(client) -> dict:
    answer = client.post(f"{PASSKEYS}/options")
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


def register(client, key: Authenticator, name="Phone", **different) -> dict:
    """The new passkey."""
    answer = client.post(
        PASSKEYS, json={"name": name, "credential": key.create(options_of(client), **different)}
    )
    assert answer.status_code == 201, answer.text
    return answer.json()["data"]


def renew(client, session: dict) -> None:
    """Go on with a new token: one from before a factor was added counts no more."""
    answer = client.post(f"{AUTH}/refresh", json={"refresh_token": session["refresh_token"]})
    assert answer.status_code == 200, answer.text
    session |= answer.json()["data"]
    client.headers["Authorization"] = f"Bearer {session['access_token']}"


class TestRegistering:
    def test_the_options_are_those_of_this_site_and_person(self, firm, somebody):
        person = somebody()
        options = options_of(person.client())
        assert options["rp"] == {"id": "localhost", "name": "Throughline"}
        assert options["user"]["name"] == person.email
        assert options["user"]["displayName"] == "Sam Body"
        assert len(content(options["user"]["id"])) == 32
        assert options["authenticatorSelection"] == {
            "residentKey": "required",
            "requireResidentKey": True,
            "userVerification": "required",
        }
        assert options["excludeCredentials"] == []
        stored = {bytes(row[0]) for row in firm.sql("select hash from passkey_challenges")}
        assert content(options["challenge"]) not in stored

    def test_a_passkey_is_a_second_factor(self, firm, somebody):
        person, key = somebody(), device()
        session = person.log_in()
        client = person.client(session)
        made = register(client, key)
        renew(client, session)
        assert (made["name"], made["transports"], made["is_synced"]) == ("Phone", ["internal"], False)
        assert len(made["new_recovery_codes"]) == 10
        factors = client.get(f"{AUTH}/factors").json()["data"]
        assert factors["ways"] == ["passkey", "recovery_code"]
        assert ("factor.added", "a", "user") in person.security()
        [listed] = client.get(PASSKEYS).json()["data"]
        assert listed.items() < made.items()
        again = options_of(client)
        assert again["user"]["id"] == key.handle  # the same person to every device
        assert [each["id"] for each in again["excludeCredentials"]] == [text(key.credential_id)]
        assert register(client, device())["new_recovery_codes"] is None

    @pytest.mark.parametrize(
        ("wrong", "said"),
        [
            ({"origin": "https://localhost.example.com"}, {}),
            ({"origin": "http://localhost:8001"}, {}),
            ({"rp_id": "example.com"}, {}),
            ({"flags": PRESENT}, {}),
            ({"flags": 0}, {}),
            ({}, {"type": "webauthn.get"}),
            ({}, {"challenge": text(b"x" * 32)}),
            ({}, {"crossOrigin": True}),
        ],
    )
    def test_what_was_made_for_something_else_is_refused(self, somebody, wrong, said):
        client = somebody().client()
        credential = device(**wrong).create(options_of(client), **said)
        refused = client.post(PASSKEYS, json={"credential": credential})
        assert code(refused) == (422, "PASSKEY_NOT_VALID")
        assert client.get(PASSKEYS).json()["data"] == []

    def test_a_challenge_works_once(self, somebody):
        client = somebody().client()
        options = options_of(client)
        assert client.post(PASSKEYS, json={"credential": device().create(options)}).status_code == 201
        again = client.post(PASSKEYS, json={"credential": device().create(options)})
        assert code(again) == (422, "PASSKEY_NOT_VALID")

    def test_a_challenge_is_spent_by_what_was_refused(self, somebody):
        client = somebody().client()
        options = options_of(client)
        client.post(PASSKEYS, json={"credential": device(rp_id="example.com").create(options)})
        right = client.post(PASSKEYS, json={"credential": device().create(options)})
        assert code(right) == (422, "PASSKEY_NOT_VALID")

    def test_a_challenge_is_one_persons(self, somebody):
        mine, theirs = somebody().client(), somebody().client()
        credential = device().create(options_of(theirs))
        assert code(mine.post(PASSKEYS, json={"credential": credential})) == (422, "PASSKEY_NOT_VALID")

    def test_a_challenge_ends(self, firm, somebody):
        client = somebody().client()
        options = options_of(client)
        firm.sql("update passkey_challenges set expires_at = now() - interval '1 second'")
        refused = client.post(PASSKEYS, json={"credential": device().create(options)})
        assert code(refused) == (422, "PASSKEY_NOT_VALID")

    def test_a_passkey_belongs_to_one_account(self, somebody):
        first, second, key = somebody().client(), somebody().client(), device()
        register(first, key)
        refused = second.post(PASSKEYS, json={"credential": key.create(options_of(second))})
        assert code(refused) == (409, "PASSKEY_KNOWN")

    def test_there_are_twenty_at_most(self, firm, somebody):
        person = somebody()
        session = person.log_in()
        client = person.client(session)
        register(client, device())
        renew(client, session)
        firm.sql(
            "insert into passkeys (user_id, credential_id, public_key, sign_count, name, transports, is_synced)"
            " select user_id, credential_id || n::text::bytea, public_key, 0, 'x', '{}', false"
            " from passkeys, generate_series(1, 19) n where user_id = %s",
            person.id,
        )
        assert code(client.post(f"{PASSKEYS}/options")) == (409, "TOO_MANY_PASSKEYS")

    @pytest.mark.parametrize(
        ("where", "value"),
        [
            ("client_data_json", "####"),
            ("clientDataJSON", "x" * 20_000),
            ("attestationObject", None),
            ("fingerprint", "x"),
        ],
    )
    def test_what_has_another_shape_is_named(self, somebody, where, value):
        client = somebody().client()
        credential = device().create(options_of(client))
        if where == "client_data_json":
            del credential["response"]["clientDataJSON"]
        credential["response"][where] = value
        refused = client.post(PASSKEYS, json={"credential": credential})
        assert code(refused) == (422, "INVALID")
        [detail] = refused.json()["error"]["details"]
        assert detail["field"].startswith("credential.response.")

    @pytest.mark.parametrize("part", ["clientDataJSON", "attestationObject"])
    def test_garbage_is_refused_not_failed_on(self, somebody, part):
        client = somebody().client()
        for garbage in ("AAAA", text(b"\xff" * 50), text(b"{}"), text(b"[]"), text(b'{"type":1}'), "A"):
            credential = device().create(options_of(client))
            credential["response"][part] = garbage
            assert code(client.post(PASSKEYS, json={"credential": credential})) == (422, "PASSKEY_NOT_VALID")


class TestKeeping:
    def test_another_name(self, somebody):
        client = somebody().client()
        passkey_id = register(client, device())["id"]
        renamed = client.patch(f"{PASSKEYS}/{passkey_id}", json={"name": "Old phone"})
        assert renamed.json()["data"]["name"] == "Old phone"
        assert client.get(PASSKEYS).json()["data"][0]["name"] == "Old phone"

    def test_the_last_one_takes_the_recovery_codes_along(self, firm, somebody):
        person = somebody()
        session = person.log_in()
        client = person.client(session)
        first = register(client, device())["id"]
        renew(client, session)
        second = register(client, device())["id"]
        renew(client, session)
        assert client.delete(f"{PASSKEYS}/{first}").json()["data"] == {"id": first, "name": "Phone"}
        assert client.get(f"{AUTH}/factors").json()["data"]["recovery_codes"]["left"] == 10
        client.delete(f"{PASSKEYS}/{second}")
        factors = client.get(f"{AUTH}/factors").json()["data"]
        assert (factors["has_second_factor"], factors["recovery_codes"]) == (False, None)

    def test_nobody_elses(self, somebody):
        mine, person = somebody().client(), somebody()
        session = person.log_in()
        theirs = person.client(session)
        passkey_id = register(theirs, device())["id"]
        renew(theirs, session)
        for path in (passkey_id, uuid4()):
            assert code(mine.delete(f"{PASSKEYS}/{path}")) == (404, "PASSKEY_NOT_FOUND")
            assert code(mine.patch(f"{PASSKEYS}/{path}", json={"name": "x"})) == (404, "PASSKEY_NOT_FOUND")
        assert theirs.get(PASSKEYS).json()["data"][0]["name"] == "Phone"

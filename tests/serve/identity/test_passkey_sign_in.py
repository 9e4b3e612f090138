"""Signing in with a passkey, in a browser and on a phone; what a forger is refused; and stepping up."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.serve.firm import PASSWORD
from tests.serve.identity.authenticator import PRESENT, Authenticator, text
from tests.serve.identity.conftest import AUTH, PAGE, code
from tests.serve.identity.test_factors import FACTORS, app_of, at, enter
from tests.serve.identity.test_passkeys import PASSKEYS, device, options_of, register

MOBILE = "/api/v1/mobile/biometric/auth"
STEP_UP = f"{AUTH}/step-up"


def options(firm) -> dict:
    return firm.running.client().post(f"{PASSKEYS}/login/options").json()["data"]


def sign_in(firm, credential, **more):
    return firm.running.client().post(f"{PASSKEYS}/login", json={"credential": credential} | more)


@pytest.fixture
def holder(somebody):
    """(person, device) of somebody with a passkey."""
    person, key = somebody(a="manager"), device()
    register(person.client(), key)
    return person, key


class TestSignIn:
    def test_the_passkey_alone_opens_a_session(self, firm, holder):
        person, key = holder
        granted = sign_in(firm, key.get(options(firm)))
        assert granted.status_code == 200, granted.text
        session = granted.json()["data"]
        assert session["user"]["id"] == str(person.id)
        caller = firm.running.app.state.tokens.verify(session["access_token"])
        assert (caller.methods, caller.only) == (("passkey",), None)
        assert person.client(session).get("/api/v1/contacts").status_code == 200
        assert person.client(session).get(PASSKEYS).json()["data"][0]["last_used_at"]
        assert firm.sql("select sign_count from passkeys where user_id = %s", person.id) == [(1,)]
        assert firm.sql(
            "select outcome, method from sign_ins where user_id = %s order by happened_at desc limit 1",
            person.id,
        ) == [("succeeded", "passkey")]

    def test_the_password_alone_is_no_longer_enough(self, firm, holder):
        person, _ = holder
        refused = enter(person)
        assert code(refused) == (401, "SECOND_FACTOR_NEEDED")
        assert [each["field"] for each in refused.json()["error"]["details"]] == ["passkey", "recovery_code"]

    def test_the_options_say_nothing_about_anybody(self, firm, holder):
        first, second = options(firm), options(firm)
        assert first["allowCredentials"] == []
        assert first.pop("challenge") != second.pop("challenge")
        assert first == second

    def test_a_device_that_does_not_count(self, firm, somebody):
        key = device(counts=False)
        register(somebody().client(), key)
        for _ in range(3):
            assert sign_in(firm, key.get(options(firm))).status_code == 200

    @pytest.mark.parametrize(
        ("wrong", "said"),
        [
            ({"origin": "https://localhost.example.com"}, {}),
            ({"rp_id": "example.com"}, {}),
            ({"flags": PRESENT}, {}),
            ({"handle": text(b"x" * 32)}, {}),
            ({"credential_id": b"x" * 16}, {}),
            ({}, {"type": "webauthn.create"}),
            ({}, {"challenge": text(b"x" * 32)}),
            ({}, {"crossOrigin": True}),
        ],
    )
    def test_what_was_signed_for_something_else_is_refused(self, firm, holder, wrong, said):
        _, key = holder
        for name, value in wrong.items():
            setattr(key, name, value)
        assert code(sign_in(firm, key.get(options(firm), **said))) == (401, "PASSKEY_REFUSED")

    def test_another_key_is_refused(self, firm, holder):
        _, key = holder
        forged = device(credential_id=key.credential_id, handle=key.handle, count=5)
        assert code(sign_in(firm, forged.get(options(firm)))) == (401, "PASSKEY_REFUSED")

    def test_an_answer_works_once(self, firm, holder):
        _, key = holder
        credential = key.get(options(firm))
        with ThreadPoolExecutor(4) as crowd:
            statuses = [*crowd.map(lambda _: sign_in(firm, credential).status_code, range(4))]
        assert sorted(statuses) == [200, 401, 401, 401]

    def test_a_challenge_of_registration_is_not_for_signing_in(self, firm, holder):
        person, key = holder
        given = options_of(person.client(sign_in(firm, key.get(options(firm))).json()["data"]))
        assert code(sign_in(firm, key.get(given))) == (401, "PASSKEY_REFUSED")

    def test_a_challenge_ends(self, firm, holder):
        _, key = holder
        given = options(firm)
        firm.sql("update passkey_challenges set expires_at = now() - interval '1 second'")
        assert code(sign_in(firm, key.get(given))) == (401, "PASSKEY_REFUSED")

    def test_a_copy_is_refused_and_told(self, firm, holder):
        person, key = holder
        copy = Authenticator(key.origin, handle=key.handle, credential_id=key.credential_id, key=key.key)
        assert sign_in(firm, key.get(options(firm))).status_code == 200
        assert sign_in(firm, key.get(options(firm))).status_code == 200
        firm.account_mails()
        assert code(sign_in(firm, copy.get(options(firm)))) == (401, "PASSKEY_COPIED")
        assert [mail.kind for mail in firm.account_mails()] == ["passkey_copied"]
        assert "passkey.copied" in {name for name, *_ in person.security()}
        assert firm.sql("select sign_count from passkeys where user_id = %s", person.id) == [(2,)]
        assert firm.sql(
            "select outcome, method from sign_ins where user_id = %s order by happened_at desc limit 1",
            person.id,
        ) == [("failed", "passkey")]

    def test_a_removed_passkey_opens_nothing(self, firm, holder):
        person, key = holder
        client = person.client(sign_in(firm, key.get(options(firm))).json()["data"])
        client.delete(f"{PASSKEYS}/{client.get(PASSKEYS).json()['data'][0]['id']}")
        assert code(sign_in(firm, key.get(options(firm)))) == (401, "PASSKEY_REFUSED")

    def test_who_may_not_come_in_does_not(self, firm, holder):
        person, key = holder
        assert code(sign_in(firm, key.get(options(firm)), tenant="b")) == (403, "NO_MEMBERSHIP")
        firm.sql("update users set is_active = false where id = %s", person.id)
        assert sign_in(firm, key.get(options(firm))).status_code == 401

    @pytest.mark.parametrize(
        "part", ["clientDataJSON", "authenticatorData", "signature", "userHandle", "rawId"]
    )
    def test_garbage_is_refused_not_failed_on(self, firm, holder, part):
        _, key = holder
        for garbage in ("AAAA", text(b"\xff" * 50), text(b"{}"), text(b"[]"), text(b'{"type":1}'), "A"):
            credential = key.get(options(firm))
            (credential if part == "rawId" else credential["response"])[part] = garbage
            assert code(sign_in(firm, credential)) == (401, "PASSKEY_REFUSED")


class TestMobile:
    def test_a_passkey_gives_a_token_of_the_app(self, firm, holder):
        person, key = holder
        asked = {
            "authType": "passkey",
            "biometricData": key.get(options(firm)),
            "deviceInfo": {"platform": "android", "model": "Pixel 9"},
        }
        granted = firm.running.client().post(MOBILE, json=asked)
        assert granted.status_code == 200, granted.text
        session = granted.json()["data"]
        assert firm.running.app.state.tokens.verify(session["access_token"]).only == "mobile"
        client = person.client(session)
        assert client.get("/api/v1/contacts").status_code == 200
        assert client.delete(f"{FACTORS}/totp").status_code == 403
        assert firm.sql(
            "select kind, user_agent from sessions where user_id = %s order by created_at desc limit 1",
            person.id,
        ) == [("mobile", "android Pixel 9")]

    def test_password_and_code_instead(self, firm, somebody):
        person = somebody()
        app, _ = app_of(person.client())
        asked = {"authType": "fallback", "email": person.email, "password": PASSWORD}
        assert code(firm.running.client().post(MOBILE, json=asked)) == (401, "SECOND_FACTOR_NEEDED")
        granted = firm.running.client().post(MOBILE, json=asked | {"code": at(app)})
        caller = firm.running.app.state.tokens.verify(granted.json()["data"]["access_token"])
        assert (caller.only, caller.methods) == ("mobile", ("password", "totp"))

    @pytest.mark.parametrize(
        "data",
        [
            {"template": "AAECAw=="},
            {"fingerprint": {"minutiae": [[1, 2, 90]]}},
            {"faceImage": "data:image/png;base64,iVBORw0KGgo="},
            "data:image/png;base64,iVBORw0KGgo=",
            ["AAECAw=="],
        ],
    )
    def test_biometric_features_are_never_taken(self, firm, data):
        refused = firm.running.client().post(MOBILE, json={"authType": "passkey", "biometricData": data})
        assert code(refused) == (422, "INVALID")
        [detail] = refused.json()["error"]["details"]
        assert detail["field"] == "biometricData"
        assert "never leave the device" in detail["message"]

    @pytest.mark.parametrize(
        ("asked", "field"),
        [
            ({"authType": "fingerprint"}, "authType"),
            ({"authType": "passkey"}, "biometric_data"),
            ({"authType": "fallback", "email": "a@example.com"}, "password"),
            ({"authType": "fallback", "deviceInfo": "x"}, "deviceInfo"),
        ],
    )
    def test_what_is_missing_or_wrong_is_named(self, firm, asked, field):
        refused = firm.running.client().post(MOBILE, json=asked)
        assert refused.status_code == 422
        assert refused.json()["error"]["details"][0]["field"] == field


class TestStepUp:
    @pytest.fixture
    def stale(self, firm):
        """A client whose session was opened an hour ago."""

        def make(person, session=None):
            session = session or person.log_in()
            firm.sql(
                "update sessions set authenticated_at = now() - interval '1 hour' where user_id = %s",
                person.id,
            )
            renewed = firm.running.client().post(
                f"{AUTH}/refresh", json={"refresh_token": session["refresh_token"]}
            )
            return person.client(renewed.json()["data"])

        return make

    def test_the_password_of_who_has_nothing_else(self, firm, somebody, stale):
        person = somebody()
        client = stale(person)
        assert code(client.post(f"{FACTORS}/totp")) == (401, "STEP_UP_NEEDED")
        assert code(client.post(STEP_UP, json={"password": "a wrong one"})) == (422, "WRONG_PASSWORD")
        granted = client.post(STEP_UP, json={"password": PASSWORD})
        assert granted.status_code == 200, granted.text
        session = granted.json()["data"]
        assert person.client(session).post(f"{FACTORS}/totp").status_code == 200
        assert "step_up.succeeded" in {name for name, *_ in person.security()}
        caller = firm.running.app.state.tokens.verify(session["access_token"])
        assert time.time() - caller.authenticated_at_s < 60

    def test_with_a_factor_the_password_is_not_enough(self, firm, somebody, stale):
        person = somebody()
        app, answer = app_of(person.client())
        client = stale(person, enter(person, code=at(app)).json()["data"])
        assert code(client.delete(f"{FACTORS}/totp")) == (401, "STEP_UP_NEEDED")
        assert code(client.post(STEP_UP, json={"password": PASSWORD})) == (401, "SECOND_FACTOR_NEEDED")
        assert code(client.post(STEP_UP, json={"code": at(app, 7)})) == (401, "WRONG_CODE")
        assert code(client.post(STEP_UP, json={"code": at(app)})) == (401, "WRONG_CODE")  # used at log-in
        granted = client.post(STEP_UP, json={"code": at(app, 1)})
        client = person.client(granted.json()["data"])
        again = client.post(STEP_UP, json={"code": answer["new_recovery_codes"][0]})
        assert again.status_code == 200
        assert person.client(again.json()["data"]).delete(f"{FACTORS}/totp").status_code == 200

    def test_a_passkey_of_ones_own(self, firm, holder, somebody, stale):
        person, key = holder
        stranger = device()
        register(somebody().client(), stranger)
        client = stale(person, sign_in(firm, key.get(options(firm))).json()["data"])
        theirs = client.post(STEP_UP, json={"credential": stranger.get(options(firm))})
        assert code(theirs) == (401, "PASSKEY_REFUSED")
        granted = client.post(STEP_UP, json={"credential": key.get(options(firm))})
        assert person.client(granted.json()["data"]).post(f"{PASSKEYS}/options").status_code == 200

    def test_a_session_from_before_the_factor_shows_it_first(self, firm, somebody):
        person = somebody()
        thief = person.client()
        app, _ = app_of(person.client())
        assert code(thief.delete(f"{FACTORS}/totp")) == (401, "STEP_UP_NEEDED")
        for change in ({"email": f"x{person.email}"}, {"password": "another password of ours"}):
            refused = thief.put(f"{AUTH}/me", json=change | {"current_password": PASSWORD})
            assert code(refused) == (401, "STEP_UP_NEEDED")
        granted = thief.post(STEP_UP, json={"code": at(app)}).json()["data"]
        changed = person.client(granted).put(
            f"{AUTH}/me", json={"email": f"x{person.email}", "current_password": PASSWORD}
        )
        assert changed.status_code == 200

    @pytest.mark.parametrize("asked", [{}, {"password": PASSWORD, "code": "123456"}])
    def test_one_proof_at_a_time(self, somebody, asked):
        refused = somebody().client().post(STEP_UP, json=asked)
        assert refused.status_code == 422
        assert refused.json()["error"]["details"][0]["field"] == "password"

    def test_a_browser_gets_a_cookie(self, firm, somebody):
        browser = firm.running.client(**PAGE)
        somebody().log_in(browser)
        before = browser.cookies["throughline_access"]
        answer = browser.post(STEP_UP, json={"password": PASSWORD})
        assert browser.cookies["throughline_access"] != before
        assert answer.json()["data"]["refresh_token"] is None
        assert "throughline_refresh" in answer.cookies


class TestReset:
    def reset(self, firm, person, role="admin"):
        return firm.client(role).delete(f"/api/v1/admin/users/{person.id}/factors")

    def test_a_lost_phone(self, firm, somebody):
        person = somebody(a="agent")
        client = person.client()
        app_of(client)
        firm.account_mails()
        answer = self.reset(firm, person)
        assert answer.json()["data"] == {"removed": 1, "ended_sessions": 1}
        assert client.get(FACTORS).status_code == 401
        assert enter(person).status_code == 200
        assert [(mail.kind, mail.to_address) for mail in firm.account_mails()] == [
            ("factors_reset", person.email)
        ]
        assert ("factors.reset", "a", "user") in person.security()
        assert firm.sql("select count(*) from recovery_codes where user_id = %s", person.id) == [(0,)]

    def test_whose_factors_guard_others_too(self, firm, somebody):
        person = somebody(a="agent", b="viewer")
        app_of(person.client())
        assert code(self.reset(firm, person)) == (409, "WORKS_ELSEWHERE_TOO")
        assert code(enter(person)) == (401, "SECOND_FACTOR_NEEDED")

    def test_an_owner_by_an_owner(self, firm, somebody):
        person = somebody(a="owner")
        assert code(self.reset(firm, person)) == (403, "OWNERS_ALONE")
        assert self.reset(firm, person, "owner").status_code == 200

    def test_people_of_others_are_not_there(self, firm, somebody):
        assert code(self.reset(firm, somebody(b="agent"))) == (404, "USER_NOT_FOUND")

    def test_others_may_not(self, firm, somebody):
        assert code(self.reset(firm, somebody(a="agent"), "manager")) == (403, "FORBIDDEN")

"""One-time codes and recovery codes, beside the log-in."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pyotp
import pytest

from serve.identity.auth.service import Client
from tests.serve.firm import PASSWORD
from tests.serve.identity.conftest import AUTH, code

FACTORS = f"{AUTH}/factors"


def app_of(client, *, confirmed=True) -> tuple[pyotp.TOTP, dict]:
    """An authenticator app with the person's new secret; what confirming it answered."""
    begun = client.post(f"{FACTORS}/totp")
    assert begun.status_code == 200, begun.text
    app = pyotp.TOTP(begun.json()["data"]["secret"])
    if not confirmed:
        return app, {}
    for _ in range(2):  # in between the clock may have gone on, and the code be one too old
        answer = client.post(f"{FACTORS}/totp/confirm", json={"code": at(app, -1)})
        if answer.status_code == 200:
            break
    assert answer.status_code == 200, answer.text
    return app, answer.json()["data"]


def at(app: pyotp.TOTP, steps: int = 0) -> str:
    """The app's code so many steps from now."""
    return app.at(time.time(), counter_offset=steps)


class TestSettingUp:
    def test_a_secret_counts_once_its_code_was_confirmed(self, firm, somebody):
        person = somebody()
        client = person.client()
        begun = client.post(f"{FACTORS}/totp").json()["data"]
        assert begun["uri"] == pyotp.TOTP(begun["secret"]).provisioning_uri(
            name=person.email, issuer_name="Throughline"
        )
        assert begun["qr_svg"].startswith("data:image/svg+xml")
        assert client.get(FACTORS).json()["data"]["has_second_factor"] is False
        app = pyotp.TOTP(begun["secret"])
        wrong = client.post(f"{FACTORS}/totp/confirm", json={"code": at(app, 7)})
        assert code(wrong) == (422, "TOTP_NOT_CONFIRMED")
        answer = client.post(f"{FACTORS}/totp/confirm", json={"code": at(app)}).json()["data"]
        assert answer["has_second_factor"] is True
        assert answer["ways"] == ["totp", "recovery_code"]
        assert len({*answer["new_recovery_codes"]}) == 10
        assert ("factor.added", "a", "user") in person.security()
        [(stored,)] = firm.sql("select sealed_secret from totp_secrets where user_id = %s", person.id)
        assert begun["secret"].encode() not in bytes(stored)
        listed = client.get(FACTORS).text
        assert begun["secret"] not in listed
        assert answer["new_recovery_codes"][0] not in listed

    def test_a_secret_that_was_not_confirmed_gives_way_to_the_next(self, somebody):
        client = somebody().client()
        first, _ = app_of(client, confirmed=False)
        second, _ = app_of(client, confirmed=False)
        refused = client.post(f"{FACTORS}/totp/confirm", json={"code": at(first)})
        assert code(refused) == (422, "TOTP_NOT_CONFIRMED")
        assert client.post(f"{FACTORS}/totp/confirm", json={"code": at(second)}).status_code == 200

    def test_there_is_one_secret_at_a_time(self, somebody):
        client = somebody().client()
        app, _ = app_of(client)
        assert code(client.post(f"{FACTORS}/totp")) == (409, "TOTP_EXISTS")
        again = client.post(f"{FACTORS}/totp/confirm", json={"code": at(app)})
        assert code(again) == (409, "TOTP_EXISTS")

    def test_nothing_was_begun(self, somebody):
        client = somebody().client()
        refused = client.post(f"{FACTORS}/totp/confirm", json={"code": "123456"})
        assert code(refused) == (404, "TOTP_NOT_FOUND")
        assert code(client.delete(f"{FACTORS}/totp")) == (404, "TOTP_NOT_FOUND")

    def test_removing_it_takes_the_recovery_codes_too(self, firm, somebody):
        person = somebody(a="manager", b="viewer")
        client = person.client()
        app_of(client)
        left = client.delete(f"{FACTORS}/totp").json()["data"]
        assert left == {
            "has_second_factor": False,
            "ways": [],
            "totp": None,
            "passkey_count": 0,
            "recovery_codes": None,
        }
        for table in ("totp_secrets", "recovery_codes"):
            assert firm.sql(f"select count(*) from {table} where user_id = %s", person.id) == [(0,)]
        told = person.security()
        assert {("factor.removed", "a", "user"), ("factor.removed", "b", "user")} <= {*told}

    def test_recovery_codes_need_a_factor(self, somebody):
        refused = somebody().client().post(f"{FACTORS}/recovery-codes")
        assert code(refused) == (409, "NO_SECOND_FACTOR")

    def test_a_key_has_no_factors(self, somebody):
        client = somebody().client()
        made = client.post(f"{AUTH}/api-keys", json={"name": "x", "scopes": ["self:read", "self:write"]})
        key = made.json()["data"]["key"]
        for method, path in (
            ("GET", ""),
            ("POST", "/totp"),
            ("DELETE", "/totp"),
            ("POST", "/recovery-codes"),
        ):
            refused = client.request(method, f"{FACTORS}{path}", headers={"Authorization": f"Bearer {key}"})
            assert code(refused) == (403, "LOG_IN_NEEDED"), path


@pytest.mark.parametrize("sent", ["12345", "x" * 101, "a\0bcdef", None, 123456])
def test_what_is_no_code_is_named(somebody, sent):
    refused = somebody().client().post(f"{FACTORS}/totp/confirm", json={"code": sent})
    assert refused.status_code == 422
    assert refused.json()["error"]["details"][0]["field"] == "code"


def enter(person, **more):
    """The answer to the person's log-in with the right password."""
    body = {"email": person.email, "password": PASSWORD} | more
    return person.firm.running.client().post(f"{AUTH}/login", json=body)


@pytest.fixture
def guarded(somebody):
    """(person, app, recovery codes) of somebody with one-time codes."""
    person = somebody()
    app, answer = app_of(person.client())
    return person, app, answer["new_recovery_codes"]


class TestLogIn:
    def test_the_password_alone_is_not_enough(self, guarded):
        person, app, _ = guarded
        refused = enter(person)
        assert code(refused) == (401, "SECOND_FACTOR_NEEDED")
        assert [each["field"] for each in refused.json()["error"]["details"]] == ["totp", "recovery_code"]
        granted = enter(person, code=f" {at(app)[:3]} {at(app)[3:]} ")
        assert granted.status_code == 200
        caller = person.firm.running.app.state.tokens.verify(granted.json()["data"]["access_token"])
        assert caller.methods == ("password", "totp")

    def test_nobody_hears_of_it_without_the_password(self, guarded):
        person, app, _ = guarded
        for more in ({}, {"code": at(app)}, {"code": "123456"}):
            assert code(enter(person, password="a wrong one", **more)) == (401, "WRONG_CREDENTIALS")
        assert enter(person, code=at(app)).status_code == 200  # it was not used up

    def test_a_wrong_code_is_a_failed_log_in(self, firm, guarded):
        person, app, _ = guarded
        assert code(enter(person, code=at(app, 7))) == (401, "WRONG_CODE")
        assert ("code.refused", "a") in [(name, slug) for name, slug, _ in person.security()]
        assert firm.sql(
            "select outcome, method from sign_ins where user_id = %s order by happened_at desc limit 1",
            person.id,
        ) == [("failed", "totp")]

    def test_a_code_works_once(self, guarded):
        person, app, _ = guarded
        now = at(app)
        assert enter(person, code=now).status_code == 200
        assert code(enter(person, code=now)) == (401, "WRONG_CODE")
        assert enter(person, code=at(app, 1)).status_code == 200
        assert code(enter(person, code=now)) == (401, "WRONG_CODE")  # nor does one from before

    def test_of_the_same_code_at_the_same_time_one_wins(self, guarded):
        person, app, codes = guarded
        for value in (at(app), codes[0]):
            with ThreadPoolExecutor(4) as crowd:
                answers = [*crowd.map(lambda _: enter(person, code=value).status_code, range(4))]  # noqa: B023
            assert sorted(answers) == [200, 401, 401, 401]

    def test_a_recovery_code_works_once_and_is_told(self, firm, guarded):
        person, _, codes = guarded
        firm.account_mails()
        assert enter(person, code=codes[0].replace("-", "").upper()).status_code == 200
        assert code(enter(person, code=codes[0])) == (401, "WRONG_CODE")
        assert enter(person, code=codes[1]).status_code == 200
        client = person.client(enter(person, code=codes[2]).json()["data"])
        assert client.get(FACTORS).json()["data"]["recovery_codes"]["left"] == 7
        mails = [mail for mail in firm.account_mails() if mail.kind == "recovery_code_used"]
        assert [mail.to_address for mail in mails] == [person.email] * 3
        firm.deliver()
        told = client.get("/api/v1/notifications", params={"priority": "urgent"}).json()["data"]
        assert "recovery code" in told[0]["title"]

    def test_new_recovery_codes_end_the_old_ones(self, guarded):
        person, app, codes = guarded
        client = person.client(enter(person, code=at(app)).json()["data"])
        made = client.post(f"{FACTORS}/recovery-codes").json()["data"]["recovery_codes"]
        assert len({*made} - {*codes}) == 10
        assert code(enter(person, code=codes[0])) == (401, "WRONG_CODE")
        assert enter(person, code=made[0]).status_code == 200

    def test_six_digits_cannot_be_guessed(self, firm, guarded):
        person, app, codes = guarded
        firm.account_mails()
        for _ in range(5):
            assert code(enter(person, code=at(app, 7))) == (401, "WRONG_CODE")
        for value in (at(app, 7), at(app)):  # the right one is not looked at either
            refused = enter(person, code=value)
            assert code(refused) == (429, "TOO_MANY_CODES")
            assert 1700 < int(refused.headers["retry-after"]) <= 1800
        assert [mail.kind for mail in firm.account_mails()] == ["codes_blocked"]
        assert enter(person, code=codes[0]).status_code == 200  # the other ways are open
        firm.sql("update totp_secrets set full_at_s = full_at_s - 1800 where user_id = %s", person.id)
        assert enter(person, code=at(app)).status_code == 200

    def test_wrong_codes_at_the_same_time_count_each(self, guarded):
        person, app, _ = guarded
        with ThreadPoolExecutor(9) as crowd:
            answers = [*crowd.map(lambda _: enter(person, code=at(app, 7)).status_code, range(9))]
        assert sorted(answers) == [401] * 5 + [429] * 4

    def test_without_a_factor_a_code_makes_no_difference(self, somebody):
        assert enter(somebody(), code="123456").status_code == 200


class TestDemand:
    @pytest.fixture
    def demanded(self, firm):
        def demand(word):
            changed = firm.client().put("/api/v1/settings/security", json={"second_factor": word})
            assert changed.status_code == 200, changed.text

        yield demand
        demand("optional")

    def test_who_has_none_may_only_set_one_up(self, firm, somebody, demanded):
        person = somebody(a="manager")
        before = person.log_in()
        demanded("required")
        client = person.client()
        for path in ("/contacts", "/auth/me", "/notifications", "/settings"):
            assert code(client.get(f"/api/v1{path}")) == (403, "ENROLMENT_NEEDED"), path
        renewed = (
            firm.running.client()
            .post(f"{AUTH}/refresh", json={"refresh_token": before["refresh_token"]})
            .json()["data"]
        )
        assert code(person.client(renewed).get("/api/v1/contacts")) == (403, "ENROLMENT_NEEDED")
        app_of(client)
        renewed = (
            firm.running.client()
            .post(f"{AUTH}/refresh", json={"refresh_token": renewed["refresh_token"]})
            .json()["data"]
        )
        assert person.client(renewed).get("/api/v1/contacts").status_code == 200

    def test_of_admins_alone(self, somebody, demanded):
        demanded("required_for_admins")
        assert somebody(a="agent").client().get("/api/v1/contacts").status_code == 200
        refused = somebody(a="admin").client().get("/api/v1/contacts")
        assert code(refused) == (403, "ENROLMENT_NEEDED")

    def test_other_tenants_ask_for_themselves(self, somebody, demanded):
        person = somebody(a="manager", b="manager")
        demanded("required")
        assert person.client(person.log_in(tenant="b")).get("/api/v1/contacts").status_code == 200

    def test_another_house_asks_for_itself(self, firm, somebody, demanded):
        person = somebody(a="manager")
        demanded("required")
        state = firm.running.app.state

        async def come_in():
            async with state.database.transaction() as db:
                client = Client("127.0.0.1", "test", "r-1")
                return await state.login.open(db, person.id, "a", client, methods=("oidc",))

        assert firm.running.wait_for(come_in()).only is None

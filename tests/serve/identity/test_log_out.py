"""What log-out ends, and what it must not; traces of who did not get in."""

from __future__ import annotations

import pytest

from serve.identity.auth import service as auth
from serve.identity.sso.errors import SsoRequired
from tests.serve.firm import PASSWORD
from tests.serve.identity.conftest import AUTH, PAGE, code
from tests.serve.identity.test_factors import app_of, at

ME, LOG_OUT = f"{AUTH}/me", f"{AUTH}/logout"
CUSTOMER = "/api/customer/auth"


def browser_of(firm, person):
    """A browser that they have logged in with."""
    browser = firm.running.client()
    person.log_in(browser)
    return browser


def failed(firm, person) -> list:
    firm.running.wait_for(firm.running.app.state.notes.written())
    return firm.sql(
        "select method, kind from sign_ins where user_id = %s and outcome = 'failed' order by id", person.id
    )


class TestLogOut:
    def test_the_browsers_session_ends_with_that_of_the_token(self, firm, somebody):
        person = somebody()
        browser, other = browser_of(firm, person), person.log_in()
        token = {"Authorization": f"Bearer {other['access_token']}", **PAGE}
        assert browser.post(LOG_OUT, headers=token).status_code == 200
        ended = firm.sql("select ended_because from sessions where user_id = %s", person.id)
        assert ended == [("logout",)] * 2
        assert "throughline_refresh" not in browser.cookies

    def test_other_eyes_close_alone(self, firm, somebody):
        person, admin = somebody(a="viewer"), somebody(a="admin")
        browser = browser_of(firm, admin)
        begun = browser.post(
            f"/api/v1/admin/users/{person.id}/impersonate",
            json={"reason": "You told us that a list is empty."},
            headers=PAGE,
        )
        eyes = {"Authorization": f"Bearer {begun.json()['data']['access_token']}", **PAGE}
        assert browser.post(LOG_OUT, headers=eyes).status_code == 200
        assert browser.get(ME).json()["data"]["user"]["id"] == str(admin.id)
        assert browser.post(f"{AUTH}/refresh", headers=PAGE).status_code == 200
        assert code(browser.get(ME, headers=eyes)) == (401, "UNAUTHENTICATED")
        [(ended_at,)] = firm.sql("select ended_at from impersonations where user_id = %s", person.id)
        assert ended_at is not None
        told = [name for name, *_ in person.security()]
        assert told == ["impersonation.began", "impersonation.ended"]

    def test_a_log_in_that_fails_at_the_end_ends_nothing(self, firm, somebody, monkeypatch):
        person = somebody()
        browser = browser_of(firm, person)

        async def refuses(*asked, **more):
            raise SsoRequired

        monkeypatch.setattr(auth, "check_way", refuses)
        refused = browser.post(f"{AUTH}/login", json={"email": person.email, "password": PASSWORD})
        assert code(refused) == (403, "SSO_REQUIRED")
        assert browser.get(ME).status_code == 200


class TestCustomers:
    @pytest.fixture
    def customer(self, firm, somebody):
        person = somebody(a="customer")
        firm.account_mails()
        return person, {"tenant": "a", "email": person.email}

    def test_a_wrong_code_leaves_a_trace(self, firm, customer):
        person, asked = customer
        refused = firm.running.client().post(CUSTOMER, json=asked | {"code": "00000000"})
        assert code(refused) == (401, "WRONG_CREDENTIALS")
        assert failed(firm, person) == [("mail_code", "customer")]
        assert ("login.failed", "a", "throughline_api") in person.security()

    def test_a_wrong_second_factor_too(self, firm, customer):
        person, asked = customer
        app, _ = app_of(person.client())
        client = firm.running.client()
        client.post(f"{CUSTOMER}/code", json=asked)
        [mail] = [each for each in firm.account_mails() if each.kind == "sign_in_code"]
        sent = asked | {"code": mail.subject[:8], "second_factor": at(app, 90)}
        assert code(client.post(CUSTOMER, json=sent)) == (401, "WRONG_CODE")
        assert failed(firm, person) == [("totp", "customer")]
        assert "code.refused" in [name for name, *_ in person.security()]


class TestReset:
    def test_not_of_who_may_do_more(self, firm, somebody):
        role = '["self:read", "self:write", "users:read", "users:write"]'
        firm.sql(
            "insert into roles (tenant_id, slug, name, permissions) values (%s, 'desk', 'Desk', %s)"
            " on conflict (tenant_id, slug) do nothing",
            *(firm.a, role),
        )
        person, colleague, desk = somebody(a="admin"), somebody(a="desk"), somebody(a="desk").client()
        app_of(person.client())
        path = "/api/v1/admin/users/{}/factors"
        assert code(desk.delete(path.format(person.id))) == (403, "MORE_THAN_YOURS")
        assert desk.delete(path.format(colleague.id)).status_code == 200

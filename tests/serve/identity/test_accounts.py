"""Sign-up, the way back, the app's and the customers' doors: by mail, once, and telling strangers nothing."""

from __future__ import annotations

import re
from dataclasses import replace
from uuid import uuid4

import pytest

from serve.identity.accounts.rules import check_password, common_passwords
from serve.kernel.errors import Invalid
from serve.kernel.ratelimit import RateLimit
from tests.serve.firm import PASSWORD
from tests.serve.identity.conftest import AUTH, code
from tests.serve.identity.test_factors import app_of, at

NEW = "another password of ours"
COMPANY = {
    "name": "Olga's Vans",
    "kind": "fleet",
    "country": "DE",
    "timezone": "Europe/Berlin",
    "currency": "EUR",
}


@pytest.fixture(autouse=True)
def unhurried(firm):
    """Each test asks for mails as if it were the first."""
    state = firm.running.app.state
    state.accounts = replace(state.accounts, links=RateLimit(1, burst=5))
    firm.account_mails()


def address() -> str:
    return f"n{uuid4().hex[:12]}@example.com"


def token_of(sent, word: str) -> str:
    return re.search(rf"/account#{word}=(\S*)", sent.text)[1]


def register(firm, address, **more):
    body = {"email": address, "password": NEW, "full_name": "Olga New", "company": COMPANY, **more}
    return firm.running.client().post(f"{AUTH}/register", json=body)


class TestPasswords:
    def test_the_list_is_long(self):
        assert len(common_passwords()) > 3_000

    @pytest.mark.parametrize(
        "password",
        [
            "password12",
            "Password2026!",
            "qwertyuiop",
            "1234567890",
            "aaaaaaaaaaaa",
            "olga@example.com",
            "short",
        ],
    )
    def test_what_everybody_tries_first(self, password):
        with pytest.raises(Invalid):
            check_password(password, shortest=10, about=["olga@example.com"])

    @pytest.mark.parametrize(
        "password", ["correct horse battery staple", "Zug um Zug nach Süden", "九月の雨が降る夜に歩く"]
    )
    def test_what_is_fine(self, password):
        check_password(password, shortest=10, about=["olga@example.com"])


class TestRegistration:
    def test_from_the_form_to_the_first_session(self, firm):
        email = address()
        asked = register(firm, email)
        assert asked.status_code == 202
        assert asked.json()["data"]["email"] == email
        assert firm.sql("select 1 from users where email = %s", email) == []  # not before it is confirmed
        [mail] = firm.account_mails()
        assert (mail.kind, mail.to_address) == ("registration", email)
        token = token_of(mail, "confirm")
        begun = firm.running.client().post(f"{AUTH}/confirm-registration", json={"token": token})
        assert begun.status_code == 201
        data = begun.json()["data"]
        assert (data["tenant"]["name"], data["tenant"]["role"]) == ("Olga's Vans", "owner")
        me = (
            firm.running.client(Authorization=f"Bearer {data['access_token']}")
            .get(f"{AUTH}/me")
            .json()["data"]
        )
        assert me["profile"]["email_verified_at"]
        assert me["session"]["methods"] == ["password", "mail_link"]
        again = firm.running.client().post(f"{AUTH}/confirm-registration", json={"token": token})
        assert code(again) == (410, "ACCOUNT_LINK_OVER")

    def test_a_known_address_gets_the_same_answer_and_another_mail(self, firm, somebody):
        person = somebody()
        unknown = register(firm, address()).json()["data"]
        known = register(firm, person.email).json()["data"]
        assert known.keys() == unknown.keys()
        first, second = firm.account_mails()
        assert {first.kind, second.kind} == {"registration", "registration_known"}
        assert firm.sql("select full_name from users where email = %s", person.email) == [("Sam Body",)]

    def test_two_links_of_one_address_make_one_account(self, firm):
        email = address()
        register(firm, email)
        register(firm, email)
        tokens = [token_of(mail, "confirm") for mail in firm.account_mails()]
        answers = [
            firm.running.client().post(f"{AUTH}/confirm-registration", json={"token": token})
            for token in tokens
        ]
        assert [answer.status_code for answer in answers] == [201, 409]

    @pytest.mark.parametrize(
        ("sent", "field"),
        [
            ({"password": "password123"}, "password"),
            ({"email": "no address"}, "email"),
            ({"company": COMPANY | {"country": "ZZZ"}}, "company.country"),
            ({"company": COMPANY | {"timezone": "Mars/Base"}}, "company.timezone"),
        ],
    )
    def test_what_is_refused_is_named(self, firm, sent, field):
        answer = register(firm, address(), **sent)
        assert answer.status_code == 422
        assert answer.json()["error"]["details"][0]["field"] == field

    def test_closed(self, firm, run_app):
        home = firm.running.app.state.settings.throughline_home
        other = run_app(home, database_url=firm.address.base, background_work=False, registration="closed")
        body = {"email": address(), "password": NEW, "full_name": "O", "company": COMPANY}
        assert code(other.client().post(f"{AUTH}/register", json=body)) == (403, "REGISTRATION_CLOSED")

    def test_nobody_is_written_to_without_end(self, firm):
        email = address()
        statuses = [register(firm, email).status_code for _ in range(6)]
        assert statuses == [202] * 5 + [429]


class TestForgottenPassword:
    def forget(self, firm, email):
        answer = firm.running.client().post(f"{AUTH}/forgot-password", json={"email": email})
        assert answer.status_code == 202
        return answer.json()["data"]

    def test_the_way_back(self, firm, somebody):
        person = somebody()
        open_one = person.client()
        self.forget(firm, person.email.upper())
        [mail] = firm.account_mails()
        sent = {"token": token_of(mail, "reset"), "password": NEW}
        answer = firm.running.client().post(f"{AUTH}/reset-password", json=sent)
        assert answer.json()["data"] == {"reset": True, "ended_sessions": 1}
        assert open_one.get(f"{AUTH}/me").status_code == 401
        assert person.log_in(password=NEW)
        assert code(firm.running.client().post(f"{AUTH}/reset-password", json=sent)) == (
            410,
            "ACCOUNT_LINK_OVER",
        )
        [told] = firm.account_mails()
        assert (told.kind, told.to_address) == ("password_changed", person.email)
        assert "password.changed" in [name for name, *_ in person.security()]

    def test_one_that_is_used_ends_the_others(self, firm, somebody):
        person = somebody()
        self.forget(firm, person.email)
        self.forget(firm, person.email)
        first, second = (token_of(mail, "reset") for mail in firm.account_mails())
        client = firm.running.client()
        assert (
            client.post(f"{AUTH}/reset-password", json={"token": second, "password": NEW}).status_code == 200
        )
        answer = client.post(f"{AUTH}/reset-password", json={"token": first, "password": NEW})
        assert code(answer) == (410, "ACCOUNT_LINK_OVER")

    def test_a_bad_password_does_not_use_up_the_link(self, firm, somebody):
        person = somebody()
        self.forget(firm, person.email)
        [mail] = firm.account_mails()
        token, client = token_of(mail, "reset"), firm.running.client()
        bad = client.post(f"{AUTH}/reset-password", json={"token": token, "password": "password123"})
        assert bad.status_code == 422
        assert (
            client.post(f"{AUTH}/reset-password", json={"token": token, "password": NEW}).status_code == 200
        )

    def test_a_link_to_an_address_that_the_account_has_no_more(self, firm, somebody):
        person = somebody()
        self.forget(firm, person.email)
        [mail] = firm.account_mails()
        firm.sql("update users set email = %s where id = %s", address(), person.id)
        sent = {"token": token_of(mail, "reset"), "password": NEW}
        answer = firm.running.client().post(f"{AUTH}/reset-password", json=sent)
        assert code(answer) == (410, "ACCOUNT_LINK_OVER")

    def test_what_the_company_asks_of_passwords_counts_here_too(self, firm, somebody):
        person = somebody(b="viewer")
        owner = firm.client(tenant=firm.b)
        owner.put("/api/v1/settings/security", json={"password_min_length": 40})
        self.forget(firm, person.email)
        [mail] = firm.account_mails()
        sent = {"token": token_of(mail, "reset"), "password": NEW}
        refused = firm.running.client().post(f"{AUTH}/reset-password", json=sent)
        owner.put("/api/v1/settings/security", json={"password_min_length": None})
        assert refused.status_code == 422
        assert firm.running.client().post(f"{AUTH}/reset-password", json=sent).status_code == 200

    def test_nobody_gets_a_mail_and_the_same_answer(self, firm, somebody):
        person = somebody()
        assert self.forget(firm, person.email).keys() == self.forget(firm, address()).keys()
        assert len(firm.account_mails()) == 1

    def test_somebody_switched_off_gets_none(self, firm, somebody):
        person = somebody()
        firm.sql("update users set is_active = false where id = %s", person.id)
        self.forget(firm, person.email)
        assert firm.account_mails() == []

    def test_a_link_that_nobody_made(self, firm):
        sent = {"token": "x" * 43, "password": NEW}
        answer = firm.running.client().post(f"{AUTH}/reset-password", json=sent)
        assert code(answer) == (404, "ACCOUNT_LINK_NOT_FOUND")


class TestNewAddress:
    def asked(self, firm, client, wanted) -> str:
        """The token of the link that goes to the new address."""
        body = {"email": wanted, "current_password": PASSWORD}
        assert client.put(f"{AUTH}/me", json=body).status_code == 200
        [mail] = [mail for mail in firm.account_mails() if mail.kind == "email_confirmation"]
        assert mail.to_address == wanted
        return token_of(mail, "email")

    def confirmed(self, firm, token):
        return firm.running.client().post(f"{AUTH}/confirm-email", json={"token": token})

    def test_both_addresses_are_told_and_the_new_one_is_confirmed(self, firm, somebody):
        person, wanted = somebody(), address()
        client = person.client()
        token = self.asked(firm, client, wanted)
        assert person.log_in()["user"]["email"] == person.email
        assert self.confirmed(firm, token).json()["data"] == {"email": wanted}
        [mail] = firm.account_mails()
        assert (mail.kind, mail.to_address) == ("email_changed", person.email)
        me = client.get(f"{AUTH}/me").json()["data"]  # the token knows only the old one
        assert me["user"]["email"] == wanted
        assert me["profile"]["email_verified_at"]
        assert "profile.changed" in [name for name, *_ in person.security()]
        person.email = wanted
        assert person.log_in()["user"]["email"] == wanted
        assert self.confirmed(firm, token).status_code == 410

    def test_who_was_quicker_keeps_it(self, firm, somebody):
        person, wanted = somebody(), address()
        token = self.asked(firm, person.client(), wanted)
        firm.sql("insert into users (email, full_name) values (%s, 'Quick')", wanted)
        assert code(self.confirmed(firm, token)) == (410, "ACCOUNT_LINK_OVER")
        assert person.log_in()["user"]["email"] == person.email

    def test_the_last_wish_counts(self, firm, somebody):
        person, first, last = somebody(), address(), address()
        client = person.client()
        tokens = [self.asked(firm, client, wanted) for wanted in (first, last)]
        assert [self.confirmed(firm, token).status_code for token in tokens] == [410, 200]
        assert client.get(f"{AUTH}/me").json()["data"]["user"]["email"] == last


class TestOtherDoors:
    def test_the_app_may_work_and_not_administer(self, firm, somebody):
        person = somebody(a="owner")
        body = {"email": person.email, "password": PASSWORD, "device": {"name": "Olga's phone"}}
        data = firm.running.client().post("/api/mobile/auth", json=body).json()["data"]
        app = person.client(data)
        assert app.get("/api/v1/vehicles").status_code == 200
        assert app.get("/api/v1/roles").status_code == 403
        assert app.get("/api/v1/audit/logs").status_code == 403
        assert code(app.post(f"{AUTH}/api-keys", json={"name": "k", "scopes": ["self:read"]})) == (
            403,
            "LIMITED_TOKEN",
        )
        [session] = app.get(f"{AUTH}/sessions").json()["data"]
        assert (session["kind"], session["user_agent"]) == ("mobile", "Olga's phone")
        renewed = firm.running.client().post(f"{AUTH}/refresh", json={"refresh_token": data["refresh_token"]})
        assert person.client(renewed.json()["data"]).get("/api/v1/roles").status_code == 403

    def test_a_customer_comes_in_with_a_code(self, firm, somebody):
        person = somebody(a="customer", b="owner")
        client = firm.running.client()
        asked = {"tenant": "a", "email": person.email}
        assert client.post("/api/customer/auth/code", json=asked).status_code == 202
        [mail] = firm.account_mails()
        sent = asked | {"code": re.search(r"\d{8}", mail.subject)[0]}
        data = client.post("/api/customer/auth", json=sent).json()["data"]
        customer = person.client(data)
        assert customer.get(f"{AUTH}/me").json()["data"]["permissions"] == ["self:read", "self:write"]
        assert customer.get("/api/v1/contacts").status_code == 403
        assert code(client.post("/api/customer/auth", json=sent)) == (401, "WRONG_CREDENTIALS")  # once
        refresh = {"refresh_token": data["refresh_token"], "tenant": "b"}
        moved = firm.running.client().post(f"{AUTH}/refresh", json=refresh).json()["data"]
        assert (
            person.client(moved).get("/api/v1/roles").status_code == 403
        )  # good for that alone, elsewhere too

    def test_a_customer_with_a_second_factor_shows_it_too(self, firm, somebody):
        person = somebody(a="customer", b="manager")
        app, _ = app_of(person.client())
        client = firm.running.client()
        asked = {"tenant": "a", "email": person.email}

        def mailed() -> dict:
            client.post("/api/customer/auth/code", json=asked)
            return asked | {"code": re.search(r"\d{8}", firm.account_mails()[-1].subject)[0]}

        sent = mailed()
        for _ in range(2):  # the code of the mail is still good
            needed = client.post("/api/customer/auth", json=sent)
            assert code(needed) == (401, "SECOND_FACTOR_NEEDED")
        wrong = client.post("/api/customer/auth", json=sent | {"second_factor": "000000"})
        assert code(wrong) == (401, "WRONG_CODE")
        right = {"second_factor": at(app)}
        assert code(client.post("/api/customer/auth", json=sent | right)) == (
            401,
            "WRONG_CREDENTIALS",
        )  # spent
        granted = client.post("/api/customer/auth", json=mailed() | right)
        assert granted.status_code == 200, granted.text
        caller = firm.running.app.state.tokens.verify(granted.json()["data"]["access_token"])
        assert (caller.methods, caller.only) == (("mail_code", "totp"), "customer")

    def test_a_code_is_for_one_company_and_the_newest_counts(self, firm, somebody):
        person = somebody(a="customer", b="customer")
        client = firm.running.client()
        for tenant in ("a", "a", "b"):
            client.post("/api/customer/auth/code", json={"tenant": tenant, "email": person.email})
        codes = [re.search(r"\d{8}", mail.subject)[0] for mail in firm.account_mails()]
        asked = {"tenant": "a", "email": person.email}
        refused = [
            client.post("/api/customer/auth", json=asked | {"code": each}).status_code for each in codes
        ]
        assert refused == [401, 401, 401]  # the last one, for b, made those before it void
        at_b = client.post("/api/customer/auth", json=asked | {"tenant": "b", "code": codes[2]})
        assert at_b.status_code == 200

    @pytest.mark.parametrize("role", ["owner", "provider"])
    def test_who_is_no_customer_gets_no_code_and_the_same_answer(self, firm, somebody, role):
        person = somebody(a=role)
        asked = {"tenant": "a", "email": person.email}
        assert firm.running.client().post("/api/customer/auth/code", json=asked).status_code == 202
        assert firm.account_mails() == []

"""What was asked for under a password ends with it, and mail goes where the account is, not where somebody typed."""

from __future__ import annotations

from uuid import uuid4

import pytest

from tests.serve.firm import PASSWORD
from tests.serve.identity.conftest import AUTH, code
from tests.serve.identity.test_accounts import NEW, address, register, token_of, unhurried

__all__ = ["unhurried"]
LONG = 40


@pytest.fixture
def wanted(firm):
    """Ask for another address in a session; gives the mails, those of the new address first."""

    def ask(client, email):
        body = {"email": email, "current_password": PASSWORD}
        assert client.put(f"{AUTH}/me", json=body).status_code == 200
        return sorted(firm.account_mails(), key=lambda mail: mail.to_address != email)

    return ask


def opened(firm, word: str, token: str):
    path = {"email": "confirm-email", "reset": "reset-password"}[word]
    body = {"token": token} | ({"password": NEW} if word == "reset" else {})
    return firm.running.client().post(f"{AUTH}/{path}", json=body)


def forgotten(firm, email):
    assert firm.running.client().post(f"{AUTH}/forgot-password", json={"email": email}).status_code == 202
    return firm.account_mails()


class TestNewPassword:
    @pytest.mark.parametrize("way", ["a link", "in a session"])
    def test_it_ends_what_was_asked_for_before(self, firm, somebody, wanted, way):
        person = somebody()
        client = person.client()
        theft = token_of(wanted(client, address())[0], "email")
        [mail] = forgotten(firm, person.email)
        if way == "a link":
            [later] = forgotten(firm, person.email)
            assert opened(firm, "reset", token_of(later, "reset")).status_code == 200
        else:
            body = {"password": NEW, "current_password": PASSWORD}
            assert client.put(f"{AUTH}/me", json=body).status_code == 200
        assert code(opened(firm, "email", theft)) == (410, "ACCOUNT_LINK_OVER")
        assert code(opened(firm, "reset", token_of(mail, "reset"))) == (410, "ACCOUNT_LINK_OVER")
        assert firm.sql("select email from users where id = %s", person.id) == [(person.email,)]

    def test_what_is_asked_with_it_goes_on(self, firm, somebody):
        person, email = somebody(), address()
        body = {"password": NEW, "email": email, "current_password": PASSWORD}
        assert person.client().put(f"{AUTH}/me", json=body).status_code == 200
        [mail] = [each for each in firm.account_mails() if each.to_address == email]
        assert opened(firm, "email", token_of(mail, "email")).status_code == 200

    def test_the_longest_of_all_companies_counts_in_each(self, firm, somebody):
        person = somebody(a="viewer", b="viewer")
        owner = firm.client("owner", firm.b)
        owner.put("/api/v1/settings/security", json={"password_min_length": LONG})
        body = {"password": NEW, "current_password": PASSWORD}
        refused = person.client(person.log_in(tenant="a")).put(f"{AUTH}/me", json=body)
        owner.put("/api/v1/settings/security", json={"password_min_length": 10})
        assert code(refused) == (422, "INVALID")
        assert str(LONG) in refused.json()["error"]["details"][0]["message"]


class TestNewAddress:
    def test_the_address_of_now_is_told(self, firm, somebody, wanted):
        person, email = somebody(), address()
        told = wanted(person.client(), email)
        assert [(mail.kind, mail.to_address) for mail in told] == [
            ("email_confirmation", email),
            ("email_change_asked", person.email),
        ]
        assert email in told[1].text


@pytest.fixture
def look_alike(firm, somebody):
    """Somebody's account, and an address that the database takes for the same: ``(person, address)``."""

    def make(of: str, like: str, **roles: str):
        person = somebody(**roles)
        person.email = f"v{of}ctor{uuid4().hex[:8]}@example.com"
        firm.sql("update users set email = %s where id = %s", person.email, person.id)
        return person, person.email.replace(of, like)

    return make


class TestLookAlikes:
    def test_the_database_takes_them_for_the_same(self, firm, look_alike):
        person, alike = look_alike("i", "İ")
        assert firm.sql("select id from auth_user_by_email(%s)", alike) == [(person.id,)]

    def test_who_differs_is_nobody(self, firm, look_alike):
        _, alike = look_alike("i", "İ", a="customer")
        client = firm.running.client()
        assert forgotten(firm, alike) == []
        assert client.post("/api/customer/auth/code", json={"tenant": "a", "email": alike}).status_code == 202
        assert firm.account_mails() == []
        refused = client.post(f"{AUTH}/login", json={"email": alike, "password": PASSWORD})
        assert code(refused) == (401, "WRONG_CREDENTIALS")

    def test_who_is_the_same_is_written_to_where_they_are(self, firm, look_alike):
        """The sign of Kelvin is a k in small letters."""
        person, alike = look_alike("k", "K", a="customer")
        asked = {"tenant": "a", "email": alike}
        sent = forgotten(firm, alike)
        firm.running.client().post("/api/customer/auth/code", json=asked)
        register(firm, alike)
        sent += firm.account_mails()
        assert [(mail.kind, mail.to_address) for mail in sent] == [
            ("password_reset", person.email),
            ("sign_in_code", person.email),
            ("registration_known", person.email),
        ]
        body = {"email": alike, "password": PASSWORD}
        assert firm.running.client().post(f"{AUTH}/login", json=body).status_code == 200

    def test_whose_address_is_wanted_hears_of_it_there(self, firm, somebody, look_alike, wanted):
        person, alike = look_alike("k", "K")
        kinds = {mail.kind: mail.to_address for mail in wanted(somebody().client(), alike)}
        assert kinds["email_wanted"] == person.email

"""From sign-up to a session that was taken back, the app on the road, a customer, and a forgotten password."""

from __future__ import annotations

import re
from typing import Any

from tests.journeys.person import Person

GROUP = "accounts"
GIF = b"GIF89a\1\0\1\0\0\0\0,\0\0\0\0\1\0\1\0\0\2\2D\1\0;"
COMPANY = {
    "name": "Nordwind Vans",
    "kind": "fleet",
    "country": "DE",
    "timezone": "Europe/Berlin",
    "currency": "EUR",
}


def mails(office) -> list[Any]:
    return office.running.wait_for(office.running.app.state.account_mails.send_due())


def link(mail: Any) -> str:
    return re.search(r"/account#\w+=(\S+)", mail.text)[1]


def test_from_sign_up_to_a_session_that_was_taken_back(office):
    visitor = office.stranger()
    signing_up = {"email": "nora@nordwind.example", "full_name": "Nora Wind", "company": COMPANY}
    visitor("POST /api/v1/auth/register", signing_up | {"password": "password123"}, refused=422)
    visitor("POST /api/v1/auth/register", signing_up | {"password": "ein langer Weg nach Norden"})
    log_in = {"email": "nora@nordwind.example", "password": "ein langer Weg nach Norden"}
    visitor("POST /api/v1/auth/login", log_in, refused=401)  # not before the address is confirmed
    [mail] = mails(office)
    assert "Nordwind Vans" in mail.text

    office.restart()  # what was sent is kept
    nora = Person(office, "nora@nordwind.example")
    nora.password = log_in["password"]
    nora.take(nora("POST /api/v1/auth/confirm-registration", {"token": link(mail)}))
    assert nora.session["tenant"]["role"] == "owner"
    assert nora("GET /api/v1/contacts").data == []  # a company of her own, and empty

    # Who she is, in her own words.
    nora("PUT /api/v1/users/profile", {"job_title": "Founder", "phone": "+49 421 555 0100"})
    nora("PATCH /api/v1/users/profile/avatar", files={"file": ("nora.gif", GIF)})
    me = nora("GET /api/users/me").data
    assert (me["profile"]["job_title"], me["profile"]["avatar"] is None) == ("Founder", False)
    nora("DELETE /api/v1/users/profile/avatar")
    assert nora("GET /api/v1/users/profile").data["profile"]["avatar"] is None

    # The app on her phone may work, and not administer.
    phone = Person(office, nora.email)
    phone.password = nora.password
    phone.log_in("POST /api/mobile/auth")
    phone("GET /api/v1/vehicles")
    phone("GET /api/v1/roles", refused=403)

    # It is lost: she takes its session back, and it opens nothing any more.
    [lost] = [each for each in nora("GET /api/v1/auth/sessions").data if each["kind"] == "mobile"]
    nora("DELETE /api/v1/auth/sessions/{id}", id=lost["id"])
    phone("GET /api/v1/vehicles", refused=401)
    phone("POST /api/v1/auth/refresh", {"refresh_token": phone.session["refresh_token"]}, refused=401)
    assert [each["is_current"] for each in nora("GET /api/v1/auth/sessions").data] == [True]


def test_a_forgotten_password(office):
    anna, visitor = office.person("manager"), office.stranger()
    for email in (anna.email, "nobody@nowhere.example"):
        visitor("POST /api/v1/auth/forgot-password", {"email": email})
    [mail] = mails(office)  # the other one is nobody's
    reset = {"token": link(mail), "password": "ein neuer Weg nach Süden"}
    visitor("POST /api/v1/auth/reset-password", reset)
    visitor("POST /api/v1/auth/reset-password", reset, refused=410)
    anna("GET /api/v1/auth/me", refused=401)
    anna.password = reset["password"]
    anna.log_in()
    [told] = mails(office)
    assert (told.kind, told.to_address) == ("password_changed", anna.email)
    office.catch_up()
    [noted] = office.person("owner")("GET /api/v1/audit/security-events", name="password.changed").data
    assert (noted["entity_id"], noted["after"]["by"]) == (anna.id, "link")


def test_a_customer_sees_their_own_things_alone(office):
    visitor = office.stranger()
    asked = {"tenant": "a", "email": "customer@a.example"}
    visitor("POST /api/v1/customer/auth/code", asked)
    [mail] = mails(office)
    customer = Person(office, asked["email"])
    customer("POST /api/customer/auth", asked | {"code": "00000000"}, refused=401)
    customer.take(customer("POST /api/customer/auth", asked | {"code": mail.subject.split()[0]}))
    assert customer("GET /api/v1/auth/me").data["session"]["kind"] == "customer"
    customer("GET /api/v1/contacts", refused=403)

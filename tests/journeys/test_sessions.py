"""One person on two devices, and somebody who got hold of a token."""

from __future__ import annotations

from tests.journeys.person import Person

GROUP = "sessions"
NEW = "another password of ours"


def test_two_devices(office):
    laptop = office.person("manager")
    phone = Person(office, laptop.email).log_in("POST /auth/api/auth/login")
    assert phone.session["user"] == laptop.session["user"]
    office.stranger()(
        "POST /api/v1/auth/login", {"email": laptop.email, "password": "a wrong one"}, refused=401
    )

    # What one device changes the other sees.
    laptop("PUT /api/v1/auth/me", {"fullName": "Anna Manager"})
    profile = phone("GET /api/auth/profile").data
    assert profile["user"]["full_name"] == "Anna Manager"
    own = {"expires_at": profile["expires_at"], "session": profile["session"]}
    assert profile == laptop("GET /api/v1/auth/me").data | own

    # A session goes on from token to token, also over a restart of the service.
    first = phone.session["refresh_token"]
    phone.take(phone("POST /api/v1/auth/refresh", {"refresh_token": first}))
    assert phone.session["refresh_token"] != first
    office.restart()
    assert laptop("GET /api/v1/auth/me").data["user"]["full_name"] == "Anna Manager"
    phone.take(phone("POST /api/auth/refresh", {"refreshToken": phone.session["refresh_token"]}))
    assert phone("GET /api/auth/profile").data["tenant"]["role"] == "manager"

    # A new password ends the other device's session, and only with it one gets in again.
    change = {"password": NEW, "current_password": "a wrong one"}
    laptop("PUT /api/v1/auth/me", change, refused=422)
    laptop("PUT /api/v1/auth/me", change | {"current_password": laptop.password})
    phone("GET /api/auth/profile", refused=401)
    phone("POST /api/auth/refresh", {"refresh_token": phone.session["refresh_token"]}, refused=401)
    asked = {"email": laptop.email, "password": laptop.password}
    office.stranger()("POST /api/v1/auth/login", asked, refused=401)
    phone.password = NEW
    phone.log_in()

    # Who logs out is out; the other device is not.
    phone("POST /api/auth/logout")
    phone("GET /api/auth/profile", refused=401)
    phone("POST /api/v1/auth/refresh", {"refresh_token": phone.session["refresh_token"]}, refused=401)
    laptop("GET /api/v1/auth/me")
    laptop("POST /api/v1/auth/logout")
    laptop("GET /api/v1/auth/me", refused=401)


def test_a_stolen_refresh_token(office):
    victim, owner = office.person("agent"), office.person("owner")
    stolen = victim.session["refresh_token"]
    for _ in range(2):
        victim.take(victim("POST /api/v1/auth/refresh", {"refresh_token": victim.session["refresh_token"]}))
    victim("GET /api/v1/auth/me")

    office.stranger()("POST /api/v1/auth/refresh", {"refresh_token": stolen}, refused=401)

    victim("POST /api/v1/auth/refresh", {"refresh_token": victim.session["refresh_token"]}, refused=401)
    victim("GET /api/v1/auth/me", refused=401)
    office.catch_up()
    victim.log_in()
    [warning] = victim("GET /api/v1/notifications", priority="urgent").data
    assert "used from two places" in warning["title"]
    [noted] = owner("GET /api/v1/audit/security-events", name="refresh.reused").data
    assert noted["entity_id"] == victim.id

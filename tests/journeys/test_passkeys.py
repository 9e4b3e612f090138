"""Somebody guards their account: an app with codes first, then a passkey; then the phone is lost."""

from __future__ import annotations

import time

import pyotp

from tests.journeys.person import Person
from tests.serve.identity.authenticator import Authenticator

GROUP = "passkeys"
OPTIONS = "POST /api/v1/auth/passkeys/login/options"


def test_a_phone_that_knows_its_person(office):
    agent, owner = office.person("agent"), office.person("owner")
    phone = Authenticator("http://localhost:8000")
    app = pyotp.TOTP(agent("POST /api/v1/auth/factors/totp").data["secret"])
    codes = agent("POST /api/v1/auth/factors/totp/confirm", {"code": app.now()}).data["new_recovery_codes"]

    # From now on the password is half of the way in.
    asked = {"email": agent.email, "password": agent.password}
    refused = office.stranger()("POST /api/v1/auth/login", asked, refused=401)
    assert refused.error["code"] == "SECOND_FACTOR_NEEDED"
    laptop = Person(office, agent.email)
    later = app.at(time.time(), counter_offset=1)
    laptop.take(office.stranger()("POST /api/v1/auth/login", asked | {"code": later}))

    # The phone makes a passkey, and signs in with nothing else: to the app, which may do less.
    options = laptop("POST /api/v1/auth/passkeys/options").data
    laptop("POST /api/v1/auth/passkeys", {"name": "Phone", "credential": phone.create(options)})
    mobile = Person(office, agent.email)
    answer = phone.get(mobile(OPTIONS).data)
    body = {"authType": "passkey", "biometricData": answer, "deviceInfo": {"platform": "android"}}
    mobile.take(mobile("POST /api/v1/mobile/biometric/auth", body))
    mobile("GET /api/v1/contacts")
    mobile("DELETE /api/v1/auth/factors/totp", refused=403)
    office.stranger()("POST /api/v1/mobile/biometric/auth", body, refused=401)  # the same answer again
    picture = {"authType": "passkey", "biometricData": {"faceImage": "data:image/png;base64,iVBORw0="}}
    refused = office.stranger()("POST /api/v1/mobile/biometric/auth", picture, refused=422)
    assert "never leave the device" in refused.error["details"][0]["message"]

    # An hour later something risky wants to know once more who it is.
    office.firm.sql(
        "update sessions set authenticated_at = now() - interval '1 hour' where user_id = %s", agent.id
    )
    laptop.take(laptop("POST /api/v1/auth/refresh", {"refresh_token": laptop.session["refresh_token"]}))
    laptop("DELETE /api/v1/auth/factors/totp", refused=401)
    proof = {"credential": phone.get(laptop(OPTIONS).data)}
    laptop.take(laptop("POST /api/v1/auth/step-up", proof))
    laptop("DELETE /api/v1/auth/factors/totp")
    [passkey] = laptop("GET /api/v1/auth/passkeys").data
    assert passkey["name"] == "Phone"

    # The phone is lost, and with it the app: a recovery code opens once, the administrator resets the rest.
    office.stranger()("POST /api/v1/auth/login", asked | {"code": codes[0]})
    office.stranger()("POST /api/v1/auth/login", asked | {"code": codes[0]}, refused=401)
    reset = owner("DELETE /api/v1/admin/users/{id}/factors", id=agent.id).data
    assert reset["removed"] == 1
    laptop("GET /api/v1/auth/me", refused=401)
    found = {"credential": phone.get(office.stranger()(OPTIONS).data)}
    office.stranger()("POST /api/v1/auth/passkeys/login", found, refused=401)
    agent.log_in()
    assert agent("GET /api/v1/auth/factors").data["has_second_factor"] is False
    office.catch_up()
    told = {each["title"] for each in agent("GET /api/v1/notifications", priority="urgent").data}
    assert "An administrator has reset your second factors" in told
    noted = {
        each["name"]
        for each in owner("GET /api/v1/audit/security-events", entity_id=agent.id, per_page=100).data
    }
    assert {"factor.added", "step_up.succeeded", "recovery_code.used", "factors.reset"} <= noted

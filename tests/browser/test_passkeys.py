"""A real browser makes and uses passkeys, with an authenticator that Chromium simulates."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, CDPSession, Page

from serve.identity.passkeys.party import RelyingParty
from tests.serve.conftest import firm as firm  # the fixture
from tests.serve.firm import PASSWORD, Firm

SCRIPT = """
async ([what, token, change]) => {
  const ask = async (path, body) => {
    const headers = { "Content-Type": "application/json", "X-Requested-With": "page" };
    if (token) headers.Authorization = `Bearer ${token}`;
    const answer = await fetch(`/api/v1/auth/${path}`, { method: "POST", headers, body: JSON.stringify(body ?? {}) });
    return [answer.status, await answer.json()];
  };
  if (what === "create") {
    const [, given] = await ask("passkeys/options");
    const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(given.data);
    const credential = await navigator.credentials.create({ publicKey });
    return ask("passkeys", { name: "Laptop", credential: credential.toJSON() });
  }
  const [, given] = await ask("passkeys/login/options");
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON({ ...given.data, ...change });
  try {
    const credential = await navigator.credentials.get({ publicKey });
    const sent = { credential: credential.toJSON() };
    const [first, second] = [await ask(what, sent), await ask(what, sent)];
    return [...first, second[0]];
  } catch (error) {
    return [0, error.name];
  }
}
"""


@dataclass
class Desk:
    """A page of the service in front of somebody, with an authenticator inside the computer."""

    firm: Firm
    page: Page
    devices: CDPSession
    device_id: str

    def run(self, what: str, token: str | None = None, **change: Any) -> Any:
        return self.page.evaluate(SCRIPT, [what, token, change])

    def credential(self) -> dict[str, Any]:
        [one] = self.devices.send("WebAuthn.getCredentials", {"authenticatorId": self.device_id})[
            "credentials"
        ]
        return dict(one)

    def log_in(self, role: str) -> str:
        body = {"email": f"{role}@a.example", "password": PASSWORD}
        token: str = (
            self.firm.running.client().post("/api/v1/auth/login", json=body).json()["data"]["access_token"]
        )
        return token


@pytest.fixture
def desk(browser: Browser, firm: Firm) -> Iterator[Desk]:
    address = f"http://localhost:{urlsplit(firm.running.url).port}"
    firm.running.app.state.relying_party = RelyingParty("localhost", [address])
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{address}/")
    devices = context.new_cdp_session(page)
    devices.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    made = devices.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    yield Desk(firm, page, devices, made["authenticatorId"])
    context.close()


def test_a_passkey_is_made_and_opens_the_account(desk: Desk):
    status, made = desk.run("create", desk.log_in("agent"))
    assert status == 201, made
    assert made["data"]["transports"] == ["internal"]
    status, session, again = desk.run("passkeys/login")
    assert status == 200, session
    assert session["data"]["user"]["email"] == "agent@a.example"
    assert again == 401  # the same answer a second time
    caller = desk.firm.running.app.state.tokens.verify(session["data"]["access_token"])
    assert caller.methods == ("passkey",)
    status, stepped, _ = desk.run("step-up", session["data"]["access_token"])
    assert (status, bool(stepped["data"]["refresh_token"])) == (200, True)


def test_a_cloned_counter_is_refused(desk: Desk):
    assert desk.run("create", desk.log_in("technician"))[0] == 201
    assert desk.run("passkeys/login")[0] == 200
    clone = desk.credential() | {"signCount": 0}
    assert desk.run("passkeys/login")[0] == 200
    desk.devices.send("WebAuthn.clearCredentials", {"authenticatorId": desk.device_id})
    desk.devices.send("WebAuthn.addCredential", {"authenticatorId": desk.device_id, "credential": clone})
    status, refused, _ = desk.run("passkeys/login")
    assert (status, refused["error"]["code"]) == (401, "PASSKEY_COPIED")


def test_a_person_that_the_device_does_not_know(desk: Desk):
    assert desk.run("create", desk.log_in("viewer"))[0] == 201
    who = {"authenticatorId": desk.device_id, "isUserVerified": False}
    desk.devices.send("WebAuthn.setUserVerified", who)
    assert desk.run("passkeys/login") == [0, "NotAllowedError"]
    status, refused, _ = desk.run("passkeys/login", userVerification="discouraged")  # a page that lies
    assert (status, refused["error"]["code"]) == (401, "PASSKEY_REFUSED")


def test_another_site_gets_nothing(desk: Desk):
    assert desk.run("create", desk.log_in("manager"))[0] == 201
    assert desk.run("passkeys/login", rpId="example.com") == [0, "SecurityError"]
    desk.firm.running.app.state.relying_party = RelyingParty("localhost", ["https://ops.example.com"])
    status, refused, _ = desk.run("passkeys/login")
    assert (status, refused["error"]["code"]) == (401, "PASSKEY_REFUSED")

"""A browser in front of somebody of a firm, with an authenticator inside the computer that Chromium simulates."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, CDPSession, Page

from serve.identity.passkeys.party import RelyingParty
from serve.kernel.ratelimit import RateLimit
from tests.browser.chrome import log_in, wait_for_figures
from tests.browser.conftest import Site, Visit, visiting
from tests.serve.firm import PASSWORD, Firm
from tests.serve.identity.conftest import Somebody

PICTURES = os.environ.get("LOOK_PICTURES")
"""A folder: the pages are kept there as pictures, to be looked at."""
AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}
NAMELESS = """
    () => [...document.querySelectorAll("input, select, button, a, img, section, form h1, dialog")]
        .filter((each) => each.checkVisibility() && !each.closest("[aria-hidden=true]"))
        .filter((each) => !(each.labels?.length || each.ariaLabel || each.textContent.trim() || each.hasAttribute("alt")
            || each.getAttribute("aria-labelledby")))
        .map((each) => each.outerHTML.slice(0, 100))
"""
ODD = """
    () => [...document.querySelectorAll("[id]")].map((each) => each.id)
        .filter((id, index, all) => all.indexOf(id) !== index)
        .concat([...document.querySelectorAll("[aria-describedby], [aria-labelledby]")]
            .flatMap((each) => [each.getAttribute("aria-describedby"), each.getAttribute("aria-labelledby")])
            .filter((id) => id && !document.getElementById(id)))
"""
"""Ids that stand twice, and names that point nowhere."""


@dataclass
class Desk:
    """``visit`` complains in the end about everything that a page should not have had to say."""

    firm: Firm
    visit: Visit
    devices: CDPSession
    device_id: str

    @property
    def page(self) -> Page:
        return self.visit.page

    @property
    def url(self) -> str:
        return self.visit.site.url

    def open(self, path: str = "/account") -> Page:
        self.page.goto(self.url + path)
        return self.page

    def enter(self, somebody: Somebody, path: str = "/account") -> Page:
        """Come in by password, to one's own account."""
        self.open(path)
        log_in(self.page, somebody.email, PASSWORD)
        return self.page

    def follow(self, to_address: str, word: str) -> Page:
        """Open the link of the mail that has just gone to that address."""
        [link] = [
            found[0]
            for mail in self.firm.account_mails()
            if mail.to_address == to_address
            and (found := re.search(rf"http\S+/account#{word}=\S*", mail.text))
        ]
        parts = urlsplit(link)
        return self.open(f"{parts.path}#{parts.fragment}")

    def keep(self, name: str) -> None:
        """Readable by everybody, however it looks; and a picture, if pictures are asked for."""
        assert self.page.evaluate(NAMELESS) == []
        assert self.page.evaluate(ODD) == []
        assert self.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        if PICTURES:
            self.page.screenshot(path=Path(PICTURES) / f"{name}.png", full_page=True)

    def age(self, somebody: Somebody) -> None:
        """As if they had proved long ago who they are; the page gets a token that says so."""
        long_ago = "update sessions set authenticated_at = now() - interval '1 hour' where user_id = %s"
        self.firm.sql(long_ago, somebody.id)
        self.page.evaluate(
            "fetch('/api/v1/auth/refresh', { method: 'POST', headers: { 'X-Requested-With': 'test' } })"
        )

    def see_no_figures(self) -> None:
        """The page of a firm without a release: what it says about that, and about rights, is no news."""
        wait_for_figures(self.page)
        assert [told for told in self.visit.complaints if not re.search(r"status of (503|403)", told)] == []
        self.visit.complaints.clear()

    def credentials(self) -> list[dict[str, Any]]:
        asked = {"authenticatorId": self.device_id}
        found: list[dict[str, Any]] = self.devices.send("WebAuthn.getCredentials", asked)["credentials"]
        return found


@pytest.fixture
def desk(browser: Browser, firm: Firm, tmp_path: Path) -> Iterator[Desk]:
    """Passkeys and providers need a host with a name; each test asks for mails as if it were the first."""
    state, url = firm.running.app.state, f"http://localhost:{urlsplit(firm.running.url).port}"
    state.relying_party = RelyingParty("localhost", [url])
    state.accounts = replace(state.accounts, links=RateLimit(1, burst=5))
    firm.account_mails()
    with visiting(browser, Site(url, tmp_path, tmp_path)) as visit:
        devices = visit.context.new_cdp_session(visit.page)
        devices.send("WebAuthn.enable")
        made = devices.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})
        yield Desk(firm, visit, devices, made["authenticatorId"])

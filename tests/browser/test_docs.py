"""The API's own page works without the internet and draws every operation."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Browser, expect

from tests.browser.conftest import Site, Visit, visiting

DRAWN_MS = 120_000
"""A thousand operations are drawn by a browser that may share its machine with everything else."""


def document_of(visit: Visit, site: Site) -> dict[str, Any]:
    """It is made when first asked for, which may take longer than a request may."""
    while True:
        answer = visit.context.request.get(f"{site.url}/openapi.json", timeout=DRAWN_MS)
        if answer.status != 504:
            document: dict[str, Any] = answer.json()
            return document


def test_every_operation_is_drawn(browser: Browser, site: Site) -> None:
    with visiting(browser, site) as visit:
        visit.page.set_default_timeout(DRAWN_MS)
        document = document_of(visit, site)
        visit.page.goto(f"{site.url}/docs")
        operations = sum(len(item) for item in document["paths"].values())
        expect(visit.page.locator(".opblock")).to_have_count(operations, timeout=DRAWN_MS)
        visit.page.get_by_text("Clients by their chance to leave").first.click()
        expect(visit.page.get_by_text("days_since_last_invoice").first).to_be_visible()


def test_log_in_from_the_page(browser: Browser, site: Site) -> None:
    with visiting(browser, site) as visit:
        visit.page.set_default_timeout(DRAWN_MS)
        document_of(visit, site)
        visit.page.goto(f"{site.url}/docs")
        block = visit.page.locator(".opblock-post", has_text="/api/v1/auth/login")
        block.locator("button.opblock-summary-control").click()
        block.get_by_role("button", name="Try it out").click()
        block.locator("textarea").fill('{"email": "vera@example.com", "password": "a password of ours"}')
        block.get_by_role("button", name="Execute").click()
        expect(block.locator(".live-responses-table").get_by_text("access_token").first).to_be_visible()

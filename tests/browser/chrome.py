"""Chromium as the browser tests and the screenshots start it: headless, without extras that would call home."""

from __future__ import annotations

from playwright.sync_api import Browser, Page, Playwright

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def launch(playwright: Playwright, path: str) -> Browser:
    """A new Chromium with a user folder of its own, which goes when it is closed."""
    return playwright.chromium.launch(executable_path=path, args=ARGUMENTS, headless=True)


def log_in(page: Page, email: str, password: str) -> None:
    form = page.locator("#login")
    form.get_by_label("E-mail").fill(email)
    form.get_by_label("Password").fill(password)
    form.get_by_role("button", name="Log in").click()


def wait_for_figures(page: Page) -> None:
    """Until every panel has drawn its answer."""
    page.locator("#board").wait_for()
    page.locator(".waiting").first.wait_for(state="detached")

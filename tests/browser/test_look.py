"""A business's own look in a real browser: the page after log-in, the door before, and a look nobody else sees yet."""

from __future__ import annotations

import os
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from tests.browser.chrome import log_in
from tests.browser.conftest import PASSWORD, Site, Visit, visiting

CUSTOM = "/api/v1/b2b/white-label/customization"
SLATE = {"accent": "#9a1f4b", "ground": "#fff7f2", "ink": "#2a1a20"}
LOOK = {
    "branding": {
        "product_name": "Harbour Desk",
        "light": SLATE,
        "dark": {"accent": "#ff9dbe"},
        "support_address": "help@harbour.example",
        "legal_lines": ["Harbour GmbH, Bremen", "HRB 12345"],
    },
    "customization": {
        "radius_px": 2,
        "spacing": "roomy",
        "font": "serif",
        "custom_css": ".panel { border-width: 2px; border-color: var(--accent) } .brand:hover { color: var(--accent) }",
    },
}
SIZES = {"desktop": {"width": 1280, "height": 900}, "phone": {"width": 390, "height": 800}}
PICTURES = os.environ.get("LOOK_PICTURES")
"""A folder: the pages are kept there as pictures, to be looked at."""


def rgb(colour: str) -> str:
    return f"rgb({int(colour[1:3], 16)}, {int(colour[3:5], 16)}, {int(colour[5:7], 16)})"


def style(page: Page, selector: str, name: str) -> str:
    return page.locator(selector).first.evaluate(f"node => getComputedStyle(node).{name}")


def keep(page: Page, name: str) -> None:
    if PICTURES:
        page.screenshot(path=Path(PICTURES) / f"{name}.png", full_page=True)


def come_in(visit: Visit) -> None:
    """As Alpha's owner, without the page."""
    body = {"email": "olga@example.com", "password": PASSWORD, "tenant": "alpha"}
    assert visit.context.request.post(f"{visit.site.url}/api/v1/auth/login", data=body).ok


def set_look(visit: Visit, **more: object) -> None:
    headers = {"X-Requested-With": "test"}
    picture = BytesIO()
    Image.new("RGB", (360, 90), SLATE["accent"]).save(picture, "PNG")
    file = {"name": "logo.png", "mimeType": "image/png", "buffer": picture.getvalue()}
    url, request = visit.site.url, visit.context.request
    logo = request.post(f"{url}/api/v1/files/upload-logo", multipart={"file": file}, headers=headers).json()[
        "data"
    ]["id"]
    body = LOOK | {"branding": LOOK["branding"] | {"logo_id": logo}} | more
    answer = request.post(url + CUSTOM, data=body, headers=headers)
    assert answer.ok, answer.text()


@pytest.fixture
def dressed(browser: Browser, site: Site) -> Iterator[Site]:
    """Alpha has a look of its own."""
    with visiting(browser, site) as visit:
        come_in(visit)
        set_look(visit)
        yield site
        answer = visit.context.request.delete(site.url + CUSTOM, headers={"X-Requested-With": "test"})
        assert answer.ok, answer.text()


@pytest.mark.parametrize("size", SIZES)
def test_who_logs_in_sees_the_businesss_own_look(browser: Browser, dressed: Site, size: str):
    with visiting(browser, dressed, viewport=SIZES[size]) as visit:
        page = visit.enter("vera@example.com")
        expect(page.locator("#look")).to_have_count(1)
        assert style(page, "html", "backgroundColor") == rgb(SLATE["ground"])
        assert style(page, "html", "color") == rgb(SLATE["ink"])
        assert style(page, "#forecast", "borderTopColor") == rgb(SLATE["accent"])
        assert style(page, "#forecast", "borderTopWidth") == "2px"
        assert style(page, "#forecast", "borderRadius") == "2px"
        assert "Charter" in style(page, "html", "fontFamily")
        logo = page.locator("#board .brand img")
        expect(logo).to_have_attribute("alt", "Harbour Desk")
        assert logo.evaluate("node => [node.naturalWidth, node.clientHeight]") == [360, 24]
        expect(page.locator("#legal")).to_contain_text("Harbour GmbH, Bremen")
        expect(page.locator("#legal a")).to_have_attribute("href", "mailto:help@harbour.example")
        assert page.title().endswith("· Harbour Desk")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        keep(page, f"board-{size}")


def test_on_a_dark_device_it_is_dark(browser: Browser, dressed: Site):
    with visiting(browser, dressed, color_scheme="dark") as visit:
        page = visit.enter("vera@example.com")
        expect(page.locator("#look")).to_have_count(1)
        assert style(page, "#forecast", "borderTopColor") == rgb("#ff9dbe")
        keep(page, "board-dark")


def test_the_door_wears_it_when_the_address_says_whose_it_is(browser: Browser, dressed: Site):
    with visiting(browser, dressed) as visit:
        page = visit.page
        page.goto(f"{dressed.url}/?client=alpha")
        expect(page.locator("#look")).to_have_count(1)
        expect(page).to_have_title("Harbour Desk")
        assert style(page, "#login button", "backgroundColor") == rgb(SLATE["accent"])
        keep(page, "door")
        page.goto(dressed.url)
        expect(page.locator("#login")).to_be_visible()
        expect(page).to_have_title("Throughline")
        assert page.locator("#look").count() == 0


def test_another_business_looks_like_the_product(browser: Browser, dressed: Site):
    with visiting(browser, dressed) as visit:
        page = visit.page
        page.goto(dressed.url)
        log_in(page, "olga@example.com", PASSWORD)
        page.get_by_role("button", name="Beta Shop").click()
        page.locator("#board").wait_for()
        expect(page).to_have_title("Beta Shop · Throughline")
        assert style(page, "html", "backgroundColor") == rgb("#f4f5f8")


@pytest.mark.parametrize("size", SIZES)
def test_a_preview_shows_it_and_runs_nothing(browser: Browser, dressed: Site, size: str):
    with visiting(browser, dressed, viewport=SIZES[size]) as visit:
        come_in(visit)
        headers = {"X-Requested-With": "test"}
        draft = {"branding": {"product_name": "Not yet", "light": {"accent": "#234f1e"}}}
        answer = visit.context.request.post(f"{dressed.url}{CUSTOM}/preview", data=draft, headers=headers)
        assert answer.ok, answer.text()
        page = visit.context.new_page()
        told: list[str] = []
        page.on("console", lambda said: told.append(said.text))
        # As somebody would change it who could: a script, a handler and a style of another's.
        evil = (
            "<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">"
            "<style>.card{background:#f00 !important}</style></body>"
        )
        page.set_content(answer.text().replace("</body>", evil))
        assert page.title() == "Not yet"
        assert style(page, ".card button", "backgroundColor") == rgb("#234f1e")
        assert style(page, ".card", "backgroundColor") == rgb("#ffffff")
        assert sum("Content Security Policy" in text for text in told) >= 3, told
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        keep(page, f"preview-{size}")
        page.close()

"""``python -m tests.browser.screenshot``: the page as people see it, of the home that ``THROUGHLINE_HOME`` names.

Writes ``docs/images/dashboard.png`` for the README. With ``--all FOLDER`` also a phone, the dark scheme and the
log-in form, to be looked at after every change of the page.
"""

from __future__ import annotations

import argparse
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, sync_playwright

from serve.app import create_app
from serve.settings import Settings
from tests.browser.chrome import launch, log_in, wait_for_figures
from tests.chromium import find
from tests.serve.conftest import Running
from warehouse.postgres import database
from warehouse.settings import PROJECT, Home, read_json

README_IMAGE = PROJECT / "docs" / "images" / "dashboard.png"
MOST_BYTES = 300_000
DESKTOP = {"viewport": {"width": 1280, "height": 900}}
PHONE = {"viewport": {"width": 360, "height": 740}, "is_mobile": True, "device_scale_factor": 2}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tenant", help="slug of a demo tenant; the first one unless said")
    parser.add_argument("--range", default="90d", choices=["7d", "30d", "90d", "12m"])
    parser.add_argument("--all", type=Path, metavar="FOLDER", help="write every view there as well")
    asked = parser.parse_args()
    path = find()
    if path is None:
        raise SystemExit("no Chromium is installed: run 'python -m tests.chromium'")
    home = Home()
    login = _owner(home, asked.tenant)
    with _serving(home) as url, sync_playwright() as playwright:
        browser = launch(playwright, path)
        README_IMAGE.parent.mkdir(parents=True, exist_ok=True)
        _shoot(
            browser,
            f"{url}/#{asked.range}",
            login,
            README_IMAGE,
            {"viewport": {"width": 1280, "height": 1060}},
        )
        if asked.all:
            asked.all.mkdir(parents=True, exist_ok=True)
            views = {"desktop": DESKTOP, "dark": DESKTOP | {"color_scheme": "dark"}, "phone": PHONE}
            for name, settings in views.items():
                place = asked.all / f"{name}.png"
                _shoot(browser, f"{url}/#{asked.range}", login, place, settings, full_page=True)
            _shoot(browser, url, None, asked.all / "login.png", DESKTOP)
        browser.close()
    if (size := README_IMAGE.stat().st_size) > MOST_BYTES:
        raise SystemExit(
            f"{README_IMAGE.name} has {size:,} bytes, more than the {MOST_BYTES:,} a README should load"
        )


def _owner(home: Home, tenant: str | None) -> dict[str, str]:
    logins = read_json(home.root / "demo_logins.json") or []
    owners = [each for each in logins if each["role"] == "owner" and tenant in (None, each["tenant"])]
    if not owners:
        raise SystemExit(f"no demo log-in in {home.root}; 'throughline demo load' makes some")
    found: dict[str, str] = owners[0]
    return found


@contextmanager
def _serving(home: Home) -> Iterator[str]:
    """The API of this checkout on a free port, on the home's own database."""
    logging.getLogger("throughline.access").addHandler(logging.NullHandler())
    with database(home):
        running = Running(create_app(Settings(throughline_home=home.root))).start()
        running.client().get("/health/ready")
        try:
            yield running.url
        finally:
            running.stop()


def _shoot(
    browser: Browser,
    url: str,
    login: dict[str, str] | None,
    path: Path,
    settings: dict[str, Any],
    *,
    full_page: bool = False,
) -> None:
    context = browser.new_context(**{"locale": "en-GB", **settings})
    page = context.new_page()
    page.goto(url)
    page.locator("#login").wait_for()
    if login:
        log_in(page, login["email"], login["password"])
        wait_for_figures(page)
    page.screenshot(path=path, full_page=full_page, animations="disabled")
    context.close()
    print(f"{path}: {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()

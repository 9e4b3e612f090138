"""A real service on a real release and database, and a browser that notes everything it should not have to say."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
from argon2 import PasswordHasher
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Request,
    expect,
    sync_playwright,
)

from serve.app import create_app
from serve.settings import Settings
from tests.browser.chrome import launch, log_in, wait_for_figures
from tests.browser.release import HOSTILE, publish_for_pages
from tests.chromium import find
from tests.serve.conftest import Running
from tests.serve.small_release import UNKNOWN, A, B

PASSWORD = "a password of ours"
CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
TENANTS = (
    (A, "alpha", f"Alpha {HOSTILE}", "EUR", True),
    (B, "beta", "Beta Shop", "USD", False),
    (UNKNOWN, "young", "Younger than the release", "EUR", False),
)
PEOPLE = (
    ("olga@example.com", "Olga Owner", ((A, "owner"), (B, "viewer"))),
    ("vera@example.com", "Vera Viewer", ((A, "viewer"),)),
    ("tim@example.com", "Tim Technician", ((A, "technician"),)),
    ("yuri@example.com", "Yuri Young", ((UNKNOWN, "owner"),)),
)

expect.set_options(timeout=15_000)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """For a module, not longer: while playwright runs, no other test could start an event loop."""
    path = find()
    if path is None:
        told = "no Chromium is installed: run 'python -m tests.chromium'"
        if os.environ.get("CI") == "true":
            pytest.fail(f"{told} (in CI the browser tests must run)")
        pytest.skip(told)
    with sync_playwright() as playwright:
        running = launch(playwright, path)
        yield running
        running.close()


@dataclass
class Site:
    """The running service, with what a test needs to change under it."""

    url: str
    releases: Path
    scratch: Path

    def publish(self, run_id: str, **different: int) -> str:
        """A new current release; its id."""
        return publish_for_pages(self.releases, self.scratch, run_id=run_id, **different).id


@pytest.fixture(scope="module")
def site(pg: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    home = tmp_path_factory.mktemp("home")
    database = pg.clone()
    with psycopg.connect(database.url("super")) as connection:
        _insert(connection)
    made = Site("", home / "releases", tmp_path_factory.mktemp("scratch"))
    made.publish("first")
    settings = Settings(throughline_home=home, database_url=database.base, login_attempts_per_min=1_000)
    running = Running(create_app(settings)).start()
    made.url = running.url
    assert running.client().get("/health/ready").status_code == 200
    yield made
    running.stop()
    pg.drop(database)


def _insert(connection: psycopg.Connection[Any]) -> None:
    for tenant, slug, name, currency, is_simulated in TENANTS:
        connection.execute(
            "insert into tenants (id, slug, name, kind, country, timezone, currency, is_simulated)"
            " values (%s, %s, %s, 'fleet', 'DE', 'Europe/Berlin', %s, %s)",
            (tenant, slug, name, currency, is_simulated),
        )
    for email, full_name, memberships in PEOPLE:
        row = connection.execute(
            "insert into users (email, full_name, password_hash, is_active) values (%s, %s, %s, true) returning id",
            (email, full_name, CHEAP.hash(PASSWORD)),
        ).fetchone()
        assert row is not None
        for tenant, role in memberships:
            connection.execute(
                "insert into memberships (user_id, tenant_id, role) values (%s, %s, %s)",
                (row[0], tenant, role),
            )


@dataclass
class Visit:
    """One visitor's page. ``complaints`` must be empty in the end, unless a test expects and clears them."""

    page: Page
    context: BrowserContext
    site: Site
    complaints: list[str] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    on_the_way: set[Request] = field(default_factory=set)

    def enter(self, email: str = "vera@example.com", path: str = "/") -> Page:
        """Log in by the form and wait until the figures are there."""
        self.page.goto(self.site.url + path)
        log_in(self.page, email, PASSWORD)
        wait_for_figures(self.page)
        return self.page

    def settle(self) -> None:
        """Wait until everything that the page has asked for is there."""
        while self.on_the_way:
            self.page.wait_for_timeout(10)

    def api(self, path: str) -> dict[str, Any]:
        """What the API answers to the same person."""
        response = self.context.request.get(f"{self.site.url}/api/v1{path}")
        assert response.ok, response.text()
        body: dict[str, Any] = response.json()
        return body

    def expects(self, word: str) -> None:
        """Everything complained about says this; forget it."""
        assert self.complaints
        assert [told for told in self.complaints if word not in told] == []
        self.complaints.clear()


@contextmanager
def visiting(browser: Browser, site: Site, **settings: Any) -> Iterator[Visit]:
    """A visitor with a browser profile of their own; checked in the end: the page had nothing to complain about."""
    usual = {"locale": "en-GB", "viewport": {"width": 1280, "height": 900}}
    context = browser.new_context(**{**usual, **settings})
    page = context.new_page()
    visit = Visit(page, context, site)
    page.on("console", lambda said: said.type == "error" and visit.complaints.append(_told(said)))
    page.on("pageerror", lambda error: visit.complaints.append(str(error)))
    page.on("request", lambda request: _note_stranger(visit, request.url))
    page.on("request", lambda request: visit.on_the_way.add(request))
    for end in ("requestfinished", "requestfailed"):
        page.on(end, lambda request: visit.on_the_way.discard(request))
    page.on("response", lambda response: visit.statuses.append(response.status))
    yield visit
    context.close()
    assert visit.complaints == []


def _told(said: ConsoleMessage) -> str:
    return f"{said.text} ({said.location['url']})"


def _note_stranger(visit: Visit, url: str) -> None:
    if urlsplit(url).netloc != urlsplit(visit.site.url).netloc:
        visit.complaints.append(f"asked another host: {url}")


@pytest.fixture
def visit(browser: Browser, site: Site) -> Iterator[Visit]:
    """A visitor on a desktop."""
    with visiting(browser, site) as visit:
        yield visit


@pytest.fixture(scope="module")
def reader(browser: Browser, site: Site) -> Iterator[Visit]:
    """A visitor who has logged in, for tests that only look."""
    with visiting(browser, site) as visit:
        visit.enter()
        yield visit

"""The whole service at work: a firm whose tenants also have a release."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from serve.app import create_app
from serve.settings import Settings
from tests.conftest import TestCluster
from tests.serve.conftest import Running
from tests.serve.firm import Firm
from tests.serve.small_release import A, B
from tests.surface.calls import Surface
from tests.surface.release import publish_surface
from warehouse.postgres import Address

MAX_BODY_BYTES = 65_536  # small, so that sending too much is quick
SETTINGS = {
    "max_body_bytes": MAX_BODY_BYTES,
    "login_attempts_per_min": 100_000,
    "link_calls_per_min": 100_000,
    "rate_limits": "read=600000/60000,write=600000/60000,export=600000/60000,auth=600000/60000",
    "dns_resolver": "127.0.0.1:9",  # nobody there
    "account_mails_at_once": 100_000,
}


def open_surface(home: Path, address: Address) -> Surface:
    """The service with this home on this database; its tenants ``a`` and ``b`` are those of the small release."""
    app = create_app(Settings(throughline_home=home, database_url=address.base, **SETTINGS))
    return Surface(Firm(Running(app).start(), address, a=A, b=B).settle())


@pytest.fixture(scope="session")
def surface_releases(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of releases to copy from."""
    return publish_surface(tmp_path_factory.mktemp("published"))


@contextmanager
def surface_of_its_own(pg: TestCluster, releases: Path, home: Path) -> Iterator[Surface]:
    """The service with a database that nobody else uses, for the block."""
    shutil.copytree(releases, home / "releases")
    address = pg.clone()
    surface = open_surface(home, address)
    try:
        yield surface
    finally:
        surface.close()
        pg.drop(address)


@pytest.fixture(scope="session")
def surface(
    pg: TestCluster, surface_releases: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Surface]:
    with surface_of_its_own(pg, surface_releases, tmp_path_factory.mktemp("home")) as surface:
        yield surface

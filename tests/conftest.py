"""Real parts for every test: one embedded PostgreSQL a session, a clone of the migrated database a test."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest

from serve.kernel import bootstrap, migrate
from tests import workers
from warehouse.postgres import DATABASE, Address, Server

os.environ["PASSWORD_COST"] = "m=8,t=1,p=1"  # as ``CHEAP`` of tests/serve/firm.py; a thousand people log in
UNSAFE_BUT_FAST = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: workers.place(item.nodeid))


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> workers.Files | None:
    return workers.Files(config, log) if config.getvalue("dist") == "loadfile" else None


class TestCluster:
    __test__ = False
    """A running server whose database ``throughline`` is migrated and stays empty: the template of every clone."""

    def __init__(self, server: Server, address: Address) -> None:
        self.server, self.address = server, address
        self._names = (f"clone_{number}" for number in itertools.count(1))

    def url(self, role: str = "super") -> str:
        return self.address.url(role)

    def clone(self) -> Address:
        name = next(self._names)
        with psycopg.connect(self.address.database("postgres").url("super"), autocommit=True) as connection:
            connection.execute(
                f"create database {name} template {DATABASE} strategy file_copy owner {bootstrap.OWNER}"
            )
        return self.address.database(name)

    def drop(self, address: Address) -> None:
        name = psycopg.conninfo.conninfo_to_dict(address.url("super"))["dbname"]
        with psycopg.connect(self.address.database("postgres").url("super"), autocommit=True) as connection:
            connection.execute(f"drop database {name} with (force)")


@pytest.fixture(scope="session")
def pg(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestCluster]:
    folder = tmp_path_factory.mktemp("postgres")
    server = Server(folder / "data", settings=UNSAFE_BUT_FAST)
    address = server.start()
    try:
        bootstrap.ensure_database(address)
        migrate.upgrade(address)
        yield TestCluster(server, address)
    finally:
        server.stop()


@pytest.fixture
def db(pg: TestCluster) -> Iterator[Address]:
    """A migrated, empty database of its own; gone after the test."""
    address = pg.clone()
    yield address
    pg.drop(address)


@pytest.fixture
def db_url(db: Address) -> Callable[[str], str]:
    """The address of this test's database as one of our roles."""
    return db.url

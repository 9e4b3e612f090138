"""The service over HTTP, by uvicorn on a free port, on the small release; log-in tests add a real database."""

from __future__ import annotations

import asyncio
import os
import shutil
import ssl
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import httpx
import pytest
import uvicorn
from fastapi import FastAPI

from serve.app import create_app
from serve.kernel.wire import Protocol
from serve.settings import Settings
from tests.conftest import TestCluster
from tests.serve.small_release import A, publish_small

if TYPE_CHECKING:
    from tests.serve.firm import Firm

NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""For clients that ask this machine in plain HTTP; one of their own would read the certificates of all the world."""

os.environ.setdefault("RATE_LIMITS", "")  # tests ask faster than people; those of the limits set their own


class Running:
    """An application that answers at ``url``."""

    def __init__(self, app: FastAPI) -> None:
        self.app = app
        self._server = uvicorn.Server(
            uvicorn.Config(app, port=0, http=Protocol, log_level="warning", access_log=False)
        )
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._clients: list[httpx.Client] = []

    def start(self) -> Running:
        self._thread.start()
        while not self._server.started:
            assert self._thread.is_alive(), "the application did not start"
            time.sleep(0.005)
        port = self._server.servers[0].sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        return self

    def stop(self) -> None:
        for client in self._clients:
            client.close()
        self._server.should_exit = True
        self._thread.join()

    def _serve(self) -> None:
        with asyncio.Runner(loop_factory=self._server.config.get_loop_factory()) as runner:
            self._loop = runner.get_loop()
            runner.run(self._server.serve())

    def wait_for(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Run it in the application's own loop."""
        return self.begin(work).result(120)

    def begin(self, work: Coroutine[Any, Any, Any]) -> Future[Any]:
        """The same without waiting for its end."""
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def client(self, **headers: str) -> httpx.Client:
        """A client of its own, with its own cookies."""
        client = httpx.Client(base_url=self.url, headers=headers, timeout=30, verify=NO_TLS)
        self._clients.append(client)
        return client

    def caller(self, tenant: UUID = A, role: str = "owner") -> httpx.Client:
        """A client with a token of that tenant and role."""
        token, _ = self.app.state.tokens.issue(
            uuid4(), email="someone@example.com", tenant_id=tenant, tenant_ids=[tenant], role=role
        )
        return self.client(Authorization=f"Bearer {token}")


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of releases to copy from."""
    folder = tmp_path_factory.mktemp("published")
    publish_small(folder / "releases", folder)
    return folder / "releases"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home without a release."""
    return tmp_path / "home"


@pytest.fixture
def run_app() -> Iterator[Callable[..., Running]]:
    """Runs applications with the settings given; all are stopped after the test."""
    running: list[Running] = []

    def run(home: Path, **settings: object) -> Running:
        running.append(Running(create_app(Settings(throughline_home=home, **settings))).start())
        return running[-1]

    yield run
    for each in running:
        each.stop()


@pytest.fixture
def releases(home: Path, published: Path) -> Path:
    """The home's own folder of releases, holding the small one."""
    return Path(shutil.copytree(published, home / "releases"))


@pytest.fixture
def service(home: Path, releases: Path, run_app: Callable[..., Running]) -> Running:
    """The service on the small release, for a test that changes something."""
    return run_app(home)


@pytest.fixture(scope="module")
def shared_service(published: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The service on the small release, for tests that only read."""
    home = tmp_path_factory.mktemp("home")
    shutil.copytree(published, home / "releases")
    running = Running(create_app(Settings(throughline_home=home))).start()
    yield running
    running.stop()


@pytest.fixture
def as_caller(shared_service: Running) -> Callable[..., httpx.Client]:
    return shared_service.caller


@pytest.fixture
def owner(as_caller: Callable[..., httpx.Client]) -> httpx.Client:
    """Tenant A's owner."""
    return as_caller()


@pytest.fixture(scope="module")
def firm(pg: TestCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Firm]:
    """The service on a database of this module's own."""
    from tests.serve.firm import Firm

    address = pg.clone()
    settings = Settings(
        throughline_home=tmp_path_factory.mktemp("home"),
        database_url=address.base,
        background_work=False,
        account_mails_at_once=10_000,
    )
    running = Running(create_app(settings)).start()
    try:
        yield Firm(running, address).settle()
    finally:
        running.stop()
        pg.drop(address)

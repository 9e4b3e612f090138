"""The API as production starts it, on a PostgreSQL server with production's settings; and the ways to kill them."""

from __future__ import annotations

import http.client
import os
import random
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psutil
import psycopg

from serve.kernel import bootstrap, migrate
from serve.kernel.tokens import Tokens
from serve.settings import Settings
from serve.supervisor import Child, kill_group
from serve.up import api_child
from tests.faults.platform import free_port, until
from warehouse.postgres import Server, announce, process_entry
from warehouse.settings import Home

LONGEST_S = 60.0
"""Until an answer comes again after a kill; also how long a key may be of no use."""

VICTIMS = ("api", "backend", "server")
"""What is killed: the API's process; one process of the server at work for the API, after which PostgreSQL throws
everybody out and recovers; the whole server."""


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes


class Client:
    """One connection that is kept as long as it lives."""

    def __init__(self, port: int, token: str) -> None:
        self._port, self._authorization = port, f"Bearer {token}"
        self._connection: http.client.HTTPConnection | None = None

    def send(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer | None:
        """The answer; None when there is none, whatever the server has done."""
        sent = {"Authorization": self._authorization, "Accept": "application/json", **(headers or {})}
        if body is not None:
            sent["Content-Type"] = "application/json"
        try:
            if self._connection is None:
                self._connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=LONGEST_S)
            self._connection.request(method, path, body, sent)
            answer = self._connection.getresponse()
            return Answer(
                answer.status,
                {name.lower(): value for name, value in answer.getheaders()},
                answer.read(),
            )
        except (OSError, http.client.HTTPException):
            self.close()
            return None

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


@dataclass
class Service:
    """The two processes, kept running as the supervisor would."""

    home: Home
    server: Server
    api: Child
    port: int
    tenants: dict[UUID, str] = field(default_factory=dict)
    outages_s: dict[str, list[float]] = field(default_factory=lambda: {victim: [] for victim in VICTIMS})

    @classmethod
    @contextmanager
    def open(cls, root: Path, *, app: str = "serve.app:create_app") -> Iterator[Service]:
        home = Home(root).create()
        server = Server(home.postgres, log=home.logs / "postgres.log")
        port = free_port()
        api = api_child(home, Settings(host="127.0.0.1", port=port))
        api.command[api.command.index("serve.app:create_app")] = app
        api.environment |= {"RATE_LIMITS": "", "DATABASE_URL": ""}  # many calls, and this server
        service = cls(home, server, api, port)
        try:
            service.start_server()
            bootstrap.ensure_database(server.address)
            migrate.upgrade(server.address)
            api.start()
            service.wait(service.tenant())
            yield service
        finally:
            if api.process is not None:
                kill_group(api.process.pid)
                api.process.wait()
            server.stop()

    def start_server(self) -> None:
        address = self.server.start()
        assert self.server.process is not None
        announce(self.home, "postgres", process_entry(self.server.process.pid, url=address.base))

    def tenant(self) -> UUID:
        """A new one, that nobody has worked for yet."""
        tenant_id = uuid4()
        self.sql(
            "insert into tenants (id, slug, name, kind, country, currency)"
            " values (%s, %s, 'T', 'fleet', 'DE', 'EUR')",
            *(tenant_id, str(tenant_id)),
        )
        tokens = Tokens(self.home.secret("access_token_key"), life_s=24 * 3600)
        self.tenants[tenant_id], _ = tokens.issue(
            uuid4(), email="o@t.example", tenant_id=tenant_id, tenant_ids=[tenant_id], role="owner"
        )
        return tenant_id

    def client(self, tenant_id: UUID) -> Client:
        return Client(self.port, self.tenants[tenant_id])

    def sql(self, query: str, *values: object) -> list[Any]:
        """As the superuser, past every policy."""
        with self.connect() as connection:
            cursor = connection.execute(query, values or None)  # type: ignore[call-overload]
            return cursor.fetchall() if cursor.description else []

    def connect(self) -> psycopg.Connection[Any]:
        return psycopg.connect(self.server.address.url("super"))

    # Killing

    def kill(self, victim: str, draw: random.Random, *, role: str = "throughline_api") -> float:
        """Kill it, start again what the supervisor would, and wait; seconds from the kill to the first good answer.

        ``role`` is whose backend.
        """
        tenant_id = next(iter(self.tenants))
        began = time.monotonic()
        if victim == "api":
            self._kill_api()
        elif victim == "backend":
            began = self._kill_backend(draw, role)
        else:
            self._kill_server()
        self.wait(tenant_id)
        outage_s = time.monotonic() - began
        self.outages_s[victim].append(outage_s)
        return outage_s

    def _kill_api(self) -> None:
        assert self.api.process is not None
        self.api.process.kill()
        self.api.process.wait()
        self.api.start()

    def _kill_backend(self, draw: random.Random, role: str) -> float:
        """One that works for the role at this moment, if any does; the time of it. Returns when all others are out."""
        assert self.server.process is not None
        who = "select pid, state from pg_stat_activity where usename = %s order by pid"
        until(lambda: self.sql(who, role), timeout_s=LONGEST_S, what=f"{role} is connected")
        found = self.sql(who, role)
        pids = [pid for pid, state in found if state != "idle"] or [pid for pid, _ in found]
        before = psutil.Process(self.server.process.pid).children()
        began = time.monotonic()
        os.kill(draw.choice(pids), signal.SIGKILL)
        psutil.wait_procs(before, timeout=LONGEST_S)
        return began

    def _kill_server(self) -> None:
        process = self.server.process
        assert process is not None
        process.kill()
        process.wait()
        kill_group(process.pid)
        self.start_server()

    def wait(self, tenant_id: UUID) -> None:
        """Until somebody who reads rows gets an answer."""
        client = self.client(tenant_id)
        deadline = time.monotonic() + LONGEST_S
        while time.monotonic() < deadline:
            answer = client.send("GET", "/api/v1/accounts?per_page=1")
            if answer is not None and answer.status == 200:
                client.close()
                return
            assert self.api.process is not None
            assert self.api.process.poll() is None, self.said()
            time.sleep(0.01)
        raise AssertionError(f"no answer within {LONGEST_S:.0f} s: {answer}\n{self.said()}")

    def settle(self) -> None:
        """Until nothing that clients asked for is still being done."""
        deadline = time.monotonic() + LONGEST_S
        busy = "select count(*) from pg_stat_activity where usename = 'throughline_api' and state <> 'idle'"
        while self.sql(busy) != [(0,)]:
            assert time.monotonic() < deadline, "a transaction of the API never ends"
            time.sleep(0.01)

    def said(self) -> str:
        """The last words of the API that are no lines of its access log."""
        lines = self.api.log.read_text(errors="replace").splitlines()
        return "\n".join(line for line in lines if not line.startswith("{"))[-4000:]

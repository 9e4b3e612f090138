"""Events live: two API processes on one store, 200 listeners, 200 events a second; all to everybody, or spread."""

from __future__ import annotations

import tempfile
import threading
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psutil
import psycopg

from benchmarks import processes
from benchmarks.common import Bar, Options, Result, console, interleave
from benchmarks.processes import Sample
from benchmarks.servers import OURS, Uvicorn, uvicorn
from serve.kernel import bootstrap, migrate
from serve.kernel.tokens import Tokens
from warehouse.postgres import Address, Server
from warehouse.settings import Home

CLIENTS, PER_S, SECONDS = 200, 200, 30.0
TENANTS = 10
SOCKETS = ("--ws-max-size", "65536", "--ws-per-message-deflate", "false")
ALL, SPREAD = "all hear all", "ten tenants"


def measure(options: Options) -> Result:
    seconds = 2.0 if options.quick else SECONDS
    about = f"2 API processes, {CLIENTS} listeners, {PER_S} events/s for {seconds:.0f} s; seconds: the p99 of latency"
    result = Result("realtime", about)
    with tempfile.TemporaryDirectory(prefix="bench-realtime-") as folder, ExitStack() as stack:
        bench = Bench(Path(folder), stack, seconds)
        variants = {ALL: partial(bench.run, tenants=1), SPREAD: partial(bench.run, tenants=TENANTS)}
        interleave(result, variants, rounds=options.rounds or 1)
    conclude(result)
    return result


def conclude(result: Result) -> None:
    facts = {name: [sample.facts for sample in samples] for name, samples in result.samples.items()}
    every = [each for found in facts.values() for each in found]
    result.facts = facts
    result.bars = [
        Bar("events that a listener missed", sum(each["missing"] for each in every), most=0),
        Bar("events told twice", sum(each["doubles"] for each in every), most=0),
        Bar("events out of order", sum(each["out_of_order"] for each in every), most=0),
        Bar("listeners lost", sum(each["gone"] for each in every), most=0),
        Bar(f"{SPREAD}: p99 of latency, ms", max(each["p99_ms"] for each in facts[SPREAD]), most=1_000),
        Bar("growth of an API process in a run, MB", max(each["growth_mb"] for each in every), most=20),
    ]
    for name, found in facts.items():
        for each in found:
            console.print(
                f"  {name}: {each['delivered']:,} told, latency p50 {each['p50_ms']:.0f} ms, p99"
                f" {each['p99_ms']:.0f} ms, most {each['most_ms']:.0f} ms; memory {each['rss_mb']} MB;"
                f" processor {each['cpu_s']} s"
            )


class Bench:
    """A server with production's settings, the tenants, and two processes of the API."""

    def __init__(self, folder: Path, stack: ExitStack, seconds: float) -> None:
        self._seconds = seconds
        server = Server(folder / "postgres")
        self._address: Address = server.start()
        stack.callback(server.stop)
        bootstrap.ensure_database(self._address)
        migrate.upgrade(self._address)
        home = Home(folder / "home").create()
        self._tokens = Tokens(home.secret("access_token_key"), life_s=3600)
        env = {
            "THROUGHLINE_HOME": str(home.root),
            "DATABASE_URL": self._address.base,
            "RATE_LIMITS": "",
            "REALTIME_PER_USER": "10000",
        }
        start = partial(uvicorn, "serve.app:create_app", "/health/live")
        flags = ("--factory", *OURS, *SOCKETS)
        self._servers: list[Uvicorn] = [
            stack.enter_context(start(home.logs / f"api-{number}.log", env, *flags)) for number in (1, 2)
        ]

    def run(self, *, tenants: int) -> Sample:
        """All listeners hear the events of one tenant, or each tenant's listeners hear their own."""
        made = [self._tenant() for _ in range(tenants)]
        watched = [psutil.Process(server.pid) for server in self._servers]
        used = [sum(process.cpu_times()[:2]) for process in watched]
        with Looks(watched) as looks:
            sample = processes.call(
                "benchmarks.realtime_clients:listen",
                ports=[server.port for server in self._servers],
                tokens=[self._token(tenant) for tenant, _ in made],
                address=self._address.url("api"),
                vehicles=[(str(tenant), vehicle) for tenant, vehicle in made],
                clients=CLIENTS,
                per_s=PER_S,
                seconds=self._seconds,
            )
        after = [sum(process.cpu_times()[:2]) for process in watched]
        facts: dict[str, Any] = {**sample.facts, **looks.facts()}
        facts["cpu_s"] = [round(b - a, 1) for a, b in zip(used, after, strict=True)]
        return Sample(sample.seconds, max(looks.peaks()), facts)

    def _tenant(self) -> tuple[UUID, str]:
        """A new one with one vehicle."""
        tenant = uuid4()
        with psycopg.connect(self._address.url("super")) as connection:
            connection.execute(
                "insert into tenants (id, slug, name, kind, country, currency)"
                " values (%s, %s, 'T', 'fleet', 'DE', 'EUR')",
                (tenant, str(tenant)),
            )
            row = connection.execute(
                "insert into vehicles (tenant_id, registration, make, model, model_year, kind, fuel, acquired_date,"
                " acquisition_cost_cents, currency, odometer_km)"
                " values (%s, 'HB 1', 'Opel', 'Vivaro', 2024, 'van', 'diesel', '2024-01-01', 1, 'EUR', 0) returning id",
                (tenant,),
            ).fetchone()
            assert row is not None
            return tenant, str(row[0])

    def _token(self, tenant: UUID) -> str:
        token, _ = self._tokens.issue(
            uuid4(), email="b@e.example", tenant_id=tenant, tenant_ids=[tenant], role="owner"
        )
        return token


class Looks:
    """The memory of processes, looked at each second of the block."""

    def __init__(self, watched: list[psutil.Process]) -> None:
        self._watched, self._ended = watched, threading.Event()
        self._seen: list[list[float]] = [[] for _ in watched]
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Looks:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def peaks(self) -> list[float]:
        return [max(each) for each in self._seen]

    def facts(self) -> dict[str, Any]:
        """From a third of the run, when everybody is connected and buffers are what they will be, to the end."""
        thirds = [each[len(each) // 3] for each in self._seen]
        return {
            "rss_mb": [f"{a:.0f} to {each[-1]:.0f}" for a, each in zip(thirds, self._seen, strict=True)],
            "growth_mb": max(each[-1] - a for a, each in zip(thirds, self._seen, strict=True)),
        }

    def _watch(self) -> None:
        while True:
            for process, seen in zip(self._watched, self._seen, strict=True):
                seen.append(process.memory_info().rss / 1e6)
            if self._ended.wait(1.0):
                return

"""Transactional calls, one worker, 16 clients: GET by id, a list of 50, a create; beside the least of anybody."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg

from benchmarks import processes
from benchmarks.common import Bar, Options, Result, console, interleave
from benchmarks.processes import MemoryWatch, Sample
from benchmarks.servers import OURS, Uvicorn, uvicorn
from serve.kernel import bootstrap, migrate
from serve.kernel.tokens import Tokens
from warehouse.postgres import Address, Server
from warehouse.settings import Home

CLIENTS = 16
CELL_S = 3.0
TENANTS, ROWS = 10, 10_000  # rows of each tenant
RESOURCES = 40  # of 15 calls each: 600 routes beside our own
LIMIT = "limit: GET"
BODY = {
    "make": "Opel",
    "model": "Vivaro",
    "model_year": 2024,
    "kind": "van",
    "fuel": "diesel",
    "acquired_date": "2024-03-01",
    "acquisition_cost_cents": 3_200_000,
    "currency": "EUR",
    "odometer_km": 41_250.5,
}
FILL = """
    insert into vehicles (tenant_id, registration, make, model, model_year, kind, fuel, acquired_date,
        acquisition_cost_cents, currency, odometer_km, created_at)
    select t.id, 'HB-' || n, 'Opel', 'Vivaro', 2020 + n %% 6, 'van', 'diesel', date '2024-01-01' + n %% 300,
        3000000 + n, 'EUR', n * 1.5, timestamptz '2026-01-01' + n * interval '1 minute'
    from tenants t, generate_series(1, %s) n
"""


def measure(options: Options) -> Result:
    cell_s = 0.5 if options.quick else CELL_S
    result = Result("calls", f"one worker, {CLIENTS} clients, seconds an answer", limit=LIMIT)
    with tempfile.TemporaryDirectory(prefix="bench-calls-") as folder, ExitStack() as stack:
        place = stack.enter_context(store(Path(folder), 500 if options.quick else ROWS))
        bench = Bench(place, stack, cell_s)
        variants = {
            LIMIT: partial(bench.gets, "limit"),
            "ORM session: GET": partial(bench.gets, "orm"),
            "GET": partial(bench.gets, "ours"),
            "GET, last of 700 routes": partial(bench.gets, "ours", path=f"more-{RESOURCES - 1:02d}"),
            "no such route": bench.misses,
            "limit: list of 50": partial(bench.lists, "limit"),
            "list of 50": partial(bench.lists, "ours"),
            "list of 50, by cursor": partial(bench.lists, "ours", query="&count=none"),
            "limit: create": partial(bench.creates, "limit"),
            "create, repeatable, with its event": partial(bench.creates, "ours"),
        }
        interleave(result, variants, rounds=options.rounds or (1 if options.quick else 3))
        bench.check_effects()
    conclude(result, ready_s=bench.servers["ours"].first_answer_s)
    return result


def conclude(result: Result, *, ready_s: float) -> None:
    ratio = result.ratio
    failed = sum(sum(s.facts["failures"].values()) for samples in result.samples.values() for s in samples)
    p99 = sorted(sample.facts["p99_ms"] for sample in result.samples["GET"])
    result.facts = {
        name: {key: samples[0].facts[key] for key in ("requests_per_s", "p50_ms", "p99_ms")}
        for name, samples in result.samples.items()
    }
    result.bars = [
        Bar("GET, of the limit", ratio(LIMIT, "GET"), least=0.60),
        Bar("GET, times the ORM's", ratio("ORM session: GET", "GET"), least=4),
        Bar("GET on the last route, of the first", ratio("GET", "GET, last of 700 routes"), least=0.90),
        Bar("404 of a route, of a GET", ratio("GET", "no such route"), least=1.0),
        Bar("list of 50, of the limit", ratio("limit: list of 50", "list of 50"), least=0.80),
        Bar("create, of the limit", ratio("limit: create", "create, repeatable, with its event"), least=0.50),
        Bar("p99 of GET with 700 routes, ms", p99[len(p99) // 2], most=8),
        Bar("from the start of the process to its first answer, s", ready_s, most=4),
        Bar("memory with 700 routes, MB", result.peak_mb("create, repeatable, with its event"), most=250),
        Bar("failed requests", failed, most=0),
    ]


@dataclass(frozen=True)
class Place:
    home: Home
    address: Address
    tenant: UUID
    ids: list[str]


@contextmanager
def store(folder: Path, rows: int) -> Iterator[Place]:
    """A server with production's settings, ten tenants and their vehicles, and a table with the same rules for its
    values that has no guard, leaves no event and is stamped by nobody."""
    server = Server(folder / "postgres")
    address = server.start()
    try:
        bootstrap.ensure_database(address)
        migrate.upgrade(address)
        console.print(f"  filling {TENANTS} tenants with {rows:,} vehicles each", style="dim")
        with psycopg.connect(address.url("super"), autocommit=True) as connection:
            connection.execute(
                "insert into tenants (slug, name, kind, country, currency)"
                " select 't' || n, 'T ' || n, 'fleet', 'DE', 'EUR' from generate_series(1, %s) n",
                [TENANTS],
            )
            connection.execute(FILL, [rows])
            connection.execute("create table plain_vehicles (like vehicles including all)")
            connection.execute("alter table plain_vehicles add foreign key (tenant_id) references tenants")
            connection.execute(
                "alter table plain_vehicles add foreign key (tenant_id, zone_id) references zones (tenant_id, id)"
            )
            connection.execute("vacuum analyze vehicles")
            row = connection.execute("select id from tenants order by slug limit 1").fetchone()
            assert row is not None
            ids = connection.execute(
                "select id::text from vehicles where tenant_id = %s order by md5(id::text)", [row[0]]
            ).fetchall()
        yield Place(Home(folder / "home").create(), address, row[0], [one for (one,) in ids])
    finally:
        server.stop()


class Bench:
    """The three applications, and what to ask of them."""

    def __init__(self, place: Place, stack: ExitStack, cell_s: float) -> None:
        self.place, self.cell_s, self.created = place, cell_s, 0
        env = {
            "THROUGHLINE_HOME": str(place.home.root),
            "DATABASE_URL": place.address.base,
            "BENCH_DATABASE": place.address.url("super"),
            "BENCH_API_DATABASE": place.address.url("api"),
            "BENCH_TENANT": str(place.tenant),
            "BENCH_RESOURCES": str(RESOURCES),
            "RATE_LIMITS": "read=100000000/1000000,write=100000000/1000000",  # counted, never reached
        }
        self.servers: dict[str, Uvicorn] = {}
        for name in ("limit", "orm", "ours"):
            app, log = f"benchmarks.calls_apps:{name}", place.home.logs / f"{name}.log"
            flags = ["--factory", *(OURS if name == "ours" else [])]
            self.servers[name] = stack.enter_context(uvicorn(app, "/health/live", log, env, *flags))
        tokens = Tokens(place.home.secret("access_token_key"), life_s=3600)
        self.token, _ = tokens.issue(
            uuid4(), email="b@e.example", tenant_id=place.tenant, tenant_ids=[place.tenant], role="owner"
        )

    def gets(self, name: str, *, path: str = "vehicles") -> Sample:
        return self._drive(name, [entry("get", f"/api/v1/{path}/{one}") for one in self.place.ids])

    def lists(self, name: str, *, query: str = "") -> Sample:
        return self._drive(name, [entry("list", f"/api/v1/vehicles?per_page=50{query}")])

    def misses(self) -> Sample:
        return self._drive("ours", [entry("miss", "/api/v1/nothing/here")], status=404)

    def creates(self, name: str) -> Sample:
        entries = [
            {
                **entry("create", "/api/v1/vehicles"),
                "method": "POST",
                "body": {**BODY, "registration": str(uuid4())},
                "headers": {"Idempotency-Key": str(uuid4())},
            }
            for _ in range(int(6_000 * self.cell_s))
        ]
        sample = self._drive(name, entries, status=201, again=False)
        self.created += sample.facts["requests"] if name == "ours" else 0
        return sample

    def check_effects(self) -> None:
        """Every create made one row, one event and one kept answer. Raises AssertionError."""
        with psycopg.connect(self.place.address.url("super")) as connection:
            found = connection.execute(
                "select (select count(*) from vehicles where created_at > now() - interval '1 hour'),"
                " (select count(*) from events where name = 'vehicle.created'),"
                " (select count(*) from idempotency_keys where status = 201)"
            ).fetchone()
        if found != (self.created,) * 3:
            raise AssertionError(f"{self.created} creates left {found} rows, events and answers")

    def _drive(self, name: str, entries: list[Any], *, status: int = 200, again: bool = True) -> Sample:
        server, requests = self.servers[name], self.place.home.root / "requests.json"
        requests.write_text(json.dumps(entries))
        with MemoryWatch(server.pid) as watch:
            sample = processes.call(
                "benchmarks.client:drive",
                port=server.port,
                requests=requests,
                token=self.token,
                seconds=self.cell_s,
                clients=CLIENTS,
                status=status,
                again=again,
            )
        return Sample(sample.seconds, watch.peak_mb, sample.facts)


def entry(label: str, target: str) -> dict[str, Any]:
    return {"label": label, "target": target}

"""BI answers, one worker, eight clients: computed, remembered, 304, and while releases change; beside fixed bytes."""

from __future__ import annotations

import http.client
import json
import statistics
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import UUID

import duckdb
from rich.table import Table

from benchmarks import asked, processes
from benchmarks.client import as_bytes
from benchmarks.common import Bar, Options, Result, console, interleave
from benchmarks.homes import finished_home
from benchmarks.processes import MemoryWatch, Sample
from benchmarks.servers import OURS, Uvicorn, uvicorn
from warehouse.settings import Home

CLIENTS = 8
CELL_S = 5.0
MOST_QUESTIONS = 30_000  # of one cell; more than it can ask
LIMIT = "Starlette, same bytes"


def measure(options: Options) -> Result:
    with finished_home(options) as source:
        semantic = source.dbt / "target" / "semantic_manifest.json"
        return measure_on(source.warehouse_file, semantic, options)


def measure_on(warehouse: Path, semantic: Path | None, options: Options) -> Result:
    """On releases of this warehouse file, published into a home of their own; the API needs no database for them."""
    cell_s = 0.5 if options.quick else CELL_S
    result = Result("serve", f"BI endpoints, one worker, {CLIENTS} clients, seconds an answer", limit=LIMIT)
    with tempfile.TemporaryDirectory(prefix="bench-serve-") as folder:
        home = Home(folder).create()
        published = publish_for(0.0, folder, warehouse, semantic)
        tenant, until = UUID(published["tenant"]), date.fromisoformat(published["until"])
        api = partial(uvicorn, "serve.app:create_app", "/health/live", home.logs / "api.log")
        unlimited = {"RATE_LIMITS": "read=100000000/1000000"}  # counted, never reached
        with api({"THROUGHLINE_HOME": folder} | unlimited, "--factory", *OURS) as server:
            bench = _Bench(home, server, tenant, until, cell_s)
            bodies = home.root / "answers.json"
            bodies.write_text(json.dumps(bench.bodies()))
            limit = uvicorn(
                "benchmarks.bare:app", "/ready", home.logs / "bare.log", {"BENCH_ANSWERS": str(bodies)}
            )
            with limit as bare:
                bench.check_same_bytes(bare)
                variants = {
                    LIMIT: partial(bench.fixed, bare),
                    "computed": bench.computed,
                    "remembered": bench.remembered,
                    "304": bench.not_modified,
                    "during publishes": partial(bench.publishing, warehouse, semantic),
                }
                interleave(result, variants, rounds=options.rounds or (1 if options.quick else 3))
    conclude(result)
    return result


def conclude(result: Result) -> None:
    """Bars: each endpoint's p99, the median over the rounds."""
    worst = {
        variant: {
            endpoint: statistics.median(sample.facts["by_endpoint"][endpoint]["p99_ms"] for sample in samples)
            for endpoint in samples[0].facts["by_endpoint"]
        }
        for variant, samples in result.samples.items()
    }
    failures = [sample.facts["failures"] for samples in result.samples.values() for sample in samples]
    failed = sum(sum(each.values()) for each in failures)
    publishes = sum(sample.facts["publishes"] for sample in result.samples["during publishes"])
    result.facts = {"p99_ms": worst, "failures": [each for each in failures if each], "publishes": publishes}
    result.bars = [
        Bar("computed: p99 of the slowest endpoint, ms", max(worst["computed"].values()), most=50),
        Bar("304: p99 of the slowest endpoint, ms", max(worst["304"].values()), most=5),
        Bar("failed requests, all cells", failed, most=0),
        Bar("releases published under load", publishes, least=1),
    ]
    table = Table("variant", "req/s", "p50 ms", "p99 ms", "slowest endpoint", "its p99 ms")
    for variant, samples in result.samples.items():
        middle = [
            statistics.median(sample.facts[key] for sample in samples)
            for key in ("requests_per_s", "p50_ms", "p99_ms")
        ]
        slowest = max(worst[variant], key=lambda endpoint: worst[variant][endpoint])
        table.add_row(
            variant,
            f"{middle[0]:,.0f}",
            f"{middle[1]:.2f}",
            f"{middle[2]:.2f}",
            slowest,
            f"{worst[variant][slowest]:.2f}",
        )
    console.print(table)


class _Bench:
    """The API under test and what to ask of it."""

    def __init__(self, home: Home, server: Uvicorn, tenant: UUID, until: date, cell_s: float) -> None:
        self.home, self.server, self.tenant, self.until, self.cell_s = home, server, tenant, until, cell_s
        self.questions: Iterator[asked.Entry] = asked.different(until, seed=1)

    def fixed(self, bare: Uvicorn) -> Sample:
        plain = [{**entry, "target": entry["target"].partition("?")[0]} for entry in asked.usual(self.until)]
        return self._drive(bare, plain)

    def computed(self) -> Sample:
        """Every question is new; what is done once a release or once a shape of question is done before."""
        for entry in islice(self.questions, len(asked.ENDPOINTS)):
            self.ask(self.server, entry)
        return self._drive(self.server, list(islice(self.questions, MOST_QUESTIONS)), again=False)

    def remembered(self) -> Sample:
        entries = asked.usual(self.until)
        for entry in entries:
            self.ask(self.server, entry)
        return self._drive(self.server, entries)

    def not_modified(self) -> Sample:
        entries = asked.usual(self.until)
        known = [
            {**entry, "headers": {"If-None-Match": self.ask(self.server, entry)[1]}} for entry in entries
        ]
        return self._drive(self.server, known, status=304)

    def publishing(self, warehouse: Path, semantic: Path | None) -> Sample:
        """Questions as in ``computed`` while one release follows the other."""
        arguments = {"home": self.home.root, "warehouse": warehouse, "semantic": semantic}
        with ThreadPoolExecutor(1) as pool:
            publisher = pool.submit(
                processes.call, "benchmarks.serve:publish_for", seconds=self.cell_s + 1, **arguments
            )
            sample = self.computed()
            publishes = publisher.result().facts["publishes"]
        return Sample(sample.seconds, sample.peak_mb, {**sample.facts, "publishes": publishes})

    def bodies(self) -> dict[str, str]:
        """The API's answers by path: what the bare server will return."""
        entries = asked.usual(self.until)
        answers = {
            entry["target"].partition("?")[0]: self.ask(self.server, entry)[0].decode() for entry in entries
        }
        return answers | {"/ready": "{}"}

    def check_same_bytes(self, bare: Uvicorn) -> None:
        for entry in asked.usual(self.until):
            path = entry["target"].partition("?")[0]
            if self.ask(self.server, entry)[0] != self.ask(bare, {**entry, "target": path})[0]:
                raise AssertionError(f"{path}: the two servers answer differently")

    def ask(self, server: Uvicorn, entry: asked.Entry) -> tuple[bytes, str]:
        """One answer and its ETag. Raises AssertionError unless it is a 200."""
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
        connection.connect()
        connection.sock.sendall(as_bytes(entry, self.token()))
        response = http.client.HTTPResponse(connection.sock)
        response.begin()
        body = response.read()
        connection.close()
        if response.status != 200:
            raise AssertionError(f"{entry['target']}: {response.status} {body[:300]!r}")
        return body, response.getheader("etag", "")

    def token(self) -> str:
        from serve.kernel.tokens import Tokens

        tokens = Tokens(self.home.secret("access_token_key"), life_s=600)
        nobody = UUID(int=0)
        return tokens.issue(
            nobody, email="b@e", tenant_id=self.tenant, tenant_ids=[self.tenant], role="owner"
        )[0]

    def _drive(
        self, server: Uvicorn, entries: list[asked.Entry], *, status: int = 200, again: bool = True
    ) -> Sample:
        requests = self.home.root / "requests.json"
        requests.write_text(json.dumps(entries))
        with MemoryWatch(server.pid) as watch:
            sample = processes.call(
                "benchmarks.client:drive",
                port=server.port,
                requests=requests,
                token=self.token(),
                seconds=self.cell_s,
                clients=CLIENTS,
                status=status,
                again=again,
            )
        return Sample(sample.seconds, watch.peak_mb, sample.facts)


def publish_for(
    seconds: float, home: str | Path, warehouse: str | Path, semantic: str | Path | None
) -> dict[str, Any]:
    """Publish the warehouse's marts again and again, at least once; also says whom and up to when to ask."""
    from warehouse import releases

    with duckdb.connect(str(warehouse), read_only=True) as connection:
        found = connection.execute(
            "select table_name, max(column_name = 'tenant_id') from duckdb_columns()"
            " where schema_name = 'marts' group by 1"
        ).fetchall()
        chosen = connection.execute(
            "select k.tenant_id::varchar, max(k.date)::varchar from marts.kpi_daily k"
            " join marts.dim_tenants t using (tenant_id)"
            " group by 1 order by any_value(t.kind = 'fleet') desc, count(*) desc limit 1"
        ).fetchone()
    assert chosen is not None
    count, deadline = 0, time.perf_counter() + seconds
    while not count or time.perf_counter() < deadline:
        releases.publish(
            Path(warehouse),
            Home(home).releases,
            tables=[name for name, has_tenant in found if has_tenant],
            shared_tables=[name for name, has_tenant in found if not has_tenant],
            as_of=datetime.now(UTC),
            run_id="benchmark",
            semantic_manifest=Path(semantic) if semantic else None,
            keep_days=0,
        )
        count += 1
    return {"publishes": count, "tenant": chosen[0], "until": chosen[1]}

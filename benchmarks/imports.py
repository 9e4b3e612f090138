"""A large file of leads, one row in a hundred bad: sent to a service, taken in by a worker, counted in the end."""

from __future__ import annotations

import http.client
import json
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psutil
import psycopg

from benchmarks import processes
from benchmarks.common import Bar, Options, Result, interleave
from benchmarks.processes import MemoryWatch, Sample, highest_mb
from benchmarks.servers import OURS, started, uvicorn
from serve.kernel import bootstrap, migrate
from serve.kernel.tokens import Tokens
from warehouse.postgres import Address, Server
from warehouse.settings import Home

ROWS = 100_000
BAD_EVERY = 100
MOST_S = 60.0
LOOK_S = 0.2
COLUMNS = (
    "external_id,full_name,email,phone,company,city,postcode,country,source,status,cost_cents,value_cents,tags,"
    "account_id"
)


def measure(options: Options) -> Result:
    rows = options.rows or (2_000 if options.quick else ROWS)
    result = Result(f"imports {rows:,} leads", "sent, taken in and counted; one row in a hundred is bad")
    with tempfile.TemporaryDirectory(prefix="bench-imports-") as folder, ExitStack() as stack:
        place = stack.enter_context(running(Path(folder)))
        variants = {mode: partial(taken_in, place, mode, rows) for mode in ("create", "upsert")}
        interleave(result, variants, rounds=options.rounds or 1)
    for mode, samples in result.samples.items():
        facts = samples[0].facts
        result.facts[mode] = {name: round(facts[name], 1) for name in ("rows_per_s", "answer_s", "api_mb")}
        result.bars.append(
            Bar(f"{mode}: seconds until the last row is in", result.median_s(mode), most=MOST_S)
        )
    return result


@dataclass(frozen=True)
class Place:
    """A service and a worker on a server with production's settings, and somebody who may import."""

    folder: Path
    address: Address
    port: int
    token: str
    worker: int


@contextmanager
def running(folder: Path) -> Iterator[Place]:
    home = Home(folder / "home").create()
    server = Server(folder / "postgres")
    address = server.start()
    try:
        bootstrap.ensure_database(address)
        migrate.upgrade(address)
        tenant_id, user_id = _somebody(address)
        token, _ = Tokens(home.secret("access_token_key"), life_s=3600).issue(
            user_id, email="b@e.example", tenant_id=tenant_id, tenant_ids=[tenant_id], role="owner"
        )
        env = {"THROUGHLINE_HOME": str(home.root), "DATABASE_URL": address.base, "RATE_LIMITS": ""}
        with (
            uvicorn(
                "serve.app:create_app", "/health/live", home.logs / "api.log", env, "--factory", *OURS
            ) as api,
            worker(home.logs / "worker.log", env) as pid,
        ):
            yield Place(folder, address, api.port, token, pid)
    finally:
        server.stop()


def _somebody(address: Address) -> tuple[UUID, UUID]:
    tenant_id, user_id = uuid4(), uuid4()
    with psycopg.connect(address.url("super")) as connection:
        connection.execute(
            "insert into tenants (id, slug, name, kind, country, currency)"
            " values (%s, 't', 'T', 'fleet', 'DE', 'EUR')",
            [tenant_id],
        )
        connection.execute(
            "insert into users (id, email, full_name) values (%s, 'b@e.example', 'B')", [user_id]
        )
        connection.execute(
            "insert into memberships (user_id, tenant_id, role) values (%s, %s, 'owner')",
            [user_id, tenant_id],
        )
    return tenant_id, user_id


@contextmanager
def worker(log: Path, env: Mapping[str, str]) -> Iterator[int]:
    """``throughline worker`` for the block; its process id. Raises VariantFailed when it does not come up."""
    words = [sys.executable, "-c", "from serve.cli import main; main()", "worker"]
    with started(words, log, env, lambda: b"worker is ready" in log.read_bytes()) as (pid, _):
        yield pid


def taken_in(place: Place, mode: str, rows: int) -> Sample:
    """One import into an empty table, or with ``upsert`` over the rows that are there, half of which change."""
    file = place.folder / f"{mode}.csv"
    bad = write(file, rows, changed=mode == "upsert")
    with MemoryWatch(place.worker) as watch:
        sample = processes.call(
            "benchmarks.imports:send", port=place.port, token=place.token, mode=mode, file=str(file)
        )
    state: dict[str, Any] = dict(sample.facts["state"])
    landed = state["created_count"] + state["updated_count"] + state["unchanged_count"]
    if (state["status"], landed, state["failed_count"]) != ("done", rows - bad, bad):
        raise AssertionError(f"{rows - bad:,} rows should have landed: {state}")
    with psycopg.connect(place.address.url("super")) as connection:
        found = connection.execute(
            "select (select count(*) from leads), (select count(*) from events where name = 'lead.created'),"
            " (select count(*) from events where cause_id = %s and entity_type = 'lead')",
            [state["id"]],
        ).fetchone()
    changed = state["created_count"] + state["updated_count"]
    if found != (rows - bad, rows - bad, changed):
        raise AssertionError(f"rows and events do not agree with {state}: {found}")
    api_mb = highest_mb(psutil.Process(place.worker))
    facts = {**sample.facts, "rows_per_s": rows / sample.seconds, "api_mb": api_mb}
    return Sample(sample.seconds, watch.peak_mb, facts)


def write(file: Path, rows: int, *, changed: bool) -> int:
    """A file of leads; how many rows are bad, in turn by a field, by a rule, and by what only the database knows."""
    bad = 0
    with file.open("w") as out:
        out.write(COLUMNS + "\n")
        for n in range(rows):
            email, status, account_id = f"lead{n}@example.org", ("new", "contacted")[n % 2], ""
            if n % BAD_EVERY == 50:
                bad += 1
                match bad % 3:
                    case 0:
                        email = "nobody"
                    case 1:
                        status = "lost"
                    case _:
                        account_id = str(UUID(int=n))
            company = f"Firm {n % 5000}" + (" GmbH" if changed and n % 2 else "")
            out.write(
                f"L{n},Lead {n},{email},+49 421 {n:06},{company},Bremen,28{n % 1000:03},DE,web,{status},"
                f"{n % 1000},{n},{('', 'vip', 'vip; north')[n % 3]},{account_id}\n"
            )
    return bad


def send(port: int, token: str, mode: str, file: str) -> dict[str, Any]:
    """Send the file and wait for its end; runs in a process of its own."""
    boundary = uuid4().hex
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="mode"\r\n\r\n{mode}\r\n--{boundary}\r\n'
    head += 'Content-Disposition: form-data; name="file"; filename="leads.csv"\r\n\r\n'
    body = head.encode() + Path(file).read_bytes() + f"\r\n--{boundary}--\r\n".encode()
    headers = {"Authorization": f"Bearer {token}"}
    began = time.perf_counter()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    kind = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
    connection.request("POST", "/api/v1/leads/import", body, {**headers, **kind})
    answer = connection.getresponse()
    said = answer.read()
    if answer.status != 202:
        raise RuntimeError(f"{answer.status}: {said[:2000]!r}")
    answer_s = time.perf_counter() - began
    place = answer.getheader("Location") or ""
    while True:
        connection.request("GET", place, headers=headers)
        state = json.loads(connection.getresponse().read())["data"]
        if state["status"] != "running":
            break
        time.sleep(LOOK_S)
    state.pop("errors")
    return {"seconds": time.perf_counter() - began, "answer_s": answer_s, "state": state}

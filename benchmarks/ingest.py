"""PostgreSQL to committed Parquet: rows a second beside a raw binary COPY (the limit) and beside dlt."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import psycopg

from benchmarks import processes
from benchmarks.common import Bar, Options, Result, console, interleave
from benchmarks.processes import PROJECT, Sample
from serve.kernel import bootstrap, migrate
from warehouse.contracts import Column, Contract
from warehouse.postgres import Address, Server, binary

ROWS = 5_000_000
PEERS = PROJECT / "benchmarks" / ".peers" / "bin" / "python"
ORDERS = Contract(
    "orders",
    ("id",),
    None,
    {
        column.name: column
        for column in (
            Column("id", "bigint"),
            Column("customer", "int", nullable=True),
            Column("product", "int", nullable=True),
            Column("ordered_at", "timestamptz", nullable=True),
            Column("note", "text", nullable=True),
            Column("quantity", "int", nullable=True),
            Column("amount_cents", "bigint", nullable=True, unit="cents"),
            Column("weight_kg", "double", nullable=True),
        )
    },
    ("orders",),
)
FILL = """
insert into orders (id, customer, product, ordered_at, note, quantity, amount_cents, weight_kg)
select g, (g * 7919) % 100003, (g * 31) % 997, timestamptz '2025-01-01 00:00Z' + g * interval '3 seconds',
    'order note ' || (g * 48271) % 5003, g % 13, (g * 69621) % 1000003, g * 0.37
from generate_series(1::bigint, {rows}) g
"""


def measure(options: Options) -> Result:
    rows = options.rows or (20_000 if options.quick else ROWS)
    result = Result(
        f"ingest {rows:,} rows", "PostgreSQL to committed Parquet, 8 columns", limit="binary COPY to null"
    )
    with (
        tempfile.TemporaryDirectory(prefix="bench-ingest-") as folder,
        store(Path(folder), rows) as (address, truth),
    ):
        variants: dict[str, Callable[[], Sample]] = {
            "binary COPY to null": partial(copy_to_null, address.url("super"), rows),
            "throughline": partial(checked, truth, partial(ours, address, Path(folder, "home"))),
        }
        python = peers_python(result)
        if python:
            result.facts["peers"] = processes.run(
                [python, PROJECT / "benchmarks" / "peers.py", "versions"]
            ).facts
            for method in ("dlt-connectorx", "dlt-pyarrow"):
                run = partial(peer, python, method, address.url("super"), Path(folder, "peer"))
                variants[method] = partial(checked, truth, run)
        interleave(result, variants, rounds=options.rounds or (1 if options.quick else 3))
    result.facts |= {"rows": rows, "rows_per_s": rows / result.median_s("throughline")}
    result.bars = [
        Bar("rows/s, of the raw COPY's", result.ratio(result.limit or "", "throughline"), least=0.55),
        Bar("rows/s, times dlt with pyarrow", result.ratio("dlt-pyarrow", "throughline"), least=4),
        Bar("rows/s, times dlt with connectorx", result.ratio("dlt-connectorx", "throughline"), least=1.5),
        Bar("peak memory, MB", result.peak_mb("throughline"), most=400),
    ]
    return result


@contextmanager
def store(folder: Path, rows: int) -> Iterator[tuple[Address, tuple[int, int]]]:
    """A server with production's settings and the table; beside it the row count and the sum of the cents."""
    columns = "id bigint, customer int, product int, ordered_at timestamptz, note text, quantity int"
    columns += ", amount_cents bigint, weight_kg float8, change_xid bigint not null"
    server = Server(folder / "postgres")
    address = server.start()
    try:
        bootstrap.ensure_database(address)
        migrate.upgrade(address)
        console.print(f"  filling the table with {rows:,} rows", style="dim")
        with psycopg.connect(address.url("super"), autocommit=True) as connection:
            connection.execute(
                f"create table orders ({columns} default pg_current_xact_id()::text::bigint)"  # as all our tables
            )
            connection.execute(FILL.format(rows=rows))
            connection.execute("grant select on orders to throughline_extract")
            connection.execute("vacuum analyze orders")
            connection.execute("checkpoint")
            truth = connection.execute("select count(*), sum(amount_cents)::bigint from orders").fetchone()
        assert truth is not None
        yield address, truth
    finally:
        server.stop()


def copy_to_null(url: str, rows: int) -> Sample:
    columns = ", ".join(ORDERS.columns)
    command = rf"\copy (select {columns} from orders) to '/dev/null' with (format binary)"
    sample = processes.run([binary("psql"), url, "-X", "-c", command])
    if sample.facts["said"] != f"COPY {rows}":
        raise AssertionError(f"psql copied something else: {sample.facts['said']}")
    return sample


def ours(address: Address, home: Path) -> Sample:
    shutil.rmtree(home, ignore_errors=True)
    return processes.call("benchmarks.ingest:extract_orders", base=address.base, home=home)


def extract_orders(base: str, home: str) -> dict[str, Any]:
    """In a process of its own: what a run's ingest step does, checks and fsync included."""
    import adbc_driver_postgresql.dbapi  # noqa: F401  # as the peers' libraries, loaded before the clock starts
    import pyarrow.parquet  # noqa: F401

    from pipelines.ingest.operational import extract
    from warehouse.landing import Landing
    from warehouse.settings import Home

    landing = Landing(Home(home).create())
    began = time.perf_counter()
    with landing.writer("benchmark") as writer:
        extract(Address(base), writer, {"orders": ORDERS})
    return {"seconds": time.perf_counter() - began, "files": f"{home}/landing/operational/orders/*/*.parquet"}


def peers_python(result: Result) -> Path | None:
    """The interpreter that has the peers: their own environment, else ours; None is noted with the reason."""
    for python in (PEERS, Path(sys.executable)):
        words = [str(python), "-c", "import dlt, connectorx"]
        if python.exists() and subprocess.run(words, capture_output=True).returncode == 0:
            return python
    for name in ("dlt-connectorx", "dlt-pyarrow"):
        result.skipped[name] = "not installed; benchmarks/requirements.txt says how"
    return None


def peer(python: Path, method: str, url: str, folder: Path) -> Sample:
    shutil.rmtree(folder, ignore_errors=True)
    quiet = {"RUNTIME__DLTHUB_TELEMETRY": "false", "RUNTIME__LOG_LEVEL": "CRITICAL"}
    return processes.run([python, PROJECT / "benchmarks" / "peers.py", method, url, folder], env=quiet)


def checked(truth: tuple[int, int], run: Callable[[], Sample]) -> Sample:
    """A sample counts only if its files hold every row and every cent. Raises AssertionError."""
    sample = run()
    files = sample.facts["files"]
    with duckdb.connect() as connection:
        query = "select count(*), sum(amount_cents)::bigint from read_parquet($files)"
        found = connection.execute(query, {"files": files}).fetchone()
    if found != truth:
        raise AssertionError(f"{files} holds other rows than the table: {found}, not {truth}")
    return Sample(sample.seconds, sample.peak_mb)

"""A million rows as a file, in every format, from a worker whose memory may not grow with them."""

from __future__ import annotations

import http.client
import tempfile
import time
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO
from uuid import UUID, uuid4

import psutil
import psycopg

from benchmarks import processes
from benchmarks.calls import FILL
from benchmarks.common import Bar, Options, Result, console, interleave
from benchmarks.processes import MemoryWatch, Sample
from benchmarks.servers import OURS, uvicorn
from serve.kernel import bootstrap, migrate
from serve.kernel.tokens import Tokens
from warehouse.postgres import Address, Server
from warehouse.settings import Home

ROWS = 1_000_000
FORMATS = ("csv", "jsonl", "arrow", "xlsx")
MOST_GROWTH_MB = 64
PIECE_BYTES = 1 << 20
SILENCE_S = 1_800.0  # a workbook is made on the disk before its first byte leaves


def measure(options: Options) -> Result:
    rows = options.rows or (2_000 if options.quick else ROWS)
    result = Result(f"export {rows:,} rows", "one worker, one reader, seconds a file")
    with tempfile.TemporaryDirectory(prefix="bench-export-") as folder, ExitStack() as stack:
        place = stack.enter_context(store(Path(folder), rows))
        variants = {kind: partial(exported, place, kind) for kind in FORMATS}
        interleave(result, variants, rounds=options.rounds or 1)
    for kind, samples in result.samples.items():
        names = ("rows_per_s", "mb", "rss_before_mb", "growth_mb")
        result.facts[kind] = {name: round(samples[0].facts[name], 1) for name in names}
        console.print(f"  {kind}: {result.facts[kind]}")
        growth_mb = max(sample.facts["growth_mb"] for sample in samples)
        result.bars.append(Bar(f"{kind}: growth of the worker, MB", growth_mb, most=MOST_GROWTH_MB))
    return result


@dataclass(frozen=True)
class Place:
    home: Home
    address: Address
    tenant: UUID
    rows: int


@contextmanager
def store(folder: Path, rows: int) -> Iterator[Place]:
    """A server with production's settings and a tenant with so many vehicles."""
    server = Server(folder / "postgres")
    address = server.start()
    try:
        bootstrap.ensure_database(address)
        migrate.upgrade(address)
        console.print(f"  filling a tenant with {rows:,} vehicles", style="dim")
        with psycopg.connect(address.url("super"), autocommit=True) as connection:
            row = connection.execute(
                "insert into tenants (slug, name, kind, country, currency)"
                " values ('t', 'T', 'fleet', 'DE', 'EUR') returning id"
            ).fetchone()
            assert row is not None
            connection.execute("set session_replication_role = replica")  # no event a row: none is exported
            connection.execute(FILL, [rows])
            connection.execute("vacuum analyze vehicles")
        yield Place(Home(folder / "home").create(), address, row[0], rows)
    finally:
        server.stop()


def exported(place: Place, kind: str) -> Sample:
    """One export by a worker that has done nothing before. Raises AssertionError when rows are missing."""
    env = {
        "THROUGHLINE_HOME": str(place.home.root),
        "DATABASE_URL": place.address.base,
        "RATE_LIMITS": "",
    }
    tokens = Tokens(place.home.secret("access_token_key"), life_s=3600)
    token, _ = tokens.issue(
        uuid4(), email="b@e.example", tenant_id=place.tenant, tenant_ids=[place.tenant], role="owner"
    )
    file = place.home.root / f"export.{kind}"
    log = place.home.logs / f"{kind}.log"
    with uvicorn("serve.app:create_app", "/health/live", log, env, "--factory", *OURS) as server:
        before_mb = psutil.Process(server.pid).memory_info().rss / 1e6
        with MemoryWatch(server.pid) as watch:
            sample = processes.call(
                "benchmarks.export:take", port=server.port, token=token, kind=kind, file=file
            )
    found, file_mb = COUNTS[kind](file), file.stat().st_size / 1e6
    file.unlink()
    if found != place.rows:
        raise AssertionError(f"{kind}: {found:,} of {place.rows:,} rows came")
    facts = {
        "rows": found,
        "rows_per_s": found / sample.seconds,
        "mb": file_mb,
        "rss_before_mb": before_mb,
        "growth_mb": watch.peak_mb - before_mb,
        **sample.facts,
    }
    return Sample(sample.seconds, watch.peak_mb, facts)


def take(port: int, token: str, kind: str, file: str) -> dict[str, Any]:
    """Read an export to its end and keep it; runs in a process of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=SILENCE_S)
    headers = {"Authorization": f"Bearer {token}"}
    began = time.perf_counter()
    connection.request("GET", f"/api/v1/vehicles/export?format={kind}", headers=headers)
    answer = connection.getresponse()
    if answer.status != 200:
        raise RuntimeError(f"{answer.status}: {answer.read(2000)!r}")
    first_byte_s = 0.0
    with Path(file).open("wb") as kept:
        while piece := answer.read1(PIECE_BYTES):
            first_byte_s = first_byte_s or time.perf_counter() - began
            kept.write(piece)
    return {"seconds": time.perf_counter() - began, "first_byte_s": first_byte_s}


# How many rows a file has. No text of these rows has a line break.


def _lines(file: Path) -> int:
    with file.open("rb") as opened:
        return _count(opened, b"\n")


def _batches(file: Path) -> int:
    import pyarrow as pa

    with pa.OSFile(str(file)) as opened, pa.ipc.open_stream(opened) as batches:
        return sum(batch.num_rows for batch in batches)


def _sheets(file: Path) -> int:
    with zipfile.ZipFile(file) as book:
        names = [name for name in book.namelist() if name.startswith("xl/worksheets/sheet")]
        rows = 0
        for name in names:
            with book.open(name) as sheet:
                rows += _count(sheet, b"</row>") - 1  # each sheet begins with the names
        return rows


def _count(opened: BinaryIO | Any, mark: bytes) -> int:
    """How often the mark occurs, one that was cut between two pieces too."""
    found, rest = 0, b""
    while piece := opened.read(PIECE_BYTES):
        piece = rest + piece
        found += piece.count(mark)
        rest = piece[max(0, len(piece) - len(mark) + 1) :]
    return found


COUNTS = {
    "csv": lambda file: _lines(file) - 1,
    "jsonl": _lines,
    "arrow": _batches,
    "xlsx": _sheets,
}

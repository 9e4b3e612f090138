"""Files to the landing zone, through profile, contract and checks, beside bare Polars that only changes the format."""

from __future__ import annotations

import gzip
import shutil
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from benchmarks import processes
from benchmarks.common import Options, Result, interleave
from benchmarks.processes import Sample

ROWS = 2_000_000
PROFILE = """
tenant: {name: Shop (generated), country: DE, timezone: UTC, currency: EUR}
delivery: complete
files: {lines: "payments.*"}
tables:
  - table: payments
    from: lines
    key: number
    columns:
      account_id: id('accounts', customer)
      method: method
      status: status
      amount_cents: cents(amount)
      paid_at: paid
"""


def measure(options: Options) -> Result:
    rows = options.rows or (20_000 if options.quick else ROWS)
    result = Result(f"files {rows:,} rows", "files to committed Parquet, 6 columns", limit="Polars, csv.gz")
    with tempfile.TemporaryDirectory(prefix="bench-files-") as name:
        folder = Path(name)
        cents = make(folder, rows)
        variants: dict[str, Callable[[], Sample]] = {}
        for kind in ("csv.gz", "parquet"):
            for who, run in (("Polars", polars), ("throughline", ours)):
                variants[f"{who}, {kind}"] = partial(checked, (rows, cents), partial(run, folder, kind))
        interleave(result, variants, rounds=options.rounds or (1 if options.quick else 3))
    result.facts = {
        "rows": rows,
        "times_polars": {
            kind: result.ratio(f"throughline, {kind}", f"Polars, {kind}") for kind in ("csv.gz", "parquet")
        },
    }
    return result


def make(folder: Path, rows: int) -> int:
    """The same rows as CSV and as Parquet, each in a source's folder of its own; returns the sum of their cents."""
    number, methods = pl.col("number"), pl.lit(pl.Series(["card", "transfer", "cash"]))
    states = pl.lit(pl.Series(["succeeded", "succeeded", "succeeded", "failed"]))
    cents = (number * 69_621) % 1_000_003
    frame = pl.select(number=pl.int_range(1, rows + 1)).select(
        number,
        customer=(number * 7_919) % 100_003,
        method=methods.gather(number % 3),
        status=states.gather(number % 4),
        amount=cents / 100,
        paid=(1_735_689_600_000_000 + number * 3_000_000).cast(pl.Datetime("us")),
    )
    for kind in ("csv.gz", "parquet"):
        (folder / kind).mkdir()
    frame.write_parquet(folder / "parquet" / "payments.parquet")
    with gzip.open(folder / "csv.gz" / "payments.csv.gz", "wb", compresslevel=1) as file:
        frame.write_csv(file)
    return int(frame.select((pl.col("amount") * 100).round().cast(pl.Int64).sum()).item())


def polars(folder: Path, kind: str) -> Sample:
    source = next((folder / kind).glob("payments.*"))
    return processes.call("benchmarks.files:change_format", source=source, target=folder / "polars.parquet")


def change_format(source: str, target: str) -> dict[str, Any]:
    """In a process of its own: types as Polars guesses them, no check, no fsync."""
    began = time.perf_counter()
    frame = (
        pl.read_parquet(source) if source.endswith("parquet") else pl.read_csv(source, try_parse_dates=True)
    )
    frame.write_parquet(target, compression="zstd")
    return {"seconds": time.perf_counter() - began, "files": target, "cents": "round(amount * 100)"}


def ours(folder: Path, kind: str) -> Sample:
    shutil.rmtree(folder / "home", ignore_errors=True)
    return processes.call("benchmarks.files:land", source=folder / kind, home=folder / "home")


def land(source: str, home: str) -> dict[str, Any]:
    """In a process of its own: what a run's step ``sources/files`` does with this source."""
    from pipelines.sources.ingest import ingest_source
    from pipelines.sources.profile import parse_profile
    from warehouse.settings import Home

    profile = parse_profile("generated", PROFILE)
    place = Home(home).create()
    began = time.perf_counter()
    report = ingest_source(place, profile, Path(source), run_id="benchmark")
    seconds = time.perf_counter() - began
    if not report.is_accounted:
        raise AssertionError(f"rows are missing: {report}")
    return {
        "seconds": seconds,
        "files": f"{home}/landing/generated/payments/*/*.parquet",
        "cents": "amount_cents",
    }


def checked(truth: tuple[int, int], run: Callable[[], Sample]) -> Sample:
    """A sample counts only if its files hold every row and every cent. Raises AssertionError."""
    sample = run()
    with duckdb.connect() as connection:
        query = f"select count(*), sum({sample.facts['cents']})::bigint from read_parquet($files)"
        found = connection.execute(query, {"files": sample.facts["files"]}).fetchone()
    if found != truth:
        raise AssertionError(f"{sample.facts['files']} holds other rows: {found}, not {truth}")
    return Sample(sample.seconds, sample.peak_mb)

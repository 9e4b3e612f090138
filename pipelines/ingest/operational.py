"""Read what changed in PostgreSQL into the landing zone, missing nothing and doubling nothing.

A row is stamped with its writer's transaction id. One exported snapshot says which transactions are finished: all
below its horizon are, so the range ``[low, high)`` with ``high`` = that horizon is complete for ever, however late a
transaction commits. Deletes arrive from ``tombstones`` in the same range. When the cluster is another one than last
time (restored, promoted), ids mean nothing any more and everything is read in full. A table whose contract has a column
that its landed files lack is read in full once: rows that nobody touches any more have values there, too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

import adbc_driver_postgresql.dbapi as adbc
import duckdb
import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
from psycopg import sql

from warehouse.contracts import Contract
from warehouse.landing import Load, LoadWriter, Writer
from warehouse.postgres import Address

SOURCE = "operational"
CHUNK_ROWS = 2 * 122_880  # rows held in memory at a time by one connection: two of DuckDB's row groups
CHUNK_BYTES = 24 << 20  # or fewer, when rows are wide
SPLIT_PAGES = 4_096  # heap pages (32 MiB) above which a table is read in several slices
MEMORY = "64MB"  # of each connection's checking engine; it holds one chunk's working set

Progress = Callable[[str, int], None]


class CountsDiffer(RuntimeError):
    """The snapshot held another number of rows than arrived; the load is not committed."""


@dataclass(frozen=True)
class Snapshot:
    """One consistent moment of the database."""

    name: str
    high: int
    cluster: str


@dataclass(frozen=True)
class Range:
    """What to read of a table: transaction ids ``[low, high)``, in full when ``low`` is 0."""

    low: int
    high: int
    mode: str


@dataclass(frozen=True)
class Slice:
    """One query's share of a table; ``is_narrow`` when an index knows where its few rows are."""

    table: str
    query: str
    is_narrow: bool = False


def extract(
    address: Address,
    writer: Writer,
    contracts: Mapping[str, Contract],
    *,
    full: bool = False,
    connections: int = 2,
    progress: Progress = lambda table, rows: None,
) -> list[Load]:
    """Land every change since the last load of each table; returns the committed loads.

    ``full`` reads everything again. ``connections`` read in parallel under one snapshot. ``progress(table, rows)``
    is called as chunks land. Raises CountsDiffer, psycopg.Error.
    """
    live = [load for load in writer.landing.live() if load.source == SOURCE]
    with _snapshot(address) as (holder, snapshot), ExitStack() as stack:
        ranges: dict[str, Range] = {}
        for name, contract in contracts.items():
            landed = [load for load in live if load.table == name]
            is_short = _lacks_columns(writer.landing.folder, landed, contract)
            ranges[name] = plan(snapshot, covered(landed), full=full or is_short)
        loads: dict[str, LoadWriter] = {}
        for name, contract in contracts.items():
            watermark = {"low": ranges[name].low, "high": snapshot.high, "cluster": snapshot.cluster}
            loads[name] = stack.enter_context(
                writer.load(SOURCE, contract, mode=ranges[name].mode, watermark=watermark)
            )
        slices: SimpleQueue[Slice] = SimpleQueue()
        for name, contract in contracts.items():
            for query in _queries(holder, contract, ranges[name]):
                slices.put(Slice(name, query, is_narrow=ranges[name].mode == "incremental"))
        with ThreadPoolExecutor(connections) as pool:
            workers = [
                pool.submit(_drain, address, snapshot, slices, loads, progress) for _ in range(connections)
            ]
            expected = {name: _count(holder, contract, ranges[name]) for name, contract in contracts.items()}
            for worker in workers:
                worker.result()
        for name, load in loads.items():
            if load.rows_read != expected[name]:
                raise CountsDiffer(
                    f"{name}: the snapshot holds {expected[name]} rows, {load.rows_read} arrived"
                )
    return [load.committed for load in loads.values() if load.committed]


def extract_days(
    address: Address, writer: Writer, contract: Contract, first: date, until: date
) -> Load | None:
    """Read the rows of these event days again (``until`` excluded), as after a repair; None when there are none.

    What was landed stays known: the load carries the watermark of the one before, and its rows replace themselves.
    """
    loads = [load for load in writer.landing.live() if (load.source, load.table) == (SOURCE, contract.name)]
    mark = covered(loads)
    if mark is None or contract.day is None:
        return None  # never read, or not filed by day: the next ordinary run reads everything
    days = f"{contract.day} >= {sql.quote(str(first))} and {contract.day} < {sql.quote(str(until))}"
    with (
        _snapshot(address) as (holder, snapshot),
        writer.load(SOURCE, contract, watermark=mark) as load,
    ):
        slices: SimpleQueue[Slice] = SimpleQueue()
        for table in _tables(holder, contract):
            query = f"select {_columns(contract)}, change_xid as _change_xid from {table} where {days}"
            slices.put(Slice(contract.name, query))
        _drain(address, snapshot, slices, {contract.name: load}, lambda table, rows: None)
    return load.committed


def covered(loads: Iterable[Load]) -> Mapping[str, Any] | None:
    """The watermark up to which a table's live loads hold everything; None when it must be read in full.

    Loads follow one another without a gap. One that was taken out, because its files were damaged, leaves one: what
    comes after it no longer counts, so the next run reads from there. Replays carry no watermark and cover nothing.
    """
    mark: Mapping[str, Any] | None = None
    for load in loads:
        if "high" not in load.watermark:
            continue
        if load.mode == "full" or (
            mark is not None
            and load.watermark["cluster"] == mark["cluster"]
            and load.watermark["low"] <= mark["high"] <= load.watermark["high"]
        ):
            mark = load.watermark
    return mark


def _lacks_columns(folder: Path, loads: Iterable[Load], contract: Contract) -> bool:
    """Whether the contract has grown since a table's oldest live load: contracts only grow, so later ones lack no more.

    A file that cannot be read is no answer; the transformation finds it and takes its load out.
    """
    oldest = next((part for load in loads for part in load.parts), None)
    if oldest is None:
        return False
    try:
        known = pq.read_schema(folder / oldest.path).names
    except (OSError, pa.ArrowInvalid):
        return False
    return not contract.columns.keys() <= {*known}


def plan(snapshot: Snapshot, mark: Mapping[str, Any] | None, *, full: bool = False) -> Range:
    """What to read of a table, given the watermark up to which it is covered.

    A table never read, another cluster, or an id below the last one (a cluster set back in time) mean: in full.
    """
    if full or mark is None or mark["cluster"] != snapshot.cluster or snapshot.high < mark["high"]:
        return Range(0, snapshot.high, "full")
    return Range(mark["high"], snapshot.high, "incremental")


def _scans(*, is_narrow: bool) -> str:
    """How to read: the planner thinks that new rows lie everywhere, and would scan 10 M readings for 100,000 of them.

    They lie together, and the index of ranges on ``change_xid`` leads there; whole tables are scanned, of course.
    """
    return f"set enable_seqscan = {'off' if is_narrow else 'on'}"


@contextmanager
def _snapshot(address: Address) -> Iterator[tuple[psycopg.Connection, Snapshot]]:
    """Export a snapshot and hold it open for the block."""
    with psycopg.connect(address.url("extract"), autocommit=False) as holder:
        holder.execute("set transaction isolation level repeatable read, read only")
        row = holder.execute(
            "select pg_export_snapshot(), pg_snapshot_xmin(pg_current_snapshot())::text::bigint,"
            " (select concat_ws('/', system_identifier, timeline, database_oid) from cluster_identity())"
        ).fetchone()
        assert row is not None
        yield holder, Snapshot(name=row[0], high=row[1], cluster=row[2])


def _columns(contract: Contract) -> str:
    return ", ".join('"' + name + '"' for name in contract.columns)


def _tombstones(contract: Contract, within: Range) -> str:
    """Deleted rows of the range: the key, and nothing else."""
    columns = ", ".join(
        {"id": "row_id as id", "tenant_id": "tenant_id"}.get(name, f'null as "{name}"')
        for name in contract.columns
    )
    tables = ", ".join(sql.quote(name) for name in contract.deleted_from)
    return (
        f"select {columns}, change_xid as _change_xid, true as _deleted from tombstones"
        f" where table_name in ({tables}) and change_xid >= {within.low} and change_xid < {within.high}"
    )


def _queries(holder: psycopg.Connection, contract: Contract, within: Range) -> Iterator[str]:
    """The statements that together read the range, each a share of about equal size."""
    columns = f"{_columns(contract)}, change_xid as _change_xid"
    if within.mode == "incremental":
        in_range = f"change_xid >= {within.low} and change_xid < {within.high}"
        yield f"select {columns}, false as _deleted from {contract.name} where {in_range}"
        yield _tombstones(contract, within)
        return
    # In full means all that the snapshot sees: after a restore old rows carry ids from "the future". What lies above
    # the horizon comes once more with the next increment and replaces itself there.
    for table in _tables(holder, contract):
        for condition in _shares(holder, table, contract):
            yield f"select {columns} from {table} where {condition}"


def _tables(holder: psycopg.Connection, contract: Contract) -> list[str]:
    """Where the table's rows lie: in itself, and in partitions that were archived out of it."""
    archives = holder.execute(
        "select relname from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace"
        " and relname like %s order by relname",
        [f"archived\\_{contract.name}\\_%"],
    ).fetchall()
    return [contract.name, *(name for (name,) in archives)]


def _shares(holder: psycopg.Connection, name: str, contract: Contract) -> Iterator[str]:
    """Conditions that cut a table into disjoint shares: partitions by their bounds, large heaps by page."""
    bounds = holder.execute(
        "select pg_get_expr(c.relpartbound, c.oid) from pg_inherits i join pg_class c on c.oid = i.inhrelid"
        " where i.inhparent = to_regclass(%s) order by c.relname",
        [name],
    ).fetchall()
    if bounds and contract.day:
        for (text,) in bounds:  # FOR VALUES FROM ('a') TO ('b'), or DEFAULT
            if text.startswith("FOR VALUES"):
                start, end = (
                    part.strip("() ") for part in text.removeprefix("FOR VALUES FROM").split(" TO ")
                )
                yield f"{contract.day} >= {start} and {contract.day} < {end}"
        return
    row = holder.execute(
        "select coalesce(pg_relation_size(to_regclass(%s)), 0) / 8192, c.relkind = 'r'"
        " from pg_class c where c.oid = to_regclass(%s)",
        [name, name],
    ).fetchone()
    pages, is_table = row or (0, False)
    if not is_table or pages <= SPLIT_PAGES:
        yield "true"
        return
    step = SPLIT_PAGES
    for first in range(0, pages, step):
        last = "" if first + step >= pages else f" and ctid < '({first + step},0)'"
        yield f"ctid >= '({first},0)'{last}"


def _count(holder: psycopg.Connection, contract: Contract, within: Range) -> int:
    """How many rows the snapshot holds in the range: counted on its own, to be compared with what arrived."""
    if within.mode == "incremental":
        statement = (
            f"select (select count(*) from {contract.name} where change_xid >= {within.low} and"
            f" change_xid < {within.high}) + (select count(*) from ({_tombstones(contract, within)}) t)"
        )
    else:
        counts = (f"(select count(*) from {table})" for table in _tables(holder, contract))
        statement = f"select {' + '.join(counts)}"
    holder.execute(_scans(is_narrow=within.mode == "incremental"))
    row = holder.execute(statement).fetchone()  # type: ignore[arg-type]  # built from contracts, not from input
    assert row is not None
    return int(row[0])


def _drain(
    address: Address,
    snapshot: Snapshot,
    slices: SimpleQueue[Slice],
    loads: Mapping[str, LoadWriter],
    progress: Progress,
) -> None:
    """One connection: take slices until none is left."""
    url = address.url("extract") + ("&" if "?" in address.url("extract") else "?")
    isolation = "options=-c%20default_transaction_isolation%3Drepeatable%5C%20read"
    with adbc.connect(url + isolation) as source, source.cursor() as cursor:
        cursor.execute(f"set transaction snapshot {sql.quote(snapshot.name)}")
        config = {"threads": "1", "memory_limit": MEMORY, "preserve_insertion_order": "false"}
        with duckdb.connect(config=config) as check:
            check.execute("set TimeZone = 'UTC'")
            while True:
                try:
                    share = slices.get_nowait()
                except Empty:
                    return
                cursor.execute(_scans(is_narrow=share.is_narrow))
                cursor.execute(share.query)
                for chunk in _chunks(cursor.fetch_record_batch()):
                    check.register("chunk", chunk)
                    loads[share.table].add(check, "chunk")
                    check.unregister("chunk")
                    progress(share.table, chunk.num_rows)


def _chunks(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.Table]:
    """Gather small batches into tables of about CHUNK_ROWS rows or CHUNK_BYTES, whichever comes first."""
    held: list[pa.RecordBatch] = []
    rows = size = 0
    for batch in batches:
        held.append(batch)
        rows += batch.num_rows
        size += batch.nbytes
        if rows >= CHUNK_ROWS or size >= CHUNK_BYTES:
            yield pa.Table.from_batches(held)
            held, rows, size = [], 0, 0
    if rows:
        yield pa.Table.from_batches(held)


__all__ = ["CountsDiffer", "Snapshot", "covered", "extract", "plan"]

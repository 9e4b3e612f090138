"""Writing to the landing zone: written aside, renamed, flushed to disk, and committed by a manifest.

Killed at any instant a load is wholly there or not there. One writer holds the zone at a time, so load numbers of a
table are committed in rising order and a reader that has seen load n will never find a smaller one later.
"""

from __future__ import annotations

import os
import shutil
import threading
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from warehouse.contracts import Contract
from warehouse.landing.check import SQL_TYPES, check_sql, literal, quoted, typed
from warehouse.landing.loads import Load, Part, checksum
from warehouse.settings import Home, fsync_folder, locked

FLUSHERS = 16
PARQUET = "format parquet, compression zstd, compression_level 1, parquet_version v2"


@dataclass(frozen=True)
class Damage:
    """A committed file that is no longer what its manifest says."""

    load: Load
    path: str
    problem: str


class Landing:
    """The zone as readers see it; ``writer()`` gives the one who may add to it."""

    def __init__(self, home: Home) -> None:
        self.folder, self.quarantine = home.landing, home.quarantine
        self.manifests = self.folder / "_loads"
        self.retired = self.folder / "_retired"
        self.lock = home.root / "landing.lock"

    def loads(self) -> list[Load]:
        """Every committed load, oldest first."""
        return [Load.read(path) for path in sorted(self.manifests.glob("*.json"))]

    def live(self) -> list[Load]:
        """The loads that count: those since the last full load of their source and table."""
        alive: dict[tuple[str, str], list[Load]] = {}
        for load in self.loads():
            key = (load.source, load.table)
            if load.mode == "full":
                alive[key] = []
            alive.setdefault(key, []).append(load)
        return sorted((load for loads in alive.values() for load in loads), key=lambda load: load.number)

    def verify(self, loads: Iterable[Load], *, contents: bool = True) -> list[Damage]:
        """Compare files with their manifests: size always, checksum when ``contents``."""
        found: list[Damage] = []
        for load in loads:
            for part in load.parts:
                path = self.folder / part.path
                if not path.exists():
                    found.append(Damage(load, part.path, "missing"))
                elif path.stat().st_size != part.bytes:
                    found.append(
                        Damage(load, part.path, f"{path.stat().st_size} bytes instead of {part.bytes}")
                    )
                elif contents and checksum(path) != part.checksum:
                    found.append(Damage(load, part.path, "content differs from its checksum"))
        return found

    def retire(self, damage: Damage) -> None:
        """Take a damaged load with its files out of the zone; its source's next load brings its rows again.

        For who holds the zone.
        """
        self.retired.mkdir(parents=True, exist_ok=True)
        name = f"{damage.load.number:010d}.json"
        if (self.manifests / name).exists():
            os.replace(self.manifests / name, self.retired / name)
            fsync_folder(self.retired)
            fsync_folder(self.manifests)
        for folder, parts in ((self.folder, damage.load.parts), (self.quarantine, damage.load.quarantine)):
            for part in parts:
                (folder / part.path).unlink(missing_ok=True)

    def pending_quarantine(self) -> dict[tuple[str, str], list[Part]]:
        """Quarantined parts that no later load has read again, by source and table."""
        live = self.live()
        replayed = {path for load in live for path in load.replayed}
        pending: dict[tuple[str, str], list[Part]] = {}
        for load in live:
            for part in load.quarantine:
                if part.path not in replayed:
                    pending.setdefault((load.source, load.table), []).append(part)
        return pending

    @contextmanager
    def writer(self, run_id: str) -> Iterator[Writer]:
        """Hold the zone for writing; waits for another writer. Sweeps what a killed writer left."""
        with locked(self.lock):
            for folder in (self.folder, self.quarantine, self.manifests):
                folder.mkdir(parents=True, exist_ok=True)
            writer = Writer(self, run_id)
            writer.sweep()
            yield writer


class Writer:
    """One run's turn at the zone."""

    def __init__(self, landing: Landing, run_id: str) -> None:
        self.landing, self.run_id = landing, run_id
        known = [*landing.manifests.glob("*.json"), *landing.retired.glob("*.json")]
        self._last = max((int(path.stem) for path in known), default=0)
        self._guard = threading.Lock()

    def sweep(self) -> None:
        """Remove files that no manifest names: their writer died before the commit, or they held what was erased."""
        shutil.rmtree(self.landing.folder / ".aside", ignore_errors=True)
        loads = self.landing.loads()
        named = {self.landing.folder / part.path for load in loads for part in load.parts}
        named |= {self.landing.quarantine / part.path for load in loads for part in load.quarantine}
        for folder in (self.landing.folder, self.landing.quarantine):
            for path in folder.glob("[!._]*/*/**/*.parquet"):
                if path not in named:
                    path.unlink()

    @contextmanager
    def load(
        self,
        source: str,
        contract: Contract,
        *,
        mode: str = "incremental",
        watermark: Mapping[str, Any] | None = None,
        origin: str | None = None,
    ) -> Iterator[LoadWriter]:
        """Collect a load; leaving the block commits it, an exception leaves nothing. An empty one is not committed."""
        with self._guard:
            self._last += 1
            number = self._last
        load = LoadWriter(self.landing, number, source, contract)
        try:
            yield load
        except BaseException:
            load.discard()
            raise
        if load.rows_read or load.replayed or mode == "full":
            load.make_durable()
            load.committed = Load(
                number=number,
                source=source,
                table=contract.name,
                mode=mode,
                run_id=self.run_id,
                committed_at=datetime.now(UTC).isoformat(),
                rows_read=load.rows_read,
                rows_landed=sum(part.rows for part in load.parts),
                rows_quarantined=sum(part.rows for part in load.quarantined),
                reasons=dict(load.reasons),
                parts=tuple(load.parts),
                quarantine=tuple(load.quarantined),
                replayed=tuple(load.replayed),
                watermark=dict(watermark or {}),
                origin=origin,
            )
            load.committed.write(self.landing.manifests)
        shutil.rmtree(load.aside, ignore_errors=True)


class LoadWriter:
    """Adds relations to one load. ``add`` may be called from several threads, each with its own connection."""

    def __init__(self, landing: Landing, number: int, source: str, contract: Contract) -> None:
        self.landing, self.number, self.source, self.contract = landing, number, source, contract
        self.aside = landing.folder / ".aside" / f"{number}-{uuid.uuid4().hex}"
        self.parts: list[Part] = []
        self.quarantined: list[Part] = []
        self.replayed: list[str] = []
        self.reasons: Counter[str] = Counter()
        self.rows_read = 0
        self.committed: Load | None = None
        self._count = 0
        self._guard = threading.Lock()

    def add(self, connection: duckdb.DuckDBPyConnection, relation: str, *, unique: bool = False) -> None:
        """Check the rows of a table or view of the connection against the contract and file them.

        Columns are taken by name; a missing one is NULL, text is converted where the contract has another type, extra
        ones are ignored. ``unique``: also refuse the second row of a key within this relation.
        """
        described = connection.execute(f"describe {quoted(relation)}").fetchall()
        given = {name: kind for name, kind, *_ in described}
        rows = quoted(relation)
        if (
            unique
        ):  # kept aside, because which row of a key counts as the first must not change between two looks
            keys = ", ".join(quoted(name) for name in self.contract.key)
            # The first in the file is kept, so that reading a file twice gives the same rows.
            order = " order by _file, _row" if {"_file", "_row"} <= given.keys() else ""
            again = f"row_number() over (partition by {keys}{order}) > 1 as _again"
            connection.execute(f"create or replace temp table checked as select *, {again} from {rows}")
            rows = "checked"
        check = check_sql(self.contract, given, duplicate="_again" if unique else None)
        # The cheap test decides; only when something is bad are the rows looked at a second time.
        count = f"select count(*), count(*) filter (where {check.bad}) from {rows}"
        read, bad = connection.execute(count).fetchone() or (0, 0)
        if read > bad:
            good = f"where not ({check.bad})" if bad else ""
            self._file(connection, f"select {self._columns(given)} from {rows} {good}")
        if bad:
            kept = "* exclude (_again)" if unique else "*"
            self._set_apart(
                connection, f"select {kept}, {check.reasons} as _reasons from {rows} where {check.bad}"
            )
        if unique:
            connection.execute("drop table checked")
        with self._guard:
            self.rows_read += read

    def make_durable(self) -> None:
        """Flush every file and folder of the load to disk; several at a time, because the disk merges their waits."""
        files = [self.landing.folder / part.path for part in self.parts]
        files += [self.landing.quarantine / part.path for part in self.quarantined]
        with ThreadPoolExecutor(FLUSHERS) as pool:
            list(pool.map(flush, files))
            list(pool.map(flush, {folder for file in files for folder in (file.parent, file.parent.parent)}))

    def discard(self) -> None:
        """Remove what was written: the load will not be committed."""
        shutil.rmtree(self.aside, ignore_errors=True)
        for folder, parts in ((self.landing.folder, self.parts), (self.landing.quarantine, self.quarantined)):
            for part in parts:
                (folder / part.path).unlink(missing_ok=True)

    def _columns(self, given: Mapping[str, str]) -> str:
        columns = [
            f"{typed(column, given.get(column.name))} as {quoted(column.name)}"
            for column in self.contract.columns.values()
        ]
        source = self.source.replace("'", "''")
        columns += [f"'{source}' as _source", f"{self.number}::bigint as _load"]
        columns.append("_change_xid" if "_change_xid" in given else "null::bigint as _change_xid")
        columns.append("_deleted" if "_deleted" in given else "false as _deleted")
        return ", ".join(columns)

    def _next(self) -> int:
        with self._guard:
            self._count += 1
            return self._count

    def _file(self, connection: duckdb.DuckDBPyConnection, rows: str) -> None:
        """Write good rows: one file, or one a day when the contract files rows under a day of their own."""
        day = self.contract.day
        folder = self.aside / str(self._next())
        folder.mkdir(parents=True)
        if day is None:
            connection.execute(f"copy ({rows}) to {literal(folder / 'rows.parquet')} ({PARQUET})")
            today = datetime.now(UTC).date().isoformat()
            self._settle([(folder / "rows.parquet", today)])
            return
        # A deleted row brings no day: it is filed under the first, where it costs nothing.
        own_day = f"coalesce(strftime({quoted(day)}::timestamp, '%Y-%m-%d'), '0001-01-01')"
        connection.execute(
            f"copy (select *, {own_day} as _day from ({rows})) to {literal(folder)}"
            f" ({PARQUET}, partition_by (_day), overwrite_or_ignore true)"
        )
        self._settle(
            [(path, path.parent.name.removeprefix("_day=")) for path in sorted(folder.rglob("*.parquet"))]
        )

    def _settle(self, files: list[tuple[Path, str]]) -> None:
        for path, day in files:
            target = f"{self.source}/{self.contract.name}/day={day}/{self.number:010d}-{self._next()}.parquet"
            part = settle(path, self.landing.folder, target)
            with self._guard:
                self.parts.append(part)

    def _set_apart(self, connection: duckdb.DuckDBPyConnection, rows: str) -> None:
        """Write bad rows as they came, with their reasons."""
        folder = self.aside / str(self._next())
        folder.mkdir(parents=True)
        file = literal(folder / "rows.parquet")
        connection.execute(f"copy ({rows}) to {file} ({PARQUET})")
        reasons = f"select unnest(_reasons) as reason from read_parquet({file})"
        counts = connection.execute(f"select reason, count(*) from ({reasons}) group by 1").fetchall()
        target = f"{self.source}/{self.contract.name}/{self.number:010d}-{self._next()}.parquet"
        part = settle(folder / "rows.parquet", self.landing.quarantine, target)
        with self._guard:
            self.quarantined.append(part)
            self.reasons.update(dict(counts))


def settle(path: Path, folder: Path, target: str) -> Part:
    """Rename a finished file to its place; what a manifest will say of it, once it is on disk."""
    part = described(path, target)
    place = folder / target
    place.parent.mkdir(parents=True, exist_ok=True)
    os.replace(path, place)
    return part


def described(path: Path, name: str) -> Part:
    """What a manifest says of the file at ``path``, which is called ``name``."""
    import pyarrow.parquet as pq

    return Part(name, pq.read_metadata(path).num_rows, path.stat().st_size, checksum(path))


def flush(path: Path) -> None:
    """Fsync a file or a folder."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def replay(
    writer: Writer, connection: duckdb.DuckDBPyConnection, source: str, contract: Contract
) -> Load | None:
    """Check quarantined rows against today's contract: good ones land, the others are set apart again.

    A row of which a newer version, or its deletion, has landed since is history and stays out: it is counted among the
    reasons as superseded, and not read again.
    """
    landing = writer.landing
    parts = landing.pending_quarantine().get((source, contract.name), [])
    if not parts:
        return None
    live = [load for load in landing.live() if (load.source, load.table) == (source, contract.name)]
    files = [literal(landing.folder / part.path) for load in live for part in load.parts]
    with writer.load(source, contract) as load:
        for part in parts:
            path = literal(landing.quarantine / part.path)
            connection.execute(
                f"create or replace temp view again as select * exclude (_reasons) from {path}"
            )
            old = _leave_out_superseded(connection, contract, files) if files else 0
            load.add(connection, "again")
            load.replayed.append(part.path)
            if old:
                load.reasons["superseded: a newer version has landed"] += old
    return load.committed


def _leave_out_superseded(connection: duckdb.DuckDBPyConnection, contract: Contract, files: list[str]) -> int:
    """Narrow the view ``again`` to rows without a newer version in the files; returns how many were left out."""
    if "_change_xid" not in {name for name, *_ in connection.execute("describe again").fetchall()}:
        return 0  # files carry no versions: what is sent later replaces what was sent before
    same = " and ".join(
        f"l.{quoted(name)} = try_cast(a.{quoted(name)} as {SQL_TYPES[contract.columns[name].type]})"
        for name in contract.key
    )
    landed = f"read_parquet([{', '.join(files)}], union_by_name = true, hive_partitioning = false)"
    newer = f"exists (select 1 from {landed} l where {same} and l._change_xid > a._change_xid)"
    connection.execute(f"create or replace temp table judged as select a.*, {newer} as _is_old from again a")
    connection.execute(
        "create or replace temp view again as select * exclude (_is_old) from judged where not _is_old"
    )
    counted = connection.execute("select count(*) filter (where _is_old) from judged").fetchone()
    return int(counted[0]) if counted else 0

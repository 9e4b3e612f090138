"""A folder of sources into the landing zone: what is new or changed, each table as one committed load.

A file counts as taken when a live load names its content together with the profile and the contract that read it. So a
changed file, profile or contract, or a damaged load, means reading again, and nothing else does. Killed at any moment,
the tables that were committed are there and the others are not; the next run does those.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from pipelines.sources import mapping, readers, sql
from pipelines.sources.problems import SourceFileError
from pipelines.sources.profile import Profile, Table, load_profiles
from pipelines.sources.readers import FileChanged, Reading
from pipelines.sources.report import FileReport, SourceReport, TableReport
from warehouse.contracts import load_contracts
from warehouse.landing import Landing, Writer
from warehouse.settings import Home, locked

MEMORY = "1GB"
HALF_WRITTEN = (".part", ".partial", ".tmp", ".filepart", ".crdownload")
# What a profile's expressions may fail with on real cells; anything else (a full disk) is not the file's fault.
MAPPING_ERRORS = (
    duckdb.BinderException,
    duckdb.CatalogException,
    duckdb.ConversionException,
    duckdb.InvalidInputException,
    duckdb.OutOfRangeException,
    duckdb.ParserException,
    duckdb.TypeMismatchException,
)

Progress = Callable[[str, int], None]
"""Called with a source and table, and the rows just read for it."""


def ingest_folder(
    home: Home,
    folder: Path,
    *,
    run_id: str,
    progress: Progress = lambda label, rows: None,
    profiles: Mapping[str, Profile] | None = None,
) -> list[SourceReport]:
    """Land every source that has a folder of its profile's name in ``folder``. Raises FileNotFoundError without one."""
    if not folder.is_dir():
        raise FileNotFoundError(f"no folder {folder}: SOURCES names a folder with one folder a source")
    profiles = load_profiles() if profiles is None else profiles
    return [
        ingest_source(home, profile, folder / name, run_id=run_id, progress=progress)
        for name, profile in profiles.items()
        if (folder / name).is_dir()
    ]


def ingest_source(
    home: Home,
    profile: Profile,
    folder: Path,
    *,
    run_id: str,
    progress: Progress = lambda label, rows: None,
    wanted: Callable[[Path], bool] = lambda path: True,
) -> SourceReport:
    """Land what is new in a source's own folder, of the ``wanted`` files. One that cannot be read harms no other."""
    with locked(home.root / "sources.lock"), _scratch(home) as scratch, _engine(scratch) as connection:
        landing = Landing(home)
        for damage in landing.verify(
            [load for load in landing.live() if load.source == profile.name], contents=False
        ):
            landing.retire(damage)
        batch = _Batch(profile, find(profile, folder, wanted), landing, connection, scratch)
        batch.read()
        with landing.writer(run_id) as writer:
            batch.land(writer, progress)
    return SourceReport(profile.name, tuple(batch.file_reports()), tuple(batch.reports.values()))


@dataclass(frozen=True)
class _Share:
    """What one mapping is to be made of: the files of each of its inputs."""

    table: Table
    files: Mapping[str, Sequence[Path]]


class _Batch:
    """One source, once."""

    def __init__(
        self,
        profile: Profile,
        found: dict[str, list[Path]],
        landing: Landing,
        connection: duckdb.DuckDBPyConnection,
        scratch: Path,
    ) -> None:
        self.profile, self.connection, self.scratch = profile, connection, scratch
        self.live = [load for load in landing.live() if load.source == profile.name]
        self.found = found
        self.problems: dict[Path, SourceFileError] = {}
        self.readings: dict[Path, Reading] = {}
        self.sights = {path: seen for paths in found.values() for path in paths if (seen := self._look(path))}
        self.reports: dict[str, TableReport] = {}
        sql.teach(connection, profile.tenant.id, profile.codes)

    def read(self) -> None:
        """Read the files of every table that is not up to date, each once."""
        needed = needed_columns(self.profile)
        for name, tables in self.profile.mappings().items():
            shares, _ = self.plan(name, tables)
            for path, layout in {
                path: layout for share in shares for layout, paths in share.files.items() for path in paths
            }.items():
                if path in self.readings or path in self.problems:
                    continue
                try:
                    self.readings[path] = readers.read(
                        self.connection,
                        path,
                        self.sights[path],
                        self.profile.inputs[layout],
                        needed[layout],
                        self.scratch,
                    )
                except SourceFileError as problem:
                    self.problems[path] = problem

    def plan(self, name: str, tables: Sequence[Table]) -> tuple[list[_Share], str | None]:
        """What is to be loaded of a table, given the files without a known problem; and what is lacking for more.

        A complete set is taken wholly or, when nothing in it is new, not at all. Of additions only new files are taken,
        all of them when a file that they are looked up in is new.
        """
        known = self.known(name)
        shares: list[_Share] = []
        lacking: list[str] = []
        for table in tables:
            files = {
                layout: [path for path in self.found[layout] if self.is_good(path)] for layout in table.inputs
            }
            if empty := [layout for layout, paths in files.items() if not paths]:
                lacking += [" or ".join(self.profile.inputs[layout].paths) for layout in empty]
                continue
            fresh = {
                layout: [p for p in files[layout] if self.signature(name, p) not in known] for layout in files
            }
            if self.profile.complete or any(fresh[layout] for layout in table.inputs[1:]):
                shares.append(_Share(table, files))
            elif fresh[table.driver]:
                shares.append(_Share(table, {**files, table.driver: fresh[table.driver]}))
        needs = f"there is no readable {' and no '.join(dict.fromkeys(lacking))}" if lacking else None
        if self.profile.complete:
            now = self.signatures(name, shares)
            is_new = not now <= known or (now != known and not self.is_partial(tables))
            shares = shares if is_new and not lacking else []
        return shares, needs

    def land(self, writer: Writer, progress: Progress) -> None:
        """Load every table that is not up to date."""
        landed_at = datetime.now(UTC)
        for name, tables in self.profile.mappings().items():
            shares, needs = self.plan(name, tables)
            concerned = any(self.found[layout] for table in tables for layout in table.inputs)
            if shares:
                partial = not self.profile.complete or self.is_partial(tables)
                self.reports[name] = self._load(
                    writer, name, shares, "incremental" if partial else "full", landed_at
                )
                progress(f"{self.profile.name} {name}", self.reports[name].rows_read)
            elif needs and concerned:
                self.reports[name] = TableReport(name, "skipped", problem=needs)
            elif concerned:
                loads = [load for load in self.live if load.table == name]
                self.reports[name] = TableReport.of(name, loads, state="unchanged")
        self._land_tenant(writer, landed_at)

    def _load(
        self, writer: Writer, name: str, shares: Sequence[_Share], mode: str, landed_at: datetime
    ) -> TableReport:
        contract = load_contracts()[name]
        files = {str(p.name) for share in shares for paths in share.files.values() for p in paths}
        watermark = {"files": sorted(self.signatures(name, shares))}
        try:
            with writer.load(
                self.profile.name, contract, mode=mode, watermark=watermark, origin=", ".join(sorted(files))
            ) as load:
                for share in shares:
                    for layout, paths in share.files.items():
                        readings = [self.readings[path] for path in paths]
                        mapping.offer(self.connection, self.profile.inputs[layout], readings)
                    rows = mapping.rows_of(
                        self.connection, self.profile, share.table, contract, landed_at=landed_at
                    )
                    load.add(self.connection, rows, unique=True)
        except MAPPING_ERRORS as error:
            return TableReport(name, "skipped", problem=f"the mapping does not fit the files: {error}")
        return TableReport.of(name, [load.committed] if load.committed else [], state="landed")

    def _land_tenant(self, writer: Writer, landed_at: datetime) -> None:
        """The tenant's own row, once any row of it is there."""
        contract = load_contracts()["tenants"]
        signature = _sha256(repr(self.profile.tenant), repr(contract))
        anything = self.live or any(report.state == "landed" for report in self.reports.values())
        if not anything or signature in self.known("tenants"):
            return
        with writer.load(self.profile.name, contract, mode="full", watermark={"files": [signature]}) as load:
            self.connection.execute(
                f"create or replace temp view tenant as {mapping.tenant_row(self.profile, landed_at=landed_at)}"
            )
            load.add(self.connection, "tenant")

    def known(self, table: str) -> frozenset[str]:
        """Signatures of what the table's live loads were made of."""
        return frozenset(s for load in self.live if load.table == table for s in load.watermark["files"])

    def signature(self, table: str, path: Path) -> str:
        """Of a file's content as this profile and contract read it."""
        return _sha256(self.sights[path].digest, self.profile.digest, repr(load_contracts()[table]))

    def signatures(self, name: str, shares: Iterable[_Share]) -> set[str]:
        return {
            self.signature(name, path) for share in shares for paths in share.files.values() for path in paths
        }

    def is_good(self, path: Path) -> bool:
        return path not in self.problems

    def is_partial(self, tables: Iterable[Table]) -> bool:
        """Whether a file of the tables' inputs was refused: what it held before must not go."""
        return any(
            not self.is_good(p) for table in tables for layout in table.inputs for p in self.found[layout]
        )

    def file_reports(self) -> Iterator[FileReport]:
        for paths in self.found.values():
            for path in paths:
                reading, problem = self.readings.get(path), self.problems.get(path)
                if problem:
                    state = "waiting" if isinstance(problem, FileChanged) else "rejected"
                    yield FileReport(path, state, problem=str(problem))
                elif reading:
                    yield FileReport(path, "read", reading.rows, notes=reading.notes)
                else:
                    yield FileReport(path, "unchanged")

    def _look(self, path: Path) -> readers.Sight | None:
        try:
            return readers.look(path)
        except SourceFileError as problem:
            self.problems[path] = problem
            return None


def find(
    profile: Profile, folder: Path, wanted: Callable[[Path], bool] = lambda path: True
) -> dict[str, list[Path]]:
    """The files of each input, by name. A file that two inputs would take belongs to the first."""
    found: dict[str, list[Path]] = {}
    taken: set[Path] = set()
    for name, layout in profile.inputs.items():
        paths = {path for pattern in layout.paths for path in folder.glob(pattern) if is_finished(path)}
        found[name] = sorted(path for path in paths - taken if wanted(path))
        taken |= paths
    return found


def is_finished(path: Path) -> bool:
    """Whether it is a file that is not, by its name, somebody's half-written copy."""
    return path.is_file() and not path.name.startswith(".") and path.suffix not in HALF_WRITTEN


def needed_columns(profile: Profile) -> dict[str, set[str]]:
    """The columns that each input must have: those named as its own, or by a table that has no other input."""
    needed: dict[str, set[str]] = {name: set() for name in profile.inputs}
    for table in profile.tables:
        for layout, column in table.needed:
            if layout in needed:
                needed[layout].add(column)
            elif layout is None and len(table.inputs) == 1:
                needed[table.driver].add(column)
    return needed


@contextmanager
def _scratch(home: Home) -> Iterator[Path]:
    """A folder for private copies; what a killed predecessor left there is swept."""
    folder = home.root / "reading"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _engine(scratch: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    config = {"threads": "2", "memory_limit": MEMORY, "temp_directory": str(scratch / "spill")}
    with duckdb.connect(config=config) as connection:
        connection.execute("set TimeZone = 'UTC'")
        yield connection


def _sha256(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()

"""Files that somebody put into ``drop/<source>/``: taken and filed away, or set aside with the reason beside them."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from pipelines.sources.ingest import Progress, ingest_source, is_finished
from pipelines.sources.profile import Profile, load_profiles
from pipelines.sources.report import FileReport, SourceReport
from warehouse.settings import Home, locked, write_atomic

DONE, REJECTED = "done", "rejected"
SETTLED_S = 10.0  # a file touched more recently may still be written to


def process_drop(
    home: Home,
    run_id: str,
    *,
    progress: Progress = lambda label, rows: None,
    profiles: Mapping[str, Profile] | None = None,
    settled_s: float = SETTLED_S,
) -> list[SourceReport]:
    """Land what lies in the drop folder.

    What landed moves to ``drop/done/<date>/<source>/``; what no profile knows or nobody can read moves to
    ``drop/rejected/<source>/`` with a ``.why.txt`` beside it; what was touched within ``settled_s`` seconds waits.
    Killed between landing and moving, the next call finds the file known and only moves it.
    """
    profiles = load_profiles() if profiles is None else profiles
    reports: list[SourceReport] = []
    with locked(home.root / "drop.lock"):
        waiting = [path for path in dropped(home) if not has_settled(path, settled_s)]
        for name, paths in _by_source(home, [path for path in dropped(home) if path not in waiting]).items():
            if profile := profiles.get(name):
                ready = frozenset(paths)
                report = ingest_source(
                    home,
                    profile,
                    home.drop / name,
                    run_id=run_id,
                    progress=progress,
                    wanted=ready.__contains__,
                )
                report = _explained(report, profile, paths)
            else:
                report = _unknown(name, paths, profiles)
            reports.append(report)
            for file in report.files:
                _file_away(home, name, file)
    return reports


def dropped(home: Home) -> list[Path]:
    """Every file that waits to be taken, those in no source's folder included."""
    folders = [
        folder for folder in home.drop.glob("*") if folder.is_dir() and folder.name not in (DONE, REJECTED)
    ]
    found = [*home.drop.glob("*"), *(path for folder in folders for path in folder.rglob("*"))]
    return sorted(path for path in found if is_finished(path))


def has_settled(path: Path, settled_s: float) -> bool:
    """Whether nobody has touched the file for so long. A file that is gone has not."""
    try:
        stat = path.stat()
    except FileNotFoundError:
        return False
    return time.time() - max(stat.st_mtime, stat.st_ctime) >= settled_s


def _by_source(home: Home, paths: list[Path]) -> dict[str, list[Path]]:
    """The files by the folder that they lie in; "" for those in none."""
    found: dict[str, list[Path]] = {}
    for path in paths:
        inside = path.relative_to(home.drop).parts
        found.setdefault(inside[0] if len(inside) > 1 else "", []).append(path)
    return found


def _unknown(name: str, paths: list[Path], profiles: Mapping[str, Profile]) -> SourceReport:
    known = ", ".join(profiles)
    problem = (
        f"no source is called '{name}'. Known: {known}. docs/guides/new-source.md shows how to add one"
        if name
        else f"it lies in no source's folder. Put it into drop/<source>/, where source is one of {known}"
    )
    return SourceReport(name or "?", tuple(FileReport(path, "rejected", problem=problem) for path in paths))


def _explained(report: SourceReport, profile: Profile, paths: list[Path]) -> SourceReport:
    """The report with a word on every file: also on those that no pattern takes, and those that no table could use."""
    files: list[FileReport] = []
    failed = {table.table: table.problem for table in report.tables if table.state == "skipped"}
    for file in report.files:
        users = {
            table.name
            for table in profile.tables
            for layout in table.inputs
            if any(file.path.match(pattern) for pattern in profile.inputs[layout].paths)
        }
        if file.state in ("read", "unchanged") and users and users <= failed.keys():
            why = "; ".join(f"{name}: {failed[name]}" for name in sorted(users))
            file = FileReport(
                file.path, "rejected", file.rows, f"nothing could be made of it. {why}", file.notes
            )
        files.append(file)
    patterns = ", ".join(pattern for layout in profile.inputs.values() for pattern in layout.paths)
    for path in sorted({*paths} - {file.path for file in files}):
        problem = f"{profile.name} takes files of other names: {patterns}"
        files.append(FileReport(path, "rejected", problem=problem))
    return SourceReport(report.source, tuple(files), report.tables)


def _file_away(home: Home, source: str, file: FileReport) -> None:
    if file.state in ("read", "unchanged"):
        _move(file.path, home.drop / DONE / datetime.now(UTC).date().isoformat() / source)
    elif file.state == "rejected":
        place = _move(file.path, home.drop / REJECTED / source)
        write_atomic(place.with_name(f"{place.name}.why.txt"), f"{file.problem}\n".encode())


def _move(path: Path, folder: Path) -> Path:
    """Move the file into the folder under its name, or its name with a number when that is taken."""
    folder.mkdir(parents=True, exist_ok=True)
    target, number = folder / path.name, 1
    while target.exists():
        number += 1
        target = folder / f"{number}-{path.name}"
    os.replace(path, target)
    return target

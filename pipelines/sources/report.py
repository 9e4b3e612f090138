"""What came of a source: which files were taken, what landed, what was set apart and why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from warehouse.landing import Load


@dataclass(frozen=True)
class FileReport:
    """One file. ``state``: read, unchanged, waiting (somebody still writes) or rejected (``problem`` says why)."""

    path: Path
    state: str
    rows: int | None = None
    problem: str | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class TableReport:
    """One table. ``state``: landed, unchanged, or skipped (``problem`` says why; what had landed before stays)."""

    table: str
    state: str
    rows_read: int = 0
    rows_landed: int = 0
    rows_quarantined: int = 0
    reasons: Mapping[str, int] = field(default_factory=dict)
    problem: str | None = None

    @classmethod
    def of(cls, table: str, loads: Iterable[Load], *, state: str) -> TableReport:
        """The sums of these loads."""
        loads = list(loads)
        reasons: dict[str, int] = {}
        for load in loads:
            for reason, count in load.reasons.items():
                reasons[reason] = reasons.get(reason, 0) + count
        return cls(
            table,
            state,
            sum(load.rows_read - load.rows_erased for load in loads),
            sum(load.rows_landed for load in loads),
            sum(load.rows_quarantined for load in loads),
            reasons,
        )


@dataclass(frozen=True)
class SourceReport:
    """One source; ``tables`` is empty when nothing of it could be used."""

    source: str
    files: tuple[FileReport, ...]
    tables: tuple[TableReport, ...] = ()

    @property
    def rejected(self) -> tuple[FileReport, ...]:
        return tuple(file for file in self.files if file.state == "rejected")

    @property
    def is_accounted(self) -> bool:
        """Every row that was read has landed or was set apart."""
        return all(t.rows_read == t.rows_landed + t.rows_quarantined for t in self.tables)


def describe(reports: Iterable[SourceReport]) -> str:
    """For a person at a terminal: a source with its tables and files, several lines each."""
    lines: list[str] = []
    for report in reports:
        read = [file for file in report.files if file.rows is not None]
        unchanged = sum(file.state == "unchanged" for file in report.files)
        lines.append(
            f"{report.source}: {sum(file.rows or 0 for file in read):,} rows read from {_files(len(read))}"
            + (f", {_files(unchanged)} unchanged" if unchanged else "")
            + (f", {_files(len(report.rejected))} REJECTED" if report.rejected else "")
        )
        for table in report.tables:
            lines.append(f"  {table.table}: {_table(table)}")
            for reason, count in sorted(table.reasons.items(), key=lambda pair: (-pair[1], pair[0])):
                lines.append(f"    {count:,} × {reason}")
        for file in report.files:
            if file.problem:
                lines.append(f"  {file.state}: {file.problem}")
            lines += [f"  {file.path.name}: {note}" for note in file.notes]
    return "\n".join(lines)


def _table(table: TableReport) -> str:
    if table.state == "skipped":
        return f"not loaded: {table.problem}"
    counts = f"{table.rows_landed:,} landed of {table.rows_read:,}"
    apart = f", {table.rows_quarantined:,} quarantined" if table.rows_quarantined else ""
    return f"{counts}{apart}" + (" (unchanged)" if table.state == "unchanged" else "")


def _files(count: int) -> str:
    return f"{count} file{'' if count == 1 else 's'}"

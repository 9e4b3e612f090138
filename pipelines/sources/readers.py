"""A file as rows of text, whatever its format, or a clear word on what is wrong with it.

Every file becomes a private Parquet file whose columns are text, with ``_file`` and ``_row`` (1 is the first below the
header). Types are the contract's business, so a bad cell costs its row and not the file. What is refused here is what
makes all rows doubtful: a cut or changing file, wrong delimiter or encoding, lines that do not fit the header.
"""

from __future__ import annotations

import csv
import json
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import duckdb

from pipelines.sources.lines import copy_text
from pipelines.sources.problems import SourceFileError
from pipelines.sources.profile import Input
from warehouse.landing.check import literal, quoted
from warehouse.landing.loads import checksum

SUFFIXES = {
    ".csv": "csv",
    ".tsv": "csv",
    ".txt": "csv",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".xlsx": "xlsx",
    ".xlsm": "xlsx",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
}
SHOWN = 20  # columns named in a message
PARQUET = "format parquet, compression lz4_raw"


@dataclass(frozen=True)
class Reading:
    """A file as it was read: where its rows lie now, and what a person should know about it."""

    path: Path
    parquet: Path
    columns: tuple[str, ...]
    rows: int
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class State:
    """What shows that a file was touched."""

    inode: int
    size: int
    modified_ns: int
    changed_ns: int

    @classmethod
    def of(cls, path: Path) -> State:
        stat = path.stat()
        return cls(stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns)


class FileChanged(SourceFileError):
    """Somebody wrote to the file meanwhile: it is not broken, only not finished."""

    def __init__(self, file: Path) -> None:
        super().__init__(file, "changed while it was being read", "it is read again once nobody writes to it")


@dataclass(frozen=True)
class Sight:
    """A file as it was first seen: its state then, and the checksum of its content."""

    state: State
    digest: str


def look(path: Path) -> Sight:
    """See which content a file has. Raises SourceFileError."""
    before = _state(path)
    found = checksum(path)
    if _state(path) != before:
        raise FileChanged(path)
    return Sight(before, found)


def read(
    connection: duckdb.DuckDBPyConnection,
    path: Path,
    sight: Sight,
    layout: Input,
    needed: Iterable[str],
    scratch: Path,
) -> Reading:
    """Read a file of that layout into ``scratch``; the ``needed`` columns must be there.

    Raises SourceFileError; FileChanged whenever the file is not what it was at first sight, for then whatever else
    seems wrong with it proves nothing.
    """
    try:
        reading = _read(connection, path, layout, needed, scratch)
    except (SourceFileError, FileNotFoundError):
        if _state(path) != sight.state:
            raise FileChanged(path) from None
        raise
    if _state(path) != sight.state:
        raise FileChanged(path)
    return reading


def _read(
    connection: duckdb.DuckDBPyConnection, path: Path, layout: Input, needed: Iterable[str], scratch: Path
) -> Reading:
    if path.stat().st_size == 0:
        raise SourceFileError(path, "the file is empty (0 bytes)", "deliver it again")
    kind = layout.format or kind_of(path)
    target, text = scratch / f"{len([*scratch.glob('*.parquet')])}.parquet", scratch / "text"
    notes = copy_text(path, text, layout.encoding) if kind in ("csv", "jsonl") else []
    if kind == "csv":
        names = _header(path, text, layout)
        source = _csv(text, names, layout)
    elif kind == "jsonl":
        names, source = _jsonl(connection, path, text)
    elif kind == "parquet":
        names, source = _parquet(connection, path)
    else:
        names, source = _xlsx(connection, path, layout)
    _refuse_missing(path, names, needed, layout)
    listed = ", ".join(_cell(name, layout) for name in names)
    rows = f"select row_number() over () as _row, {literal(path.name)} as _file, {listed} from {source}"
    try:
        connection.execute(f"copy ({rows}) to {literal(str(target))} ({PARQUET})")
    except duckdb.Error as error:
        if isinstance(error, duckdb.IOException) and "No space" in str(error):
            raise  # ours, not the file's
        raise _explained(path, error, names, layout) from None
    count = connection.execute(f"select count(*) from read_parquet({literal(str(target))})").fetchone()
    if count is None or count[0] == 0:
        raise SourceFileError(path, "it has a header but no rows", "deliver it again, or leave it out")
    return Reading(path, target, names, count[0], tuple(notes))


def kind_of(path: Path) -> str:
    """The format that a file's name tells. Raises SourceFileError."""
    plain = path.with_suffix("") if path.suffix == ".gz" else path
    if kind := SUFFIXES.get(plain.suffix.lower()):
        return kind
    known = " ".join(sorted(SUFFIXES))
    raise SourceFileError(
        path, f"unknown kind of file '{plain.suffix}'", f"known: {known} (csv and jsonl also .gz)"
    )


def _state(path: Path) -> State:
    try:
        state = State.of(path)
    except FileNotFoundError:
        raise FileChanged(path) from None
    if not os.access(path, os.R_OK):
        raise SourceFileError(path, "it may not be read", "give this user the right to read it")
    return state


def _header(path: Path, text: Path, layout: Input) -> tuple[str, ...]:
    with text.open(encoding="utf-8", newline="") as file:
        names = next(csv.reader(file, delimiter=layout.delimiter), [])
    if len(names) == 1 and (
        others := [mark for mark in ",;\t|" if mark != layout.delimiter and mark in names[0]]
    ):
        most = max(others, key=names[0].count)
        raise SourceFileError(
            path,
            f"line 1 is not divided by {layout.delimiter!r}, but it holds {names[0].count(most)} of {most!r}",
            f"write 'delimiter: {most!r}' for these files in the profile",
        )
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        raise SourceFileError(
            path, f"line 1 names a column twice: {', '.join(repeated)}", "rename one of them"
        )
    if "" in (name.strip() for name in names):
        raise SourceFileError(
            path,
            f"line 1 has a column without a name (number {names.index('') + 1})",
            "name it or take it away",
        )
    return tuple(names)


def _csv(text: Path, names: tuple[str, ...], layout: Input) -> str:
    """What DuckDB reads the file with: nothing is guessed."""
    columns = [*names, *(["_trailing"] if layout.trailing_delimiter else [])]
    listed = ", ".join(f"{literal(name)}: 'varchar'" for name in columns)
    return (
        f"read_csv({literal(str(text))}, columns = {{{listed}}}, delim = {literal(layout.delimiter)}, quote = '\"',"
        " escape = '\"', header = false, skip = 1, auto_detect = false, strict_mode = true, null_padding = false,"
        " allow_quoted_nulls = true)"
    )


def _jsonl(connection: duckdb.DuckDBPyConnection, path: Path, text: Path) -> tuple[tuple[str, ...], str]:
    objects = f"read_ndjson_objects({literal(str(text))})"
    try:
        kinds = connection.execute(f"select distinct json_type(json) from {objects}").fetchall()
        if kinds not in ([("OBJECT",)], []):
            raise _bad_json(path, text)
        found = connection.execute(
            f"select distinct unnest(json_keys(json)) as name from {objects} order by name"
        ).fetchall()
    except duckdb.InvalidInputException:
        raise _bad_json(path, text) from None
    names = tuple(name for (name,) in found)
    columns = ", ".join(f"json ->> {literal(_pointer(name))} as {quoted(name)}" for name in names)
    return names, f"(select {columns or 'json'} from {objects})"


def _bad_json(path: Path, text: Path) -> SourceFileError:
    """Which line it is: DuckDB counts bytes and lines of its own buffers."""
    hint = "one JSON object a line; was the file cut off?"
    with text.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            try:
                if line.strip() and not isinstance(json.loads(line), dict):
                    return SourceFileError(path, f"line {number} is JSON but not an object", hint)
            except ValueError as error:
                return SourceFileError(path, f"line {number} is not JSON ({error})", hint)
    return SourceFileError(path, "it is not one JSON object a line", hint)


def _pointer(name: str) -> str:
    return "/" + name.replace("~", "~0").replace("/", "~1")


def _parquet(connection: duckdb.DuckDBPyConnection, path: Path) -> tuple[tuple[str, ...], str]:
    source = f"read_parquet({literal(str(path))}, hive_partitioning = false)"
    try:
        described = connection.execute(f"describe select * from {source}").fetchall()
    except duckdb.Error as error:
        raise SourceFileError(
            path, f"not a readable Parquet file: {_first_line(error)}", "deliver it again; was it cut off?"
        ) from None
    return tuple(name for name, *_ in described), source


def _xlsx(connection: duckdb.DuckDBPyConnection, path: Path, layout: Input) -> tuple[tuple[str, ...], str]:
    import fastexcel

    try:
        book = fastexcel.read_excel(path)
    except fastexcel.FastExcelError as error:
        raise SourceFileError(
            path,
            f"not a readable workbook: {_first_line(error)}",
            "save it again as .xlsx, without a password",
        ) from None
    sheet = layout.sheet or book.sheet_names[0]
    if sheet not in book.sheet_names:
        raise SourceFileError(
            path,
            f"it has no sheet '{sheet}' but {', '.join(book.sheet_names)}",
            "correct 'sheet' in the profile",
        )
    table = book.load_sheet(sheet, dtypes="string").to_arrow()
    connection.register("sheet", table)
    return tuple(table.schema.names), "sheet"


def _refuse_missing(path: Path, names: tuple[str, ...], needed: Iterable[str], layout: Input) -> None:
    lacking = sorted({*needed} - {*names} - {*layout.optional})
    if lacking:
        raise SourceFileError(
            path,
            f"it has no column {', '.join(lacking)}; it has {', '.join(names[:SHOWN])}{' …' * (len(names) > SHOWN)}",
            "was a column renamed? Correct the file, or the profile (what may be absent goes under 'optional')",
        )


def _cell(name: str, layout: Input) -> str:
    """A column as text; the layout's words for 'nothing' become empty."""
    text = f"cast({quoted(name)} as varchar)"
    for word in ("", *layout.missing):
        text = f"nullif({text}, {literal(word)})"
    return f"{text} as {quoted(name)}"


def _explained(path: Path, error: duckdb.Error, names: tuple[str, ...], layout: Input) -> SourceFileError:
    """What DuckDB's CSV reader found, in our words."""
    text = str(error)
    found = re.search(r"CSV Error on Line: (\d+)", text)
    where = f"line {found[1]}" if found else "a line"
    if counts := re.search(r"Expected Number of Columns: (\d+) Found: (\d+)", text):
        problem = f"{where} has {counts[2]} fields where the header has {counts[1]}"
        hint = "was the file cut off there, or is a field with the delimiter not in quotes?"
        if int(counts[2]) == len(names) + 1:
            hint += " If every line ends with a delimiter, write 'trailing_delimiter: true' in the profile."
        if layout.trailing_delimiter:
            problem = f"{where} has {int(counts[2]) - 1} fields where the header has {int(counts[1]) - 1}"
        return SourceFileError(path, problem, hint)
    if "unterminated quote" in text:
        return SourceFileError(
            path, f"{where}: a quotation mark is opened and not closed", 'write it twice ("")'
        )
    return SourceFileError(path, f"{where} cannot be read: {_first_line(error)}", "correct that line")


def _first_line(error: Exception) -> str:
    return str(error).split("\n", 1)[0].removeprefix("Invalid Input Error: ")[:300]

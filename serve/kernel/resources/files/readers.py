"""Files of rows as people have them: what they are is seen from their content, never from their name.

``opened`` reads the whole file once, so that everything that is wrong with it as a file is said before any row is
taken in. All of this blocks: it is for threads.
"""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Collection, Iterator
from typing import IO, Any, Protocol

import orjson

from serve.kernel.errors import Invalid
from serve.kernel.formats import rearm
from serve.kernel.resources.files import ImportFormat
from serve.kernel.resources.files.limits import (
    MOST_COLUMNS,
    MOST_ROWS,
    FileTypeUnknown,
    FileUnreadable,
    header,
    plain,
    too_many_rows,
)
from serve.kernel.resources.files.workbook import Workbook

DELIMITERS = (",", ";", "\t", "|")
_CHUNK = 1 << 20

Cells = dict[str, Any]
Lines = Iterator[tuple[int, "Cells | Invalid"]]
"""(line in the file, its values by column, or what is wrong with it)."""
Written = Iterator[tuple[int, "list[str | None] | Cells"]]
"""(line in the file, its cells as they stand there, more or fewer than there are columns; or its JSON object)."""


class Table(Protocol):
    """A file of rows; blank ones are not counted."""

    format: ImportFormat
    encoding: str | None
    delimiter: str | None
    columns: tuple[str, ...]
    row_count: int

    is_text: bool
    """Whether its cells are texts, whatever they mean; else they are values."""

    def rows(self) -> Lines: ...

    def as_written(self) -> Written: ...


_SIGNS = {
    b"\xd0\xcf\x11\xe0": "is an old Excel file (.xls): save it as .xlsx",
    b"PAR1": "is a Parquet file",
    b"ARROW1": "is an Arrow file",
    b"\x1f\x8b": "is compressed: send what is in it",
    b"\xff\xfe": "is written in UTF-16: save it as UTF-8",
    b"\xfe\xff": "is written in UTF-16: save it as UTF-8",
    b"%PDF": "is a PDF",
    b"<": "is XML or HTML",
    b"[": "is one JSON array: write one object a line, without brackets and commas around them",
}


def opened(file: IO[bytes], expected: Collection[str], *, delimiter: str | None = None) -> Table:
    """The file as a table. ``expected`` are columns that may well be in it; they tell the ``delimiter``, unless it is
    known.

    Raises FileTypeUnknown or FileUnreadable, saying where.
    """
    file.seek(0)
    start = file.read(4096)
    if not start.strip():
        raise FileUnreadable("is empty")
    if start.startswith(b"PK\x03\x04"):
        return _checked(Workbook(file))
    begin = start.removeprefix(codecs.BOM_UTF8).lstrip()
    for sign, why in _SIGNS.items():
        if start.startswith(sign) or (len(sign) == 1 and begin.startswith(sign)):
            raise FileTypeUnknown(why)
    if b"\0" in start:
        raise FileTypeUnknown("is no text")
    encoding = encoding_of(file)
    if begin.startswith(b"{"):
        return _checked(JsonLines(file, encoding))
    return _checked(Csv(file, encoding, expected, delimiter))


def _checked(table: Table) -> Table:
    if not table.columns:
        raise FileUnreadable("has no header")
    if len(table.columns) > MOST_COLUMNS:
        raise FileUnreadable(f"has more than {MOST_COLUMNS} columns")
    if not table.row_count:
        raise FileUnreadable("has no rows")
    return table


def encoding_of(file: IO[bytes]) -> str:
    """``utf-8`` or ``windows-1252``; anything else is refused, and so is a text that was cut off in a letter."""
    file.seek(0)
    decoder = codecs.getincrementaldecoder("utf-8")()
    place, letters = 0, False  # letters: it has some that only UTF-8 writes like this
    while chunk := file.read(_CHUNK):
        if b"\0" in chunk:
            raise FileUnreadable(f"has the character NUL at byte {place + chunk.index(0) + 1:,}")
        try:
            text = decoder.decode(chunk)
        except UnicodeDecodeError as error:
            if letters or not error.object[: error.start].isascii():
                wrong = place + error.start + 1
                raise FileUnreadable(f"begins as UTF-8, but byte {wrong:,} is not") from error
            return _windows(file)
        letters = letters or not text.isascii()
        place += len(chunk)
    unfinished, _ = decoder.getstate()
    if unfinished and letters:
        raise FileUnreadable("is cut off in the middle of a letter")
    return _windows(file) if unfinished else "utf-8"


def _windows(file: IO[bytes]) -> str:
    file.seek(0)
    place = 0
    while chunk := file.read(_CHUNK):
        try:
            chunk.decode("cp1252")
        except UnicodeDecodeError as error:
            wrong = place + error.start + 1
            raise FileUnreadable(f"is neither UTF-8 nor Windows-1252: byte {wrong:,} fits neither") from error
        place += len(chunk)
    return "windows-1252"


def _text(file: IO[bytes], encoding: str, newline: str | None) -> Iterator[str]:
    """The lines of the file; it stays open."""
    file.seek(0)
    wrapped = io.TextIOWrapper(
        file, encoding="utf-8-sig" if encoding == "utf-8" else "cp1252", newline=newline
    )
    try:
        for line in wrapped:  # noqa: UP028  # "yield from" would close the file with the generator
            yield line
    finally:
        if not file.closed:
            wrapped.detach()


class Csv:
    """RFC 4180 with any of the usual delimiters. Apostrophes that disarm formulas are taken off."""

    format: ImportFormat = "csv"
    encoding: str | None
    delimiter: str | None
    is_text = True

    def __init__(
        self, file: IO[bytes], encoding: str, expected: Collection[str], delimiter: str | None
    ) -> None:
        self._file, self.encoding = file, encoding
        self.delimiter = delimiter = delimiter or self._delimiter({plain(name) for name in expected})
        self.columns: tuple[str, ...] = ()
        self.row_count = 0
        for _, cells in self._records(delimiter):
            if not self.columns:
                self.columns = header(cells)
                continue
            self.row_count += 1
            if self.row_count > MOST_ROWS:
                raise too_many_rows()

    def rows(self) -> Lines:
        records = self._records(self.delimiter or ",")
        next(records)
        wide = len(self.columns)
        for line, cells in records:
            while len(cells) > wide and not cells[-1].strip():
                cells.pop()
            if len(cells) != wide:
                yield line, Invalid(f"It has {len(cells)} cells where the header has {wide}.")
            else:
                yield line, {name: rearm(cell) for name, cell in zip(self.columns, cells, strict=True)}

    def as_written(self) -> Written:
        records = self._records(self.delimiter or ",")
        next(records)
        for line, cells in records:
            yield line, [rearm(cell) for cell in cells]

    def _records(self, delimiter: str) -> Iterator[tuple[int, list[str]]]:
        """(line where it begins, cells) of what is not blank. Raises FileUnreadable naming the line."""
        reader = csv.reader(_text(self._file, self.encoding or "utf-8", ""), delimiter=delimiter, strict=True)
        line = 1
        try:
            for cells in reader:
                if any(cell.strip() for cell in cells):
                    yield line, cells
                line = reader.line_num + 1
        except csv.Error as error:
            cut = "unexpected end" in str(error)
            why = "the file is cut off inside quotes" if cut else str(error)
            raise FileUnreadable(f"line {line:,}: {why}") from error

    def _delimiter(self, expected: set[str]) -> str:
        """The one with which the header has most of the expected columns, then most columns at all."""
        best, most = ",", (-1, -1)
        for delimiter in DELIMITERS:
            try:
                _, cells = next(self._records(delimiter), (1, []))
            except FileUnreadable:
                continue
            found = (len(expected.intersection(map(plain, cells))), len(cells))
            if found > most:
                best, most = delimiter, found
        return best


class JsonLines:
    """One JSON object a line."""

    format: ImportFormat = "jsonl"
    encoding: str | None = "utf-8"
    delimiter: str | None = None
    is_text = False

    def __init__(self, file: IO[bytes], encoding: str) -> None:
        if encoding != "utf-8":
            raise FileUnreadable("JSON is written in UTF-8, this is not")
        self._file = file
        columns: dict[str, None] = {}
        self.row_count = 0
        for _, cells in self._objects():
            columns.update(dict.fromkeys(cells))
            self.row_count += 1
            if self.row_count > MOST_ROWS:
                raise too_many_rows()
            if len(columns) > MOST_COLUMNS:
                break
        self.columns = tuple(columns)

    def rows(self) -> Lines:
        yield from self._objects()

    def as_written(self) -> Written:
        yield from self._objects()

    def _objects(self) -> Iterator[tuple[int, Cells]]:
        for line, text in enumerate(_text(self._file, "utf-8", "\n"), 1):
            if text.isspace():
                continue
            try:
                found = orjson.loads(text)
            except orjson.JSONDecodeError as error:
                whole = "" if text.endswith("\n") else "; the file may be cut off"
                raise FileUnreadable(f"line {line:,} is not JSON{whole}") from error
            if not isinstance(found, dict):
                raise FileUnreadable(f"line {line:,} is not a JSON object")
            yield line, found

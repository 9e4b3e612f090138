"""Rows into a file, batch by batch; no writer holds more than a batch in memory.

A writer gives bytes as soon as it has some: ``begin`` and ``rows`` while the rows come, ``end`` piece by piece until it
gives none. It runs in threads, one call at a time. ``close`` removes what it left on the disk, whatever happened.
"""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Protocol

import orjson
import pyarrow as pa

from serve.kernel.envelope import dumps
from serve.kernel.errors import Invalid
from serve.kernel.formats import disarm
from serve.kernel.resources.files import ExportFormat
from serve.kernel.resources.files.columns import Column, Kind

PIECE_BYTES = 256 * 1024
Rows = Sequence[Mapping[str, Any]]


class Writer(Protocol):
    def begin(self) -> bytes: ...
    def rows(self, rows: Rows) -> bytes: ...
    def end(self) -> bytes: ...
    def close(self) -> None: ...


def writer_of(kind: ExportFormat, columns: Sequence[Column], *, bom: bool) -> Writer:
    if kind == "csv":
        return CsvWriter(columns, bom=bom)
    if kind == "xlsx":
        return XlsxWriter(columns)
    return JsonLinesWriter() if kind == "jsonl" else ArrowWriter(columns)


class CsvWriter:
    """RFC 4180, UTF-8. Formulas in texts are disarmed, numbers stay numbers, an empty value is an empty cell."""

    def __init__(self, columns: Sequence[Column], *, bom: bool = False) -> None:
        self._names = [column.name for column in columns]
        self._cells = [(column.name, _CELLS[column.kind]) for column in columns]
        self._bom = bom
        self._text = io.StringIO(newline="")
        self._writer = csv.writer(self._text)

    def begin(self) -> bytes:
        self._writer.writerow(self._names)
        return ("\ufeff" if self._bom else "").encode() + self._taken()

    def rows(self, rows: Rows) -> bytes:
        self._writer.writerows(
            [None if (value := row[name]) is None else cell(value) for name, cell in self._cells]
            for row in rows
        )
        return self._taken()

    def end(self) -> bytes:
        return b""

    def close(self) -> None:
        self._text.close()

    def _taken(self) -> bytes:
        written = self._text.getvalue().encode()
        self._text.seek(0)
        self._text.truncate()
        return written


def json_text(value: Any) -> str:
    return orjson.dumps(value).decode()


def moment_text(value: datetime) -> str:
    """RFC 3339 with Z; the database gives UTC."""
    return value.isoformat().replace("+00:00", "Z")


def _as_it_is(value: Any) -> Any:
    return value


_CELLS: dict[Kind, Callable[[Any], Any]] = {
    "text": lambda value: disarm(str(value)),
    "integer": _as_it_is,
    "number": _as_it_is,
    "boolean": lambda value: "true" if value else "false",
    "date": date.isoformat,
    "moment": moment_text,
    "words": lambda value: disarm("; ".join(value)),
    "json": json_text,
}


class JsonLinesWriter:
    """One JSON object a line, as in the JSON answers."""

    def begin(self) -> bytes:
        return b""

    def rows(self, rows: Rows) -> bytes:
        return b"".join(dumps(dict(row)) + b"\n" for row in rows)

    def end(self) -> bytes:
        return b""

    def close(self) -> None:
        pass


class ArrowWriter:
    """An Arrow IPC stream, a record batch for each batch; JSON travels as text."""

    def __init__(self, columns: Sequence[Column]) -> None:
        self._columns = columns
        self._schema = pa.schema([(column.name, _ARROW[column.kind]) for column in columns])
        self._sink = io.BytesIO()
        self._stream = pa.ipc.new_stream(self._sink, self._schema)
        self._is_open = True

    def begin(self) -> bytes:
        return self._taken()

    def rows(self, rows: Rows) -> bytes:
        arrays = [
            pa.array([_in_arrow(row[column.name], column.kind) for row in rows], type=field.type)
            for column, field in zip(self._columns, self._schema, strict=True)
        ]
        self._stream.write_batch(pa.record_batch(arrays, schema=self._schema))
        return self._taken()

    def end(self) -> bytes:
        self.close()
        return self._taken()

    def close(self) -> None:
        if self._is_open:
            self._stream.close()
            self._is_open = False

    def _taken(self) -> bytes:
        written = self._sink.getvalue()
        self._sink.seek(0)
        self._sink.truncate()
        return written


_ARROW: dict[Kind, Any] = {
    "text": pa.string(),
    "integer": pa.int64(),
    "number": pa.float64(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
    "moment": pa.timestamp("us", tz="UTC"),
    "words": pa.list_(pa.string()),
    "json": pa.string(),
}


def _in_arrow(value: Any, kind: Kind) -> Any:
    if value is None:
        return None
    if kind == "json":
        return json_text(value)
    if kind == "number":
        return float(value)
    return str(value) if kind == "text" else value


class TooLongForXlsx(Invalid):
    code, message = "TOO_LONG_FOR_XLSX", "A cell of an XLSX file holds 32,767 characters at most."


class XlsxWriter:
    """A workbook, built on the disk and given in the end. After a million rows comes another sheet.

    Cells are typed: a text is never a formula. Moments are texts (Excel knows no zones), and so are integers that a
    floating number, which is all that Excel has, does not hold. Numbers keep 16 digits.
    """

    LAST_ROW = 1_048_575
    LONGEST_TEXT = 32_767
    EXACT_INTEGER = 2**53

    def __init__(self, columns: Sequence[Column]) -> None:
        import xlsxwriter  # type: ignore[import-untyped]  # only who asks for a workbook pays for it

        self._columns = columns
        self._folder = tempfile.TemporaryDirectory(prefix="throughline-export-", ignore_cleanup_errors=True)
        self._file = tempfile.TemporaryFile(dir=self._folder.name)  # noqa: SIM115  # closed in close()
        self._book = xlsxwriter.Workbook(
            self._file,
            {"constant_memory": True, "tmpdir": self._folder.name, "nan_inf_to_errors": True},
        )
        self._bold = self._book.add_format({"bold": True})
        self._day = self._book.add_format({"num_format": "yyyy-mm-dd"})
        self._is_open = True
        self._line = 0

    def begin(self) -> bytes:
        self._add_sheet()
        return b""

    def rows(self, rows: Rows) -> bytes:
        for row in rows:
            if self._line == self.LAST_ROW:
                self._add_sheet()
            self._line += 1
            for place, column in enumerate(self._columns):
                value = row[column.name]
                if value is not None:
                    self._write(self._line, place, value, column)
        return b""

    def end(self) -> bytes:
        if self._is_open:
            self._is_open = False
            self._book.close()
            self._file.seek(0)
        return self._file.read(PIECE_BYTES)

    def close(self) -> None:
        self._file.close()
        for sheet in self._book.worksheets():
            if handle := getattr(sheet, "row_data_fh", None):
                handle.close()
        self._folder.cleanup()

    def _add_sheet(self) -> None:
        self._sheet = self._book.add_worksheet()
        self._sheet.freeze_panes(1, 0)
        self._line = 0
        for place, column in enumerate(self._columns):
            self._sheet.write_string(0, place, column.name, self._bold)

    def _write(self, line: int, place: int, value: Any, column: Column) -> None:
        kind = column.kind
        if kind == "boolean":
            self._sheet.write_boolean(line, place, value)
        elif kind == "number" or (kind == "integer" and abs(value) <= self.EXACT_INTEGER):
            self._sheet.write_number(line, place, value)
        elif kind == "date" and value.year >= 1901:  # days before 1900 have no number in Excel
            self._sheet.write_datetime(line, place, value, self._day)
        else:
            text = _text(value, kind)
            if len(text) > self.LONGEST_TEXT:
                raise TooLongForXlsx(
                    details=[
                        (column.name, f"has {len(text):,} characters in row {line}: take another format")
                    ]
                )
            self._sheet.write_string(line, place, text)


def _text(value: Any, kind: Kind) -> str:
    if kind == "json":
        return json_text(value)
    if kind == "moment":
        return moment_text(value)
    if kind == "words":
        return "; ".join(value)
    return value.isoformat() if kind == "date" else str(value)

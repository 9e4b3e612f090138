"""The first sheet of an XLSX file, looked through before a parser gets to see it.

A few kilobytes can claim to be gigabytes: by compression, or by one cell in the far corner of a sheet, for which the
parser would make room for all the cells before it.
"""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Iterator
from typing import IO, Any

from serve.kernel.errors import Invalid
from serve.kernel.resources.files import ImportFormat
from serve.kernel.resources.files.limits import (
    MOST_COLUMNS,
    MOST_ROWS,
    MOST_UNPACKED_BYTES,
    FileTypeUnknown,
    FileUnreadable,
    header,
    too_many_rows,
)

MOST_PARTS = 1000
_CHUNK = 1 << 20
_LONGEST_PLACE = 64
_PLACE = re.compile(rb"""\sr\s*=\s*["']([A-Z]{1,3})([0-9]{1,9})["']""")


class Workbook:
    format: ImportFormat = "xlsx"
    encoding: str | None = None
    delimiter: str | None = None
    is_text = True

    def __init__(self, file: IO[bytes]) -> None:
        """Raises FileUnreadable or FileTypeUnknown."""
        self._file = file
        _look_through(file)
        self.columns: tuple[str, ...] = ()
        self.row_count = 0
        for _, cells in self._records():
            if not self.columns:
                self.columns = header([cell or "" for cell in cells])
            else:
                self.row_count += 1

    def rows(self) -> Iterator[tuple[int, Any]]:
        records = self._records()
        next(records)
        wide = len(self.columns)
        for line, cells in records:
            if any(cell for cell in cells[wide:]):
                yield (
                    line,
                    Invalid(f"It has cells where the header has none: only {wide} columns have names."),
                )
            else:
                yield line, dict(zip(self.columns, cells, strict=False))

    def as_written(self) -> Iterator[tuple[int, Any]]:
        records = self._records()
        next(records)
        yield from records

    def _records(self) -> Iterator[tuple[int, list[str | None]]]:
        """(row, cells as text) of what is not blank."""
        import fastexcel

        self._file.seek(0)
        try:
            sheet = fastexcel.read_excel(self._file.read()).load_sheet(0, header_row=None, dtypes="string")
            batch = sheet.to_arrow()
        except (fastexcel.FastExcelError, ValueError) as error:
            raise FileUnreadable("is no whole workbook; it may be cut off") from error
        # Blank rows before the first one are left out by the parser, which says how many rows there are in all.
        first = 1 + sheet.total_height - batch.num_rows
        for start in range(0, batch.num_rows, 1000):
            part = batch.slice(start, 1000)
            for place, cells in enumerate(zip(*(column.to_pylist() for column in part.columns), strict=True)):
                if any(cell and cell.strip() for cell in cells):
                    yield first + start + place, list(cells)


def _look_through(file: IO[bytes]) -> None:
    try:
        with zipfile.ZipFile(file) as parts:
            names = set(parts.namelist())
            if not {"[Content_Types].xml", "xl/workbook.xml"} <= names:
                raise FileTypeUnknown("is a ZIP archive that is no XLSX workbook")
            if len(parts.infolist()) > MOST_PARTS:
                raise FileUnreadable(f"has more than {MOST_PARTS:,} parts")
            size = 0
            for part in parts.infolist():
                is_sheet = part.filename.startswith("xl/worksheets/")
                last = b""
                for chunk in _unpacked(parts, part):
                    size += len(chunk)
                    if size > MOST_UNPACKED_BYTES:
                        raise FileUnreadable(f"is more than {MOST_UNPACKED_BYTES // 2**20} MB when unpacked")
                    if is_sheet:
                        text = last + chunk
                        _check_places(text)
                        last = text[-_LONGEST_PLACE:]
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError) as error:
        raise FileUnreadable("is no whole workbook; it may be cut off") from error


def _unpacked(parts: zipfile.ZipFile, part: zipfile.ZipInfo) -> Iterator[bytes]:
    """All that is really packed there, whatever size the archive says that it has."""
    part.file_size = 2**62
    with parts.open(part) as packed:
        while chunk := packed.read(_CHUNK):
            yield chunk


def _check_places(text: bytes) -> None:
    for letters, number in _PLACE.findall(text):
        column = 0
        for letter in letters:
            column = column * 26 + letter - 64
        if column > MOST_COLUMNS:
            raise FileUnreadable(
                f"has more than {MOST_COLUMNS} columns: there is a cell in {letters.decode()}"
            )
        if int(number) > MOST_ROWS + 1:
            raise too_many_rows()

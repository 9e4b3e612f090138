"""The rejected rows of a file as a file that can be mended and sent again: theirs, with what is wrong with each."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Mapping, Sequence
from typing import IO, Any

import orjson

from serve.kernel.formats import disarm
from serve.kernel.resources.files.readers import Table

COLUMN = "import_error"
"""Where it is said; no import takes it for a field."""


def write_rejects(table: Table, reasons: Mapping[int, str], out: IO[bytes]) -> None:
    """The rows of ``table`` whose lines have ``reasons``. Blocks.

    JSON lines stay JSON lines. Everything else becomes CSV, in UTF-8 with the mark that Excel looks for and between the
    cells what was there before. The reason comes first: so it stands in its place in a row with too many cells, too.
    """
    if table.format == "jsonl":
        for line, found in table.as_written():
            if line in reasons:
                assert isinstance(found, dict)
                kept = {name: value for name, value in found.items() if name != COLUMN}
                out.write(orjson.dumps({COLUMN: reasons[line], **kept}) + b"\n")
        return
    text = io.TextIOWrapper(out, encoding="utf-8", newline="", write_through=True)
    writer = csv.writer(text, delimiter=table.delimiter or ",")
    # A file that was mended and sent again has the column already.
    before = table.columns.index(COLUMN) if COLUMN in table.columns else None
    out.write(codecs.BOM_UTF8)
    writer.writerow([COLUMN, *_cells(table.columns, before)])
    for line, cells in table.as_written():
        if line in reasons:
            assert isinstance(cells, list)
            writer.writerow([disarm(reasons[line]), *_cells(cells, before)])
    text.detach()


def reason(line: int, mistakes: Sequence[Mapping[str, Any]]) -> str:
    """What is wrong with a row, in words.

    >>> reason(7, [{"column": "E-Mail", "field": "email", "message": "is not an address"}])
    'line 7: E-Mail: is not an address'
    """
    said = [
        f"{where}: {mistake['message']}"
        if (where := mistake["column"] or mistake["field"])
        else mistake["message"]
        for mistake in mistakes
    ]
    return f"line {line}: {'; '.join(said)}"


def _cells(cells: Sequence[str | None], without: int | None) -> list[str]:
    return [disarm(cell or "") for place, cell in enumerate(cells) if place != without]

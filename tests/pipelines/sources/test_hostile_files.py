"""Files as they really come: each kind of trouble gets a clear word and harms nothing else."""

from __future__ import annotations

import gzip
import io
import json
import os
import re
import zipfile
from datetime import datetime
from pathlib import Path

import duckdb
import polars as pl
import pytest

from pipelines.sources import readers
from pipelines.sources.lines import LINE_BYTES
from pipelines.sources.problems import SourceFileError
from pipelines.sources.profile import Input, parse_profile
from tests.pipelines.sources.shop import HEADER, ROWS, SHOP

GOOD = HEADER + ROWS
LONG = HEADER + "".join(f"{n},Anna,2026-01-02 10:00,{n}.25\n" for n in range(1, 60_000))


def workbook(sheet: str = "Orders") -> bytes:
    buffer = io.BytesIO()
    frame = pl.read_csv(GOOD.encode(), infer_schema_length=0)
    cells = [frame.columns, *frame.rows()]
    rows = "".join(
        "<row>" + "".join(f'<c t="inlineStr"><is><t>{cell}</t></is></c>' for cell in row) + "</row>"
        for row in cells
    )
    namespace = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    relations = "http://schemas.openxmlformats.org/package/2006/relationships"
    kinds = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    with zipfile.ZipFile(buffer, "w") as book:
        book.writestr(
            "[Content_Types].xml",
            '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
            '<Default Extension="xml" ContentType="application/xml"/></Types>',
        )
        book.writestr(
            "_rels/.rels",
            f'<Relationships xmlns="{relations}"><Relationship Id="r" Type="{kinds}/officeDocument"'
            ' Target="xl/workbook.xml"/></Relationships>',
        )
        book.writestr(
            "xl/workbook.xml",
            f'<workbook {namespace} xmlns:r="{kinds}"><sheets><sheet name="{sheet}" sheetId="1" r:id="s"/></sheets>'
            "</workbook>",
        )
        book.writestr(
            "xl/_rels/workbook.xml.rels",
            f'<Relationships xmlns="{relations}"><Relationship Id="s" Type="{kinds}/worksheet"'
            ' Target="worksheets/sheet1.xml"/></Relationships>',
        )
        book.writestr(
            "xl/worksheets/sheet1.xml", f"<worksheet {namespace}><sheetData>{rows}</sheetData></worksheet>"
        )
    return buffer.getvalue()


def parquet() -> bytes:
    buffer = io.BytesIO()
    pl.read_csv(GOOD.encode()).write_parquet(buffer)
    return buffer.getvalue()


def jsonl() -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in pl.read_csv(GOOD.encode()).to_dicts())


REFUSED = {
    "wrong delimiter": (
        "orders.csv",
        GOOD.replace(",", ";"),
        r"line 1 is not divided by ','.*delimiter: ';'",
    ),
    "bad encoding": (
        "orders.csv",
        (HEADER + "1,Anna,2026-01-02,1\n2,Jörg,2026-01-02,1\n").encode("cp1252"),
        r"line 3 is not utf-8: byte 0xf6.*cp1252",
    ),
    "another encoding's mark": (
        "orders.csv",
        GOOD.encode("utf-16"),
        r"byte-order mark of utf-16.*encoding: utf-16",
    ),
    "NUL bytes": ("orders.csv", GOOD.encode("utf-16-le"), r"line 1 holds a NUL byte.*utf-16"),
    "empty": ("orders.csv", b"", r"empty \(0 bytes\)"),
    "header only": ("orders.csv", HEADER, r"a header but no rows"),
    "empty gzip": ("orders.csv.gz", gzip.compress(b""), r"empty once it is unzipped"),
    "truncated gzip": ("orders.csv.gz", gzip.compress(LONG.encode())[:-2000], r"cut off after [\d,]+ bytes"),
    "damaged gzip": (
        "orders.csv.gz",
        gzip.compress(LONG.encode())[:-8] + b"\0" * 8,
        r"the gzip file is damaged after [\d,]+ bytes of text \(CRC",
    ),
    "not gzip": ("orders.csv.gz", GOOD, r"its name says gzip, but it is not"),
    "a workbook named csv": ("orders.csv", workbook(), r"it is a zip archive or a workbook"),
    "cut line": ("orders.csv", GOOD + "4,Dora,2026", r"line 5 has 3 fields where the header has 4.*cut off"),
    "stray delimiter": (
        "orders.csv",
        GOOD + "4,Do,ra,2026-01-01,1\n",
        r"line 5 has 5 fields where the header has 4",
    ),
    "open quote": (
        "orders.csv",
        GOOD + '4,"Dora,2026-01-01,1\n',
        r"line 5: a quotation mark is opened and not",
    ),
    "endless line": (
        "orders.csv",
        HEADER + '1,"' + "x" * (LINE_BYTES + 10) + '",2026-01-01,1\n',
        r"line 2 is longer than 1,024 KiB.*quotation mark",
    ),
    "endless line over several chunks": (
        "orders.csv",
        HEADER + ROWS + "4," + "x" * (3 * LINE_BYTES),
        r"line 5 is longer than",
    ),
    "missing column": (
        "orders.csv",
        GOOD.replace("price", "preis"),
        r"it has no column price; it has number, cust",
    ),
    "column named twice": (
        "orders.csv",
        GOOD.replace("issued", "number"),
        r"line 1 names a column twice: number",
    ),
    "nameless column": (
        "orders.csv",
        GOOD.replace("issued", ""),
        r"line 1 has a column without a name \(number 3\)",
    ),
    "no workbook": ("orders.xlsx", b"PK\x03\x04 nothing of the kind", r"not a readable workbook"),
    "cut workbook": ("orders.xlsx", workbook()[:-100], r"not a readable workbook"),
    "cut Parquet": ("orders.parquet", parquet()[:-10], r"not a readable Parquet file"),
    "garbled Parquet": (
        "orders.parquet",
        parquet()[:40] + b"\xff" * 60 + parquet()[100:],
        r"orders\.parquet",
    ),
    "cut JSONL": ("orders.jsonl", jsonl()[:-20], r"line 3 is not JSON.*cut off"),
    "JSONL of lists": ("orders.jsonl", b"[1, 2]\n[3, 4]\n", r"line 1 is JSON but not an object"),
    "unknown kind": ("orders.docx", b"x", r"unknown kind of file '\.docx'.*Known: .*\.csv"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_a_broken_file_is_refused_in_clear_words_and_harms_no_other(additions, kind):
    name, content, message = REFUSED[kind]
    additions.put(GOOD, "orders-good.csv")
    additions.put(content, name)
    report = additions.ingest()
    (refused,) = report.rejected
    assert re.search(message, refused.problem, re.DOTALL), refused.problem
    assert refused.problem.startswith(f"{name}: ")
    assert refused.path.name == name
    assert additions.numbers == ["1", "2", "3"]
    assert not (additions.home.root / "reading").exists()


TAKEN = {
    "csv": ("orders.csv", GOOD),
    "no newline at the end": ("orders.csv", GOOD.rstrip("\n")),
    "windows line ends": ("orders.csv", GOOD.replace("\n", "\r\n")),
    "blank lines": ("orders.csv", GOOD + "\n\n"),
    "gzip": ("orders.csv.gz", gzip.compress(GOOD.encode())),
    "two gzip members": ("orders.csv.gz", gzip.compress(HEADER.encode()) + gzip.compress(ROWS.encode())),
    "gzip without its suffix": ("orders.csv", gzip.compress(GOOD.encode())),
    "byte-order mark": ("orders.csv", b"\xef\xbb\xbf" + GOOD.encode()),
    "parquet": ("orders.parquet", parquet()),
    "jsonl": ("orders.jsonl", jsonl()),
    "xlsx": ("orders.xlsx", workbook()),
}


@pytest.mark.parametrize("kind", TAKEN)
def test_every_format_gives_the_same_rows(shop, kind):
    name, content = TAKEN[kind]
    shop.put(content, name)
    report = shop.ingest()
    assert report.rejected == ()
    assert shop.rows(
        "select number, account_id is null, net_cents, issued_at from invoices order by number"
    ) == [
        ("1", False, 250, datetime.fromisoformat("2026-01-02T09:00:00+00:00")),
        ("2", False, 1999, datetime.fromisoformat("2026-07-02T08:00:00+00:00")),
        ("3", True, 500, datetime.fromisoformat("2026-07-03T21:30:00+00:00")),
    ]


def test_a_byte_order_mark_is_told(shop):
    shop.put(b"\xef\xbb\xbf" + GOOD.encode())
    (file,) = shop.ingest().files
    assert file.notes == ("begins with a byte-order mark, which was left out",)


def test_mixed_types_and_duplicate_keys_cost_their_rows_only(shop):
    shop.put(
        GOOD
        + "4,Dora,yesterday,1.00\n5,Emil,2026-01-01 10:00,free\n1,Anna,2026-09-09 10:00,7.00\n6,Fritz,,\n"
    )
    (invoices,) = [table for table in shop.ingest().tables if table.table == "invoices"]
    assert (invoices.rows_read, invoices.rows_landed, invoices.rows_quarantined) == (7, 3, 4)
    assert dict(invoices.reasons) == {
        "issued_at: cannot be read as timestamptz": 1,
        "net_cents: cannot be read as bigint": 1,
        "total_cents: cannot be read as bigint": 1,
        "duplicate key: id": 1,
        "issued_at: missing": 1,
        "net_cents: missing": 1,
        "total_cents: missing": 1,
    }
    assert shop.rows("select net_cents from invoices where number = '1'") == [(250,)]


def test_a_quarantined_row_says_which_line_it_was(shop):
    shop.put(GOOD + "4,Dora,yesterday,1.00\n")
    shop.ingest()
    (part,) = shop.home.quarantine.rglob("*.parquet")
    row = pl.read_parquet(part).to_dicts()[0]
    assert (row["_file"], row["_row"], row["issued_at"]) == ("orders.csv", 4, "yesterday")


@pytest.mark.parametrize("change", ["appended", "replaced", "gone"])
def test_a_file_that_changes_while_it_is_read_is_left_for_the_next_time(shop, monkeypatch, change):
    path = shop.put(GOOD)
    copy_text = readers.copy_text

    def meanwhile(source: Path, target: Path, encoding: str) -> list[str]:
        notes = copy_text(source, target, encoding)
        if change == "appended":
            with source.open("a") as file:
                file.write("4,Dora,2026-01-01,1\n")
        elif change == "replaced":
            os.replace(shop.put(GOOD, "new"), source)
        else:
            source.unlink()
        return notes

    monkeypatch.setattr(readers, "copy_text", meanwhile)
    (file,) = shop.ingest().files
    assert (file.state, shop.loads) == ("waiting", 0)
    assert "changed while it was being read" in file.problem
    monkeypatch.undo()
    if change != "gone":
        assert shop.ingest().files[0].state == "read"
        assert path.exists()


def test_a_file_in_the_wrong_sheet_names_the_sheets(tmp_path):
    path = tmp_path / "book.xlsx"
    path.write_bytes(workbook("Orders"))
    with pytest.raises(SourceFileError, match="no sheet 'Sales' but Orders"):
        readers.read(
            duckdb.connect(), path, readers.look(path), Input("x", ("*",), sheet="Sales"), [], tmp_path
        )


def test_encodings_are_read_when_the_profile_says_so(shop):
    text = (SHOP % {"delivery": "complete"}).replace("missing: [n/a]", "encoding: cp1252, delimiter: ';'")
    shop.profile = parse_profile("shop", text)
    shop.put((HEADER + "1,Jörg,2026-01-02 10:00,1\n").replace(",", ";").encode("cp1252"))
    shop.ingest()
    assert shop.rows("select company_name from accounts") == [("Jörg",)]

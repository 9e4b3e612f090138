"""Files as people have them, and files that do harm: told apart by their content, refused with a reason."""

from __future__ import annotations

import io
import zipfile
from uuid import uuid4

import pytest
import xlsxwriter

from serve.kernel.resources import import_runs
from tests.serve.resources.sending import CONTACTS, counts, finished, refused, send, taken_in, workbook


class TestTexts:
    @pytest.mark.parametrize(
        ("content", "encoding"),
        [
            ("\ufefffull_name\nMüller{}\n".encode(), "utf-8"),
            ("full_name\r\nMüller{}\r\n".encode(), "utf-8"),
            ("full_name\nMüller{}\n".encode("cp1252"), "windows-1252"),
            ("full_name\tphone\nMüller{}\t\n".encode(), "utf-8"),
            ("full_name|phone\nMüller{}|\n".encode(), "utf-8"),
            ("\n\nfull_name;phone;\nMüller{};;\n".encode(), "utf-8"),
            (b'{"fullName": "M\\u00fcller{}"}\n\n', "utf-8"),
        ],
    )
    def test_the_usual_ways_to_write_it(self, firm, content, encoding):
        mark = uuid4().hex
        state = taken_in(firm, content.replace(b"{}", mark.encode()))
        assert (state["encoding"], state["errors"]) == (encoding, [])
        assert firm.sql("select count(*) from contacts where full_name = %s", f"Müller{mark}") == [(1,)]

    def test_a_workbook_as_people_make_it(self, firm):
        content = workbook(
            ["Full Name", "phone", "consent_email"], ["Ada W.", 4930901820, True], [], ["Bea W.", "", "no"]
        )
        state = taken_in(firm, content)
        assert (state["errors"], state["row_count"], state["format"]) == ([], 2, "xlsx")
        found = firm.sql("select full_name, phone, consent_email from contacts where full_name like '% W.'")
        assert sorted(found) == [("Ada W.", "4930901820", True), ("Bea W.", None, False)]

    @pytest.mark.parametrize(
        ("content", "code", "said"),
        [
            (b"", "FILE_UNREADABLE", "is empty"),
            (b" \n\n ", "FILE_UNREADABLE", "is empty"),
            (b"full_name\n", "FILE_UNREADABLE", "has no rows"),
            (b"full_name,full_name\na,b\n", "FILE_UNREADABLE", "more than once: full_name"),
            (b"full_name,,email\na,b,c\n", "FILE_UNREADABLE", "column 2 has no name"),
            (b'full_name,email\na,"b\n', "FILE_UNREADABLE", "cut off inside quotes"),
            (b'full_name\na\n"b"c\n', "FILE_UNREADABLE", "line 3"),
            (b"full_name\nM\xc3\xbcller\nM\xfcller\n", "FILE_UNREADABLE", "byte 20"),
            (b"full_name\nM\xc3\xbcller\nM\xc3", "FILE_UNREADABLE", "cut off in the middle of a letter"),
            (b"full_name\nM\x81ller\n", "FILE_UNREADABLE", "neither UTF-8 nor Windows-1252"),
            (
                b'{"full_name": "Ada"}\n{"full_name": "B',
                "FILE_UNREADABLE",
                "line 2 is not JSON; the file may",
            ),
            (b'{"full_name": "Ada"}\n[1]\n', "FILE_UNREADABLE", "line 2 is not a JSON object"),
            (b"full_name:email\na:b\n", "UNKNOWN_COLUMNS", "full_name:email"),
            (b"full_name,shoe\na,b\n", "UNKNOWN_COLUMNS", "that are no fields: shoe; it has full_name, shoe"),
            (b"full_name,fullName\na,b\n", "UNKNOWN_COLUMNS", "several columns are the field 'full_name'"),
            (b"phone\n1\n", "UNKNOWN_COLUMNS", "has no column for full_name"),
        ],
    )
    def test_a_file_that_does_not_fit_is_refused_as_a_whole(self, firm, content, code, said):
        look = "select (select count(*) from contacts), (select count(*) from imports)"
        before = firm.sql(look)
        assert said in refused(send(firm.client(), content), 422, code)
        assert firm.sql(look) == before

    @pytest.mark.parametrize(
        ("content", "said"),
        [
            ("full_name\nAda\n".encode("utf-16"), "UTF-16"),
            (b"\xd0\xcf\x11\xe0old", "save it as .xlsx"),
            (b"\x1f\x8b\x08packed", "compressed"),
            (b"\x89PNG\r\n\0\0", "no text"),
            (b"<html></html>", "XML or HTML"),
            (b'[{"full_name": "Ada"}]', "one object a line"),
            (b"PAR1....", "Parquet"),
        ],
    )
    def test_other_files_are_told_by_their_content(self, firm, content, said):
        assert said in refused(send(firm.client(), content, name="rows.csv"), 415, "FILE_TYPE_UNKNOWN")

    def test_unknown_columns_can_be_ignored(self, firm):
        state = taken_in(firm, "full_name,shoe\na,b\n", unknown_columns="ignore")
        assert (state["ignored_columns"], counts(state)) == (["shoe"], {"done": 1, "created": 1})

    @pytest.mark.parametrize(
        ("mapping", "field"),
        [
            ('{"nothing": "email"}', "mapping.nothing"),
            ('{"full_name": "password"}', "mapping.full_name"),
            ('{"full_name": "created_at"}', "mapping.full_name"),
            ("{", "mapping"),
            ("[1]", "mapping"),
        ],
    )
    def test_a_mapping_that_does_not_fit(self, firm, mapping, field):
        response = send(firm.client(), "full_name\nAda\n", mapping=mapping)
        assert response.status_code == 422
        assert response.json()["error"]["details"][0]["field"] == field


class TestBombs:
    @pytest.mark.parametrize(
        ("row", "column", "said"),
        [
            (1_048_575, 16_383, "more than 500 columns: there is a cell in XFD"),
            (1_000_000, 0, "more than 100,000 rows"),
        ],
    )
    def test_a_cell_far_out(self, firm, row, column, said):
        made = io.BytesIO()
        with xlsxwriter.Workbook(made) as book:
            sheet = book.add_worksheet()
            sheet.write(0, 0, "full_name")
            sheet.write(row, column, "far")
        assert said in refused(send(firm.client(), made.getvalue()), 422, "FILE_UNREADABLE")

    @pytest.mark.parametrize("lies", [False, True])
    def test_megabytes_of_nothing(self, firm, lies):
        made = io.BytesIO(workbook(["full_name"], ["Ada"]))
        with zipfile.ZipFile(made, "a", zipfile.ZIP_DEFLATED) as parts:
            parts.writestr("xl/media/nothing.bin", bytes(220 * 2**20))
        content = made.getvalue()
        if lies:  # about its size, in both places where a ZIP says it
            content = content.replace((220 * 2**20).to_bytes(4, "little"), (1000).to_bytes(4, "little"))
        assert "MB when unpacked" in refused(send(firm.client(), content), 422, "FILE_UNREADABLE")

    def test_other_archives_and_broken_ones(self, firm):
        made = io.BytesIO()
        with zipfile.ZipFile(made, "w") as parts:
            parts.writestr("rows.csv", "full_name\nAda\n")
        said = refused(send(firm.client(), made.getvalue()), 415, "FILE_TYPE_UNKNOWN")
        assert "no XLSX workbook" in said
        whole = workbook(["full_name"], ["Ada"])
        for length in (100, len(whole) // 2, len(whole) - 10):
            said = refused(send(firm.client(), whole[:length]), 422, "FILE_UNREADABLE")
            assert "may be cut off" in said

    def test_too_many_rows(self, firm):
        said = refused(send(firm.client(), "full_name\n" + "a\n" * 100_001), 422, "FILE_UNREADABLE")
        assert "more than 100,000 rows" in said

    def test_too_many_bytes(self, firm):
        manners = firm.running.app.state.manners
        usual, manners.max_upload_bytes = manners.max_upload_bytes, 10_000
        try:
            response = send(firm.client(), "full_name\n" + "a\n" * 10_000)
        finally:
            manners.max_upload_bytes = usual
        assert (response.status_code, response.json()["error"]["code"]) == (413, "BODY_TOO_LARGE")

    def test_too_many_at_once(self, firm, monkeypatch):
        monkeypatch.setattr(import_runs, "MOST_WAITING", 1)
        first = send(firm.client(), "full_name\nAda\n")
        response = send(firm.client(), "full_name\nAda\n")
        assert (response.status_code, response.json()["error"]["code"]) == (429, "TOO_MANY_IMPORTS")
        assert finished(firm, first)["status"] == "done"


class TestForm:
    def test_what_is_missing_or_too_much_is_named(self, firm):
        owner = firm.client()
        for response, field in (
            (owner.post(f"{CONTACTS}/import", data={"mode": "create"}), "file"),
            (owner.post(f"{CONTACTS}/import", data={"file": "text"}), "file"),
            (send(owner, "full_name\nAda\n", mode="replace"), "mode"),
            (send(owner, "full_name\nAda\n", colour="red"), "colour"),
        ):
            assert response.status_code == 422
            assert response.json()["error"]["details"][0]["field"] == field

    def test_a_form_that_cannot_be_read(self, firm):
        kind = {"content-type": "multipart/form-data; boundary=x"}
        response = firm.client().post(f"{CONTACTS}/import", content=b"rubbish", headers=kind)
        assert (response.status_code, response.json()["error"]["code"]) == (400, "MALFORMED")

    def test_openapi_shows_the_form(self, firm):
        document = firm.running.app.openapi()
        operation = document["paths"][f"{CONTACTS}/import"]["post"]
        form = operation["requestBody"]["content"]["multipart/form-data"]
        kinds = "text/csv, application/vnd.openxmlformats-officedocument.spreadsheetml.sheet, application/x-ndjson"
        assert form["encoding"]["file"] == {"contentType": kinds}
        fields = document["components"]["schemas"][form["schema"]["$ref"].rpartition("/")[2]]
        assert fields["required"] == ["file"]
        assert set(fields["properties"]) == {
            "file",
            "mapping",
            "mode",
            "dry_run",
            "defaults",
            "unknown_columns",
        }

"""A list as a file: complete, in order, harmless in a spreadsheet, and without holding on to a connection."""

from __future__ import annotations

import csv
import io
import json
import socket
import string
from datetime import UTC, date, datetime

import fastexcel
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from serve.kernel.formats import disarm, rearm
from serve.kernel.resources.files.columns import Column
from serve.kernel.resources.files.writers import CsvWriter

ACCOUNTS, VEHICLES = "/api/v1/accounts", "/api/v1/vehicles"
EXPORT = f"{ACCOUNTS}/export"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MANY = 20_000


@pytest.fixture(scope="module")
def some(firm):
    """Seven accounts of A, one of them deleted, and one of B."""
    owner = firm.client()
    ids = []
    for number in range(7):
        body = {
            "name": ("=cmd()", 'Müller, "Söhne"\nKiel', "+49", "'=quoted", "plain", "last", "gone")[number],
            "country": "DE",
            "external_id": f"e{number}",
            "city": None if number == 4 else ("Kiel", "Bremen")[number % 2],
            "since_date": f"2025-01-0{number + 1}",
            "attributes": {"vip": True, "note": "a,b"} if number == 0 else {},
        }
        response = owner.post(ACCOUNTS, json=body)
        assert response.status_code == 201
        ids.append(response.json()["data"]["id"])
    owner.delete(f"{ACCOUNTS}/{ids[-1]}")
    firm.client(tenant=firm.b).post(ACCOUNTS, json={"name": "Fremd", "country": "DE"})
    return owner


@pytest.fixture(scope="module")
def many(firm):
    """Twenty thousand accounts of the umbrella."""
    firm.sql(
        "insert into accounts (tenant_id, kind, name, segment, country, attributes)"
        " select %s, 'company', 'Firma ' || n, 'smb', 'DE', jsonb_build_object('n', n, 'text', repeat('x', 200))"
        " from generate_series(1, %s) n",
        firm.umbrella,
        MANY,
    )
    return firm.client(tenant=firm.umbrella)


def listed(owner, **asked) -> list[dict]:
    return owner.get(ACCOUNTS, params={"per_page": 100, **asked}).json()["data"]


class TestFormats:
    def test_csv_is_the_list(self, some):
        response = some.get(EXPORT)
        assert response.headers["content-type"] == "text/csv; charset=utf-8"
        assert response.headers["x-total-count"] == "6"
        today = datetime.now(UTC).date().isoformat()
        assert response.headers["content-disposition"] == f'attachment; filename="accounts-{today}.csv"'
        assert response.content.count(b"\r\n") == 7
        rows = list(csv.DictReader(io.StringIO(response.text, newline="")))
        expected = listed(some)
        assert list(rows[0]) == list(expected[0])
        for row, there in zip(rows, expected, strict=True):
            for name, cell in row.items():
                value = there[name]
                text = "" if value is None or name == "tags" else value  # lists of words: test_tags.py
                text = text if isinstance(text, str) else json.dumps(text)
                assert rearm(cell).replace(" ", "") == text.replace(" ", ""), name
        assert {row["name"] for row in rows} >= {"'=cmd()", "'+49", "''=quoted", "plain"}

    def test_json_lines_are_the_list(self, some):
        response = some.get(EXPORT, headers={"Accept": "application/x-ndjson"})
        assert response.headers["content-type"] == "application/x-ndjson"
        assert [json.loads(line) for line in response.text.splitlines()] == listed(some)

    def test_arrow_is_the_list(self, some):
        response = some.get(EXPORT, params={"format": "arrow"})
        table = pa.ipc.open_stream(response.content).read_all()
        expected = listed(some)
        assert table.column_names == list(expected[0])
        assert table.schema.field("since_date").type == pa.date32()
        for row, there in zip(table.to_pylist(), expected, strict=True):
            assert row["since_date"] == date.fromisoformat(there["since_date"])
            assert json.loads(row["attributes"]) == there["attributes"]
            assert (row["id"], row["name"], row["city"]) == (there["id"], there["name"], there["city"])

    def test_a_workbook_is_the_list(self, some):
        response = some.get(EXPORT, headers={"Accept": XLSX})
        assert response.headers["content-type"] == XLSX
        assert response.headers["content-disposition"].endswith('.xlsx"')
        sheet = fastexcel.read_excel(response.content).load_sheet(0, dtypes={"since_date": "date"})
        expected = listed(some)
        assert [column.name for column in sheet.available_columns()] == list(expected[0])
        for row, there in zip(sheet.to_arrow().to_pylist(), expected, strict=True):
            assert row["name"] == there["name"]  # a text cell is no formula: nothing to disarm
            assert row["since_date"] == date.fromisoformat(there["since_date"])
            assert json.loads(row["attributes"]) == there["attributes"]

    def test_numbers_are_numbers(self, firm):
        owner = firm.client()
        vehicle = {
            "registration": "HB-1",
            "make": "-Opel",
            "model": "X",
            "model_year": 2020,
            "acquired_date": "2020-01-01",
            "acquisition_cost_cents": 10**15,
            "currency": "EUR",
        }
        assert owner.post(VEHICLES, json=vehicle | {"odometer_km": 41.5}).status_code == 201
        asked = {"fields": "make,odometer_km,acquisition_cost_cents"}
        text = owner.get(f"{VEHICLES}/export", params=asked).text
        assert text == "make,odometer_km,acquisition_cost_cents\r\n'-Opel,41.5,1000000000000000\r\n"

    def test_a_mark_for_excel(self, some):
        assert some.get(EXPORT, params={"bom": "true"}).content.startswith(b"\xef\xbb\xbfid,")

    @pytest.mark.parametrize("kind", ["csv", "xlsx", "jsonl", "arrow"])
    def test_nothing_is_a_file_too(self, some, kind):
        response = some.get(EXPORT, params={"format": kind, "city": "Nowhere"})
        assert (response.status_code, response.headers["x-total-count"]) == (200, "0")
        if kind == "csv":
            assert response.text.startswith("id,external_id,")
        elif kind == "arrow":
            assert pa.ipc.open_stream(response.content).read_all().num_rows == 0
        elif kind == "xlsx":
            assert fastexcel.read_excel(response.content).load_sheet(0).height == 0


class TestWhatIsAsked:
    @pytest.mark.parametrize(
        "asked",
        [
            {"city": "Kiel"},
            {"search": "mül"},
            {"sort": "name"},
            {"sort": "-city,name"},
            {"sinceDateStart": "2025-01-03"},
            {"deleted": "true"},
            {"fields": "name,city"},
        ],
    )
    def test_it_is_what_the_list_gives(self, some, asked):
        response = some.get(EXPORT, params={"format": "jsonl", **asked})
        rows = [json.loads(line) for line in response.text.splitlines()]
        assert rows == listed(some, **asked)
        assert rows

    @pytest.mark.parametrize(
        ("asked", "field"),
        [
            ({"format": "pdf"}, "format"),
            ({"page": 2}, "page"),
            ({"sort": "attributes"}, "sort"),
            ({"fields": "password"}, "fields"),
            ({"colour": "red"}, "colour"),
        ],
    )
    def test_what_cannot_be_asked_is_named(self, some, asked, field):
        response = some.get(EXPORT, params=asked)
        assert response.status_code == 422
        assert response.json()["error"]["details"][0]["field"].split("[")[0] == field

    def test_no_other_format(self, some):
        response = some.get(EXPORT, headers={"Accept": "image/png"})
        assert (response.status_code, response.json()["error"]["code"]) == (406, "NOT_ACCEPTABLE")

    def test_who_may_not_read_gets_nothing(self, firm):
        assert firm.client("technician").get(EXPORT).status_code == 403
        assert firm.running.client().get(EXPORT).status_code == 401

    def test_strangers_and_umbrellas(self, firm, some):
        names = lambda client: {  # noqa: E731
            json.loads(line)["name"] for line in client.get(EXPORT, params={"format": "jsonl"}).iter_lines()
        }
        assert names(firm.client(tenant=firm.b)) == {"Fremd"}
        assert "plain" in names(firm.client(tenant=firm.umbrella))


class TestReadsAreNoted:
    def test_personal_columns(self, firm, some):
        before = firm.sql("select count(*) from events where category = 'read'")[0][0]
        some.get(EXPORT, params={"search": "mül", "fields": "name"})
        found = firm.sql(
            "select name, entity_type, after, actor_kind, actor_id from events"
            " where category = 'read' order by position offset %s",
            before,
        )
        ((name, entity, after, kind, actor),) = found
        assert (name, entity, kind) == ("account.exported", "account", "user")
        assert actor == firm.people[firm.a, "owner"]
        assert after == {"format": "csv", "fields": ["name"], "asked": ["fields", "search"]}

    def test_others_are_not(self, firm, some):
        before = firm.sql("select count(*) from events")
        some.get(f"{VEHICLES}/export")
        assert firm.sql("select count(*) from events") == before


class TestStreams:
    def test_all_rows_come(self, many):
        with many.stream("GET", EXPORT, params={"fields": "name", "sort": "name"}) as response:
            assert "x-total-count" not in response.headers
            rows = [line for line in response.iter_lines() if line.startswith("Firma ")]
        assert len(rows) == MANY
        assert rows == sorted(rows)

    def test_a_client_that_goes_away_leaves_the_pool_whole(self, firm, many):
        exports, pool = firm.running.app.state.exports, firm.running.app.state.database._pool
        for _ in range(3 * exports.most):
            with many.stream("GET", EXPORT) as response:
                assert response.status_code == 200
                next(response.iter_bytes())
        while exports.running:  # each notices when it next looks; every look is a request
            assert many.get("/health/live").status_code == 200
        assert pool._opened == len(pool._idle)
        left = firm.sql(
            "select count(*) from pg_stat_activity where datname = current_database()"
            " and usename = 'throughline_api' and state like 'idle in transaction%'"
        )
        assert left == [(0,)]
        assert many.get(ACCOUNTS).status_code == 200

    def test_a_client_that_takes_nothing_is_left(self, firm, many):
        exports = firm.running.app.state.exports
        usual, exports.idle_s = exports.idle_s, 0.2
        try:
            with socket.create_connection(("127.0.0.1", int(firm.running.url.rpartition(":")[2]))) as idle:
                idle.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                token = many.headers["authorization"]
                idle.sendall(
                    f"GET {EXPORT} HTTP/1.1\r\nHost: x\r\nAuthorization: {token}\r\n\r\n".encode("ascii")
                )
                assert idle.recv(15).startswith(b"HTTP/1.1 200")
                while exports.running:
                    assert many.get("/health/live").status_code == 200
        finally:
            exports.idle_s = usual
        assert many.get(EXPORT, params={"fields": "name"}).status_code == 200

    def test_not_too_many_at_once(self, firm, some):
        exports = firm.running.app.state.exports
        exports.running += exports.most
        try:
            response = some.get(EXPORT)
        finally:
            exports.running -= exports.most
        assert (response.status_code, response.json()["error"]["code"]) == (429, "TOO_MANY_EXPORTS")
        assert response.headers["retry-after"] == "5"

    def test_a_cell_too_long_for_a_workbook_is_named(self, firm):
        firm.sql(
            "insert into accounts (tenant_id, kind, name, segment, country, attributes)"
            " values (%s, 'company', 'Long', 'smb', 'DE', jsonb_build_object('text', repeat('x', 40000)))",
            firm.b,
        )
        stranger = firm.client(tenant=firm.b)
        response = stranger.get(EXPORT, params={"format": "xlsx"})
        assert (response.status_code, response.json()["error"]["code"]) == (422, "TOO_LONG_FOR_XLSX")
        assert response.json()["error"]["details"][0]["field"] == "attributes"
        assert stranger.get(EXPORT).status_code == 200


DANGEROUS = tuple("=+-@\t\r")
risky = st.text(alphabet=st.sampled_from("=+-@\t\r\n'\",;a1é ") | st.sampled_from(string.printable))


class TestFormulas:
    @given(text=risky)
    def test_no_cell_begins_like_a_formula_and_nothing_is_lost(self, text):
        columns = [Column("text", "text", True), Column("json", "json", True)]
        writer = CsvWriter(columns)
        written = writer.begin() + writer.rows([{"text": text, "json": {"key": text}}])
        _, (cell, nested) = csv.reader(io.StringIO(written.decode(), newline=""))
        assert not cell.startswith(DANGEROUS)
        assert rearm(cell) == text
        assert json.loads(nested) == {"key": text}

    @given(number=st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False))
    def test_numbers_stay(self, number):
        kind = "integer" if isinstance(number, int) else "number"
        cell = CsvWriter([Column("n", kind, False)]).rows([{"n": number}]).decode().strip()
        assert type(number)(cell) == number

    @given(text=risky)
    def test_arming_undoes_disarming(self, text):
        assert rearm(disarm(text)) == text

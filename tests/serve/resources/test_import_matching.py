"""What becomes of the columns of a file: seen before it is taken in, with other values, among the attributes."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from serve.kernel.resources.files.cells import LONGEST_ATTRIBUTE
from tests.serve.resources.sending import CONTACTS, counts, finished, refused, send, taken_in, workbook

LEADS = "/api/v1/leads"
REAL = Path(__file__).parents[4] / "shared" / "data" / "leads_xeducation" / "Leads.csv"


def preview(client, content, *, path=CONTACTS, **form):
    content = content.encode() if isinstance(content, str) else content
    answer = client.post(f"{path}/import/preview", files={"file": ("p.csv", content)}, data=form)
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


class TestPreview:
    def test_it_shows_columns_suggestions_and_rows_with_their_mistakes(self, firm):
        text = "Full Name;E-Mail Adress;Shoe size;created_at\nAda;ada@example.org;39;x\nBea;nobody;40;x\n;;;\nCy\n"
        look = "select (select count(*) from imports), (select count(*) from contacts), (select count(*) from tasks)"
        before = firm.sql(look)
        shown = preview(firm.client(), text)
        assert (shown["format"], shown["delimiter"], shown["row_count"]) == ("csv", ";", 3)
        assert [
            (each["column"], each["how"], each["field"], each["suggestion"]) for each in shown["columns"]
        ] == [
            ("Full Name", "name", "full_name", None),
            ("E-Mail Adress", "unknown", None, "email"),
            ("Shoe size", "unknown", None, None),
            ("created_at", "left_out", None, None),
        ]
        assert shown["columns"][1]["examples"] == ["ada@example.org", "nobody"]
        assert 0.8 <= shown["columns"][1]["likeness"] < 1
        [refusal] = shown["refusals"]
        assert refusal["field"] == "file"
        assert "E-Mail Adress, Shoe size" in refusal["message"]
        assert [row["values"] for row in shown["rows"]] == [{"full_name": "Ada"}, {"full_name": "Bea"}, None]
        assert "cells" in shown["rows"][2]["mistakes"][0]["message"]
        assert firm.sql(look) == before

    def test_what_it_shows_is_what_an_import_does(self, firm):
        text = "Full Name,E-Mail,Shoe size\nAda,nobody,39\nBea,bea@example.org,\n"
        form = {"mapping": '{"E-Mail": "email"}', "unknown_columns": "attributes"}
        shown = preview(firm.client(), text, path=LEADS, **form)
        assert shown["refusals"] == []
        assert shown["columns"][2]["field"] == "attributes.Shoe size"
        assert shown["rows"][0]["values"]["attributes"] == {"Shoe size": "39"}
        state = taken_in(firm, text, path=LEADS, **form)
        said = [{name: each[name] for name in each if name != "line"} for each in state["errors"]]
        assert said == shown["rows"][0]["mistakes"]
        assert counts(state) == {"done": 2, "created": 1, "failed": 1}

    def test_rules_are_asked(self, firm):
        shown = preview(firm.client(), "full_name,status\nAda,won\n", path=LEADS)
        assert shown["rows"][0]["mistakes"][0]["field"] == "value_cents"

    def test_what_is_missing_is_said(self, firm):
        shown = preview(firm.client(), "Name,phone\nAda,1\n")
        assert shown["missing"] == ["full_name"]
        assert shown["columns"][0]["suggestion"] == "full_name"
        assert shown["refusals"]

    @pytest.mark.parametrize("kind", ["xlsx", "jsonl"])
    def test_other_files(self, firm, kind):
        rows = {
            "xlsx": workbook(["full_name", "phone"], ["Ada", 5]),
            "jsonl": '{"full_name": "Ada", "phone": "5"}\n',
        }
        shown = preview(firm.client(), rows[kind])
        assert (shown["format"], shown["rows"][0]["values"]) == (kind, {"full_name": "Ada", "phone": "5"})

    def test_a_file_that_cannot_be_read_and_who_may_not(self, firm):
        client = firm.client()
        answer = client.post(f"{CONTACTS}/import/preview", files={"file": ("x", b"%PDF")})
        assert answer.status_code == 415
        answer = client.post(f"{CONTACTS}/import/preview", files={"file": ("x", b"")})
        assert answer.json()["error"]["code"] == "FILE_UNREADABLE"
        answer = firm.client("viewer").post(
            f"{CONTACTS}/import/preview", files={"file": ("x", b"full_name\nA\n")}
        )
        assert answer.status_code == 403


class TestColumns:
    def test_unknown_ones_are_kept_among_the_attributes(self, firm):
        text = 'external_id,full_name,attributes,Schuh,Hut\nat1,Ada,"{""old"": 1}",39,\nat2,Bea,,=1,x\n'
        state = taken_in(firm, text, path=LEADS, unknown_columns="attributes")
        assert (state["errors"], state["ignored_columns"]) == ([], [])
        found = firm.sql(
            "select attributes from leads where external_id in ('at1', 'at2') order by external_id"
        )
        assert found == [({"old": 1, "Schuh": "39"},), ({"Schuh": "=1", "Hut": "x"},)]

    def test_one_may_be_told_where_to_go(self, firm):
        mapping = json.dumps({"Country": "attributes.land", "Note": None})
        state = taken_in(firm, "external_id,Country,Note\nwh1,India,x\n", path=LEADS, mapping=mapping)
        assert state["ignored_columns"] == ["Note"]
        found = firm.sql("select country, attributes from leads where external_id = 'wh1'")
        assert found == [(None, {"land": "India"})]

    def test_cells_may_mean_something_else(self, firm):
        values = {"0": "new", "1": "qualified"}
        mapping = json.dumps(
            {"Done": {"field": "status", "values": values}, "city": {"values": {"Select": None}}}
        )
        text = "external_id,Done,city\nme1,0,Select\nme2, 1 ,Kiel\nme3,2,Bonn\n"
        state = taken_in(firm, text, path=LEADS, mapping=mapping)
        assert [(each["line"], each["field"]) for each in state["errors"]] == [(4, "status")]
        found = firm.sql(
            "select status, city from leads where external_id in ('me1', 'me2') order by external_id"
        )
        assert found == [("new", None), ("qualified", "Kiel")]

    def test_defaults_hold_where_a_cell_says_nothing(self, firm):
        form = {"defaults": '{"source": "fair", "city": "Bremen"}'}
        state = taken_in(firm, "external_id,city\ndf1,\ndf2,Kiel\n", path=LEADS, **form)
        assert state["errors"] == []
        found = firm.sql(
            "select source, city from leads where external_id in ('df1', 'df2') order by external_id"
        )
        assert found == [("fair", "Bremen"), ("fair", "Kiel")]

    @pytest.mark.parametrize(
        ("text", "form", "field", "said"),
        [
            ("full_name\na\n", {"defaults": '{"shoe": 1}'}, "defaults.shoe", "is no field"),
            ("full_name\na\n", {"defaults": "[1]"}, "defaults", ""),
            ("full_name\na\n", {"unknown_columns": "keep"}, "unknown_columns", ""),
            ("full_name,x\na,b\n", {"mapping": '{"x": "attributes."}'}, "file", "1 to 200"),
            (
                "full_name,x,y\na,b,c\n",
                {"mapping": '{"x": "attributes.z", "y": "attributes.z"}'},
                "mapping",
                "z",
            ),
            ("full_name,x\na,b\n", {"mapping": '{"x": {"field": "y"}}'}, "mapping.x", "is no field"),
            ("full_name,x\na,b\n", {"mapping": '{"x": {"colour": "y"}}'}, "mapping", ""),
        ],
    )
    def test_what_does_not_fit_is_refused(self, firm, text, form, field, said):
        response = send(firm.client(), text, path=LEADS, **form)
        assert response.status_code == 422, response.text
        [first, *_] = response.json()["error"]["details"]
        assert first["field"].startswith(field)
        assert said in first["message"]

    def test_there_are_limits(self, firm):
        wide = ",".join(f"c{n}" for n in range(201))
        said = refused(
            send(
                firm.client(), f"full_name,{wide}\na{',1' * 201}\n", path=LEADS, unknown_columns="attributes"
            ),
            *(422, "UNKNOWN_COLUMNS"),
        )
        assert "more than 200 columns" in said
        text = f"full_name,x\na,{'y' * (LONGEST_ATTRIBUTE + 1)}\nb,z\n"
        state = taken_in(firm, text, path=LEADS, unknown_columns="attributes")
        assert (state["errors"][0]["field"], counts(state)["created"]) == ("attributes.x", 1)

    def test_where_rows_have_no_attributes_they_cannot_be_kept_there(self, firm):
        text = "name,shoe\na,b\n"
        response = send(firm.client(), text, path="/api/v1/tags", unknown_columns="attributes")
        assert response.json()["error"]["details"][0]["field"] == "unknown_columns"


@pytest.mark.skipif(not REAL.exists(), reason=f"the data set is not here: {REAL}")
def test_leads_of_x_education_come_in_as_they_are(firm):
    """All 9,240 rows of the public set (its README says what is in it), every column of it."""
    mapping = {
        "Prospect ID": "external_id",
        "Lead Source": "source",
        "Converted": {"field": "status", "values": {"0": "new", "1": "won"}},
        "Country": "attributes.Country",
        "City": {"values": {"Select": None}},
        "What is your current occupation": "job_title",
    }
    client = firm.client(tenant=firm.b)
    form = {"mapping": json.dumps(mapping), "defaults": '{"value_cents": 0}', "unknown_columns": "attributes"}
    content = REAL.read_bytes()
    shown = preview(client, content, path=LEADS, **form)
    assert (shown["refusals"], [row["mistakes"] for row in shown["rows"]]) == ([], [[]] * 10)
    state = finished(firm, send(client, content, path=LEADS, **form), client)
    assert (state["errors"], counts(state)) == ([], {"done": 9240, "created": 9240})
    rows = list(csv.DictReader(content.decode().splitlines()))
    of = "from leads where tenant_id = %s and attributes ? 'Lead Number'"
    found = dict(firm.sql(f"select status, count(*) {of} group by 1", firm.b))
    converted = sum(row["Converted"] == "1" for row in rows)
    assert found == {"won": converted, "new": 9240 - converted}
    assert converted == 3561
    for row in rows[::1500]:
        [(city, attributes)] = firm.sql(
            f"select city, attributes {of} and external_id = %s", firm.b, row["Prospect ID"]
        )
        assert city == (row["City"] if row["City"] not in ("", "Select") else None)
        taken = {"Prospect ID", "Lead Source", "Converted", "City", "What is your current occupation", "Tags"}
        assert attributes == {name: cell for name, cell in row.items() if cell and name not in taken}

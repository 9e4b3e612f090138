"""Rows that an import rejected, as a file that can be mended and sent again."""

from __future__ import annotations

import csv
import io
import json
from uuid import UUID

import pytest

from serve.platform.imports.queries import MOST_MISTAKES
from tests.serve.resources.sending import CONTACTS, IMPORTS, counts, send, taken_in, workbook


def rejects(client, state):
    return client.get(f"{IMPORTS}/{state['id']}/rejects")


def table(response, delimiter=","):
    assert response.status_code == 200, response.text
    assert response.content.startswith(b"\xef\xbb\xbf")
    return list(
        csv.reader(io.StringIO(response.content.decode("utf-8-sig"), newline=""), delimiter=delimiter)
    )


class TestTheFile:
    def test_it_has_the_rows_as_they_stand_and_what_is_wrong_with_each(self, firm):
        text = (
            "Kunde;Name;E-Mail;Notiz\n"
            "j1;Ada;nobody;=1+1\n"
            'j2;"Bea\nB.";bea@example.org;x\n'
            'j3;"; ""C""";also nobody;\'+49\n'
            "j4;few\n"
            "j5;many;a@example.org;b;c\n"
        )
        mapping = json.dumps({"Kunde": "external_id", "Name": "full_name", "E-Mail": "email", "Notiz": None})
        state = taken_in(firm, text, mapping=mapping, name="Kunden 2026.csv")
        answer = rejects(firm.client(), state)
        assert answer.headers["content-type"] == "text/csv; charset=utf-8"
        assert answer.headers["content-disposition"] == 'attachment; filename="Kunden_2026-rejects.csv"'
        header, *rows = table(answer, ";")
        assert header == ["import_error", "Kunde", "Name", "E-Mail", "Notiz"]
        assert rows[0][0].startswith("line 2: E-Mail: ")
        assert [row[1:] for row in rows] == [
            ["j1", "Ada", "nobody", "'=1+1"],
            ["j3", '; "C"', "also nobody", "'+49"],
            ["j4", "few"],
            ["j5", "many", "a@example.org", "b", "c"],
        ]

    @pytest.mark.parametrize("kind", ["csv", "xlsx", "jsonl"])
    def test_mended_and_sent_again_it_is_taken_in(self, firm, kind):
        rows = [("external_id", "full_name", "email"), *((f"{kind}{n}", f"=N{n}", f"{n}") for n in range(3))]
        match kind:
            case "csv":
                content = "\n".join(",".join(row) for row in rows)
            case "xlsx":
                content = workbook(*rows, strings_to_formulas=False)
            case _:
                content = "\n".join(json.dumps(dict(zip(rows[0], row, strict=True))) for row in rows[1:])
        state = taken_in(firm, content)
        assert counts(state) == {"done": 3, "failed": 3}
        text = rejects(firm.client(), state).content.decode()
        for n in range(2):
            text = text.replace(f",{n}\r\n", f",{n}@example.org\r\n").replace(
                f'"email":"{n}"', '"email":null'
            )
        again = taken_in(firm, text)
        assert (again["ignored_columns"], counts(again)) == (
            ["import_error"],
            {"done": 3, "created": 2, "failed": 1},
        )
        found = firm.sql("select full_name from contacts where external_id = %s", f"{kind}1")
        assert found == [("=N1",)]
        # What is still wrong comes back once more, with one column of reasons.
        last = rejects(firm.client(), again).content.decode("utf-8-sig")
        assert last.count("import_error") == 1
        assert f"{kind}2" in last
        assert f"{kind}1" not in last

    def test_all_of_them_are_there_and_not_only_the_first(self, firm):
        many = MOST_MISTAKES + 200
        state = taken_in(firm, "full_name,email\n" + "Ada,nobody\n" * many)
        assert len(state["errors"]) == MOST_MISTAKES
        assert len(table(rejects(firm.client(), state))) == 1 + many

    def test_of_a_dry_run_too(self, firm):
        state = taken_in(firm, "full_name,email\nAda,\nBea,nobody\n", dryRun="true")
        assert [row[1:] for row in table(rejects(firm.client(), state))[1:]] == [["Bea", "nobody"]]


class TestWhoAndWhen:
    def test_a_stranger_and_who_may_not_write_find_nothing(self, firm):
        state = taken_in(firm, "full_name,email\nAda,nobody\n")
        for stranger in (
            *(firm.client(tenant=tenant) for tenant in (firm.b, firm.umbrella)),
            firm.client("technician"),
        ):
            assert rejects(stranger, state).json()["error"]["code"] == "IMPORT_NOT_FOUND"
        assert rejects(firm.client("agent"), state).status_code == 200

    def test_whoever_takes_them_away_is_noted(self, firm):
        state = taken_in(firm, "full_name,email\nAda,nobody\n")
        rejects(firm.client("agent"), state)
        found = firm.sql(
            "select actor_id from events where name = 'contact.exported' and after ->> 'import_id' = %s",
            state["id"],
        )
        assert found == [(firm.people[firm.a, "agent"],)]

    def test_where_nothing_was_rejected_there_is_nothing(self, firm):
        state = taken_in(firm, "full_name\nAda\n")
        answer = rejects(firm.client(), state)
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "NOTHING_REJECTED")

    def test_after_a_week_the_rows_are_gone_and_the_reasons_stay(self, firm, collected):
        state = taken_in(firm, "full_name,email\nAda,nobody\n")
        storage, import_id = firm.running.app.state.files.storage, UUID(state["id"])
        collected()
        assert storage.exists(firm.a, import_id)
        firm.sql("update imports set finished_at = now() - interval '8 days' where id = %s", import_id)
        collected()
        assert not storage.exists(firm.a, import_id)
        answer = rejects(firm.client(), state)
        assert (answer.status_code, answer.json()["error"]["code"]) == (410, "IMPORT_FILE_GONE")
        assert len(firm.client().get(f"{IMPORTS}/{import_id}").json()["data"]["errors"]) == 1

    def test_while_it_waits_nothing_is_rejected_yet(self, firm):
        sent = send(firm.client(), "full_name,email\nAda,nobody\n", path=CONTACTS)
        assert rejects(firm.client(), sent.json()["data"]).status_code == 404
        firm.work()


@pytest.fixture
def collected(firm):
    """One round of what removes bytes that nobody needs, days from now."""
    from datetime import UTC, datetime, timedelta

    from serve.platform.files.collector import Collector

    state = firm.running.app.state
    collector = Collector(state.worker_database, state.files.storage, kept_s=0)
    return lambda: firm.running.wait_for(collector.collect(datetime.now(UTC) + timedelta(days=2)))

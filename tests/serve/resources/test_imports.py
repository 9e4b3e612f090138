"""Rows from files: what fits is there afterwards, what does not is named; who may, and what an interruption leaves."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from serve.kernel.resources import import_runs
from serve.platform.files.collector import Collector
from serve.platform.imports.queries import MOST_MISTAKES as MOST_ERRORS
from tests.serve.resources.sending import ACCOUNTS, CONTACTS, IMPORTS, counts, finished, send, taken_in


class TestTakenIn:
    def test_each_row_is_a_row_with_an_event_that_names_the_import(self, firm):
        state = taken_in(firm, "external_id,full_name,consent_email\nt1,Ada,true\nt2,Bea,\n", name="p.csv")
        assert counts(state) == {"done": 2, "created": 2}
        assert state["row_count"] == 2
        assert (state["filename"], state["format"], state["delimiter"]) == ("p.csv", "csv", ",")
        rows = firm.sql(
            "select id, full_name, consent_email from contacts where external_id in ('t1', 't2') order by 2"
        )
        assert [row[1:] for row in rows] == [("Ada", True), ("Bea", False)]
        for row_id, *_ in rows:
            found = firm.sql("select name, cause_id::text, actor_id from events where entity_id = %s", row_id)
            assert found == [("contact.created", state["id"], firm.people[firm.a, "owner"])]

    def test_the_import_itself_has_events(self, firm):
        state = taken_in(firm, "full_name\nAda\n")
        found = firm.sql(
            "select name, after ->> 'status' from events where entity_type = 'import' and entity_id = %s"
            " order by position",
            state["id"],
        )
        assert found == [("import.created", "running"), ("import.updated", "done")]

    def test_the_template_is_a_file_that_fits(self, firm):
        for path in (ACCOUNTS, CONTACTS, "/api/v1/vehicles"):
            template = firm.client().get(f"{path}/import/template")
            assert template.headers["content-type"] == "text/csv; charset=utf-8"
            state = taken_in(firm, template.content, path=path, client=firm.client(tenant=firm.b))
            assert (state["errors"], counts(state)) == ([], {"done": 1, "created": 1})

    @pytest.mark.parametrize("kind", ["csv", "xlsx", "jsonl"])
    def test_there_and_back(self, firm, kind):
        here, there = firm.client(), firm.client(tenant=firm.b)
        mark = f"{kind}-"
        for number in range(6):
            body = {
                "external_id": f"{mark}{number}",
                "name": ("=cmd()", 'Müller, "S"\nKiel', "'+49", " spaces ", "12.50", "true")[number],
                "kind": ("company", "household")[number % 2],
                "country": "DE",
                "city": None if number == 1 else "Kiel",
                "since_date": f"2024-02-2{number}",
                "status": "churned" if number == 2 else "active",
                "churned_at": "2025-05-06T07:08:09.123456Z" if number == 2 else None,
                "attributes": {"n": [1, 2.5, None], "text": 'a;b\t"c"'} if number else {},
            }
            assert here.post(ACCOUNTS, json=body).status_code == 201
        export = here.get(f"{ACCOUNTS}/export", params={"format": kind, "search": ""})
        state = taken_in(
            firm, export.content, path=ACCOUNTS, mode="upsert", name="whatever.bin", client=there
        )
        assert (state["format"], state["errors"]) == (kind, [])
        assert "churn_score" in state["ignored_columns"]

        def rows(client):
            listed = client.get(ACCOUNTS, params={"per_page": 1000, "sort": "external_id"}).json()["data"]
            own = ("id", "created_at", "updated_at")
            return [
                {name: value for name, value in row.items() if name not in own}
                for row in listed
                if (row["external_id"] or "").startswith(mark)
            ]

        assert rows(there) == rows(here)
        assert len(rows(there)) == 6
        again = taken_in(firm, export.content, path=ACCOUNTS, mode="upsert", client=there)
        assert counts(again) == {"done": state["row_count"], "unchanged": state["row_count"]}

    def test_an_upsert_changes_what_is_there(self, firm):
        taken_in(firm, "external_id,full_name,phone\nu1,Ada,1\n")
        state = taken_in(firm, "external_id;full_name\nu1;Ada L.\nu2;Bea\n", mode="upsert")
        assert counts(state) == {"done": 2, "created": 1, "updated": 1}
        assert state["delimiter"] == ";"
        found = firm.sql("select full_name, phone from contacts where external_id = 'u1'")
        assert found == [("Ada L.", "1")]  # no column, not touched

    def test_an_empty_cell_empties_what_may_be_empty(self, firm):
        taken_in(firm, "external_id,full_name,phone,consent_email\nempty,Ada,1,true\n")
        state = taken_in(firm, "external_id,full_name,phone,consent_email\nempty,,,\n", mode="update")
        assert counts(state) == {"done": 1, "updated": 1}
        found = firm.sql("select full_name, phone, consent_email from contacts where external_id = 'empty'")
        assert found == [("Ada", None, True)]

    def test_update_only_makes_nothing(self, firm):
        taken_in(firm, "external_id,full_name\no1,Ada\n")
        state = taken_in(firm, "external_id,job_title\no1,Boss\no2,Boss\n", mode="update")
        assert counts(state) == {"done": 2, "updated": 1, "failed": 1}
        assert state["errors"][0] | {"line": 3, "code": "CONTACT_NOT_FOUND"} == state["errors"][0]
        assert firm.sql("select count(*) from contacts where external_id = 'o2'") == [(0,)]

    def test_columns_with_other_names(self, firm):
        text = "Kunde,Full Name,eMail,Notiz\nm1,Ada,ada@example.org,x\n"
        mapping = json.dumps({"Kunde": "external_id", "eMail": "email", "Notiz": None})
        state = taken_in(firm, text, mapping=mapping)
        assert (state["errors"], state["ignored_columns"]) == ([], ["Notiz"])
        found = firm.sql("select full_name, email from contacts where external_id = 'm1'")
        assert found == [("Ada", "ada@example.org")]

    def test_a_dry_run_leaves_nothing(self, firm):
        look = "select (select count(*) from contacts), (select count(*) from events where entity_type = 'contact')"
        before = firm.sql(look)
        state = taken_in(firm, "full_name,email\nAda,\nBea,nobody\n", dryRun="true")
        assert state["is_dry_run"]
        assert counts(state) == {"done": 2, "created": 1, "failed": 1}
        assert firm.sql(look) == before

    def test_more_rows_than_one_batch(self, firm):
        text = "external_id,full_name\n" + "".join(
            f"big{n},{'' if n % 500 == 7 else n}\n" for n in range(1201)
        )
        state = taken_in(firm, text)
        assert counts(state) == {"done": 1201, "created": 1198, "failed": 3}
        assert [mistake["line"] for mistake in state["errors"]] == [9, 509, 1009]
        assert firm.sql("select count(*) from contacts where external_id like 'big%'") == [(1198,)]

    def test_a_request_sent_again_is_the_same_import(self, firm):
        owner, key = firm.client(), {"Idempotency-Key": "one file"}
        # The same bytes: the boundary between the parts of a form is otherwise another each time.
        form = owner.build_request("POST", "/", files={"file": ("k.csv", b"external_id,full_name\nk1,A\n")})
        key["content-type"] = form.headers["content-type"]
        first = owner.post(f"{CONTACTS}/import", content=form.read(), headers=key)
        again = owner.post(f"{CONTACTS}/import", content=form.read(), headers=key)
        assert finished(firm, first)["created_count"] == 1
        assert again.json()["data"]["id"] == first.json()["data"]["id"]
        assert firm.sql("select count(*) from contacts where external_id = 'k1'") == [(1,)]


class TestRowsThatFail:
    def test_each_is_named_by_line_column_and_field_and_the_others_stay(self, firm):
        text = (
            "external_id,Full Name,E-Mail,account_id,attributes\n"
            'f1,"Ada\nByron",,,\n'
            "f2,Bea,nobody,,\n"
            "\n"
            f"f3,Cy,,{uuid4()},\n"
            "f4,Di,,,not json\n"
            "f1,Again,,,\n"
            "f5,Too,,,,many\n"
            "f6,Few\n"
            "f7,Eve,,,\n"
        )
        state = taken_in(firm, text, mapping='{"E-Mail": "email"}')
        said = [(each["line"], each["column"], each["field"]) for each in state["errors"]]
        assert said == [
            (4, "E-Mail", "email"),
            (6, "account_id", "account_id"),
            (7, "attributes", "attributes"),
            (8, "external_id", "external_id"),
            (9, None, None),
            (10, None, None),
        ]
        assert state["errors"][3]["code"] == "DUPLICATE"
        assert "6 cells where the header has 5" in state["errors"][4]["message"]
        assert counts(state) == {"done": 8, "created": 2, "failed": 6}
        found = firm.sql("select external_id from contacts where external_id ~ '^f[0-9]$' order by 1")
        assert found == [("f1",), ("f7",)]

    def test_rules_hold(self, firm):
        text = "external_id,name,country,status\nr1,Gone,DE,churned\n"
        state = taken_in(firm, text, path=ACCOUNTS)
        assert (state["errors"][0]["field"], counts(state)) == ("churned_at", {"done": 1, "failed": 1})

    def test_another_tenants_rows_do_not_exist(self, firm):
        theirs = firm.client(tenant=firm.b).post(ACCOUNTS, json={"name": "Theirs", "country": "DE"})
        text = f"full_name,account_id\nAda,{theirs.json()['data']['id']}\n"
        assert taken_in(firm, text)["errors"][0]["field"] == "account_id"

    def test_the_first_thousand_are_kept_and_all_are_counted(self, firm):
        state = taken_in(firm, "full_name,email\n" + "Ada,nobody\n" * (MOST_ERRORS + 200))
        assert counts(state) == {"done": MOST_ERRORS + 200, "failed": MOST_ERRORS + 200}
        assert len(state["errors"]) == MOST_ERRORS


class TestWhoMay:
    def test_writing_is_needed(self, firm):
        for role, status in (("viewer", 403), ("technician", 403), ("agent", 202)):
            response = send(firm.client(role), "full_name\nAda\n")
            assert response.status_code == status, role
        assert firm.client("viewer").get(f"{CONTACTS}/import/template").status_code == 403

    def test_a_stranger_sees_no_import(self, firm):
        state = taken_in(firm, "full_name\nAda\n")
        address = f"{IMPORTS}/{state['id']}"
        for tenant in (firm.b, firm.umbrella):
            stranger = firm.client(tenant=tenant)
            assert stranger.get(address).status_code == 404
            listed = stranger.get(IMPORTS, params={"per_page": 1000}).json()["data"]
            assert state["id"] not in {each["id"] for each in listed}
        assert firm.client("technician").get(address).status_code == 404  # who may not write contacts
        assert firm.client("agent").get(address).status_code == 200

    def test_the_list_is_filtered_and_in_pages(self, firm):
        owner = firm.client()
        state = taken_in(firm, "name,country\nNewest,DE\n", path=ACCOUNTS)
        asked = {"resource": "accounts", "status": "done", "per_page": 1}
        page = owner.get(IMPORTS, params=asked).json()
        assert [each["id"] for each in page["data"]] == [state["id"]]
        assert "errors" not in page["data"][0]
        assert page["meta"]["total"] >= 1
        assert owner.get(IMPORTS, params={"status": "failed", "resource": "accounts"}).json()["data"] == []
        assert owner.get(IMPORTS, params={"status": "odd"}).status_code == 422


class TestBesideEachOther:
    """More rows than one transaction takes."""

    PLACES = (3, 601, 1099)

    def _rows(self, prefix: str, same: str) -> str:
        rows = [f"{prefix}{n},Nobody {n},{('red; blue', 'blue; red')[n // 500 % 2]}\n" for n in range(1100)]
        for place in self.PLACES:
            rows[place] = f"{same},Number {place},\n"
        return "external_id,full_name,tags\n" + "".join(rows)

    def test_of_rows_for_the_same_one_the_last_stays(self, firm):
        state = taken_in(firm, self._rows("beside", "beside same"), mode="upsert")
        assert counts(state) == {"done": 1100, "created": 1098, "updated": 2}
        found = firm.sql("select id, full_name from contacts where external_id = 'beside same'")
        assert [row[1] for row in found] == ["Number 1099"]
        happened = firm.sql("select name from events where entity_id = %s order by position", found[0][0])
        assert happened == [("contact.created",), ("contact.updated",), ("contact.updated",)]
        tags = firm.sql("select tags from contacts where external_id in ('beside0', 'beside500') order by 1")
        assert tags == [(["blue", "red"],), (["red", "blue"],)]

    def test_of_new_rows_with_the_same_id_the_first_stays(self, firm):
        state = taken_in(firm, self._rows("first", "first same"), mode="create")
        assert counts(state) == {"done": 1100, "created": 1098, "failed": 2}
        assert [mistake["line"] for mistake in state["errors"]] == [603, 1101]
        found = firm.sql("select full_name from contacts where external_id = 'first same'")
        assert found == [("Number 3",)]
        again = taken_in(firm, self._rows("first", "first same"), mode="create")
        assert counts(again) == {"done": 1100, "failed": 1100}
        assert {mistake["message"] for mistake in again["errors"]} == {"is taken already"}


class Died(BaseException):
    """As if the worker had ended here."""


class TestInterrupted:
    def test_a_worker_that_dies_goes_on_with_what_was_not_taken_in(self, firm, monkeypatch):
        text = "external_id,full_name\n" + "".join(f"died{n},{n}\n" for n in range(1200))
        sent = send(firm.client(), text)
        real, batches = import_runs._rows, []

        async def dies(*asked):
            batches.append(len(asked[1].lines))
            if len(batches) == 2:
                await real(*asked)
                raise Died
            return await real(*asked)

        monkeypatch.setattr(import_runs, "_rows", dies)
        with pytest.raises(Died):
            firm.work()
        state = firm.client().get(sent.headers["location"]).json()["data"]
        assert state["status"] == "running"
        assert state["done_count"] in (500, 700)  # the last batch was beside the one that died, or was not
        firm.sql("update tasks set run = run + 1, status = 'queued' where id = %s", state["id"])  # taken over
        state = finished(firm, sent)
        assert (state["status"], state["created_count"], state["failed_count"]) == ("done", 1200, 0)
        assert sorted(batches) == [200, 500, 500, 500]
        assert firm.sql("select count(*) from contacts where external_id like 'died%'") == [(1200,)]

    def test_its_task_has_its_id_and_can_be_cancelled(self, firm):
        owner = firm.client()
        sent = send(owner, "external_id,full_name\ncancelled,Ada\n")
        import_id = sent.json()["data"]["id"]
        task = owner.get(f"/api/v1/tasks/{import_id}").json()["data"]
        assert (task["status"], task["title"], task["total_count"]) == ("queued", "Import of rows.csv", 1)
        assert owner.post(f"/api/v1/tasks/{import_id}/cancel").status_code == 200
        state = finished(firm, sent)
        assert (state["status"], state["error"][:17], state["done_count"]) == (
            "failed",
            "It was cancelled.",
            0,
        )
        assert firm.sql("select count(*) from contacts where external_id = 'cancelled'") == [(0,)]
        assert owner.post(f"/api/v1/tasks/{import_id}/retry").status_code == 200
        assert owner.get(sent.headers["location"]).json()["data"]["status"] == "running"
        assert finished(firm, sent)["created_count"] == 1

    def test_who_may_not_write_any_more_takes_nothing_in(self, firm):
        sent = send(firm.client("agent"), "external_id,full_name\nleft,Ada\n")
        person = firm.people[firm.a, "agent"]
        firm.sql("update memberships set role = 'viewer' where user_id = %s", person)
        state = finished(firm, sent)
        firm.sql("update memberships set role = 'agent' where user_id = %s", person)
        assert (state["status"], state["done_count"]) == ("failed", 0)
        assert "contacts:write" in state["error"]

    def test_the_file_is_kept_as_long_as_it_is_needed(self, firm):
        storage = firm.running.app.state.files.storage
        sent = send(firm.client(), "full_name\nAda\n")
        import_id = UUID(sent.json()["data"]["id"])
        collector = Collector(firm.running.app.state.worker_database, storage, kept_s=0)
        later = datetime.now(UTC) + timedelta(days=2)
        firm.running.wait_for(collector.collect(later))
        assert storage.exists(firm.a, import_id)
        finished(firm, sent)
        assert not storage.exists(firm.a, import_id)

"""An import is undone: what it made goes, what it changed is as it was, and what somebody has touched stays."""

from __future__ import annotations

from uuid import uuid4

import pytest

from serve.kernel.resources.import_runs import IMPORTERS
from serve.kernel.tasks.acting import acting_for
from serve.platform.imports import undoing
from serve.platform.imports.rules import verdict
from tests.serve.resources.sending import CONTACTS, IMPORTS, send, taken_in

LEADS = "/api/v1/leads"


def undo(firm, state, client=None, *, status=202):
    answer = (client or firm.client()).post(f"{IMPORTS}/{state['id']}/undo")
    assert answer.status_code == status, answer.text
    return answer


def undone(firm, state, client=None) -> dict:
    started = undo(firm, state, client)
    firm.work()
    task = firm.client().get(started.headers["location"]).json()["data"]
    assert (task["status"], task["error"]) == ("succeeded", None)
    return firm.client().get(f"{IMPORTS}/{state['id']}").json()["data"]


def came(state) -> tuple[int, int, int]:
    return state["removed_count"], state["reverted_count"], state["left_count"]


def ids(firm, mark, table="contacts"):
    return {
        key: str(row_id)
        for key, row_id in firm.sql(
            f"select external_id, id from {table} where external_id like %s", f"{mark}%"
        )
    }


class TestWhatItMade:
    def test_goes_and_the_file_can_be_sent_again(self, firm):
        text = "external_id,full_name\n" + "".join(f"go{n},N{n}\n" for n in range(450))
        state = taken_in(firm, text)
        rows = ids(firm, "go")
        after = undone(firm, state)
        assert (came(after), after["left"]) == ((450, 0, 0), [])
        assert after["undone_at"] >= after["finished_at"]
        for row_id in (rows["go0"], rows["go449"]):
            assert firm.client().get(f"{CONTACTS}/{row_id}").status_code == 404
            names = [name for name, *_ in firm.events(row_id)]
            assert names == ["contact.created", "contact.updated", "contact.deleted"]
        [(causes,)] = firm.sql(
            "select count(*) from events where cause_id = %s and name = 'contact.deleted'",
            after["undo_task_id"],
        )
        assert causes == 450
        assert taken_in(firm, text)["created_count"] == 450
        restored = firm.client().post(f"{CONTACTS}/{rows['go0']}/restore")
        assert restored.json()["data"]["full_name"] == "N0"

    def test_stays_where_somebody_has_worked_on_it(self, firm):
        state = taken_in(firm, "external_id,full_name\ntw1,A\ntw2,B\ntw3,C\ntw4,D\n")
        rows, owner = ids(firm, "tw"), firm.client()
        owner.patch(f"{CONTACTS}/{rows['tw1']}", json={"phone": "1"})
        owner.delete(f"{CONTACTS}/{rows['tw2']}")
        lead = owner.post(LEADS, json={"full_name": "L", "contact_id": rows["tw3"]}).json()["data"]
        after = undone(firm, state)
        assert came(after) == (1, 0, 3)
        assert {each["id"]: each["reason"] for each in after["left"]} == {
            rows["tw1"]: "was changed since (contact.updated)",
            rows["tw2"]: "was changed since (contact.deleted)",
            rows["tw3"]: "is referred to by leads",
        }
        assert owner.get(f"{CONTACTS}/{rows['tw3']}").json()["data"]["external_id"] == "tw3"
        assert owner.get(f"{LEADS}/{lead['id']}").json()["data"]["contact_id"] == rows["tw3"]

    def test_a_score_is_nobodys_work(self, firm):
        state = taken_in(firm, "external_id,full_name\nsc1,A\n", path=LEADS)
        [row_id] = ids(firm, "sc", "leads").values()
        firm.sql(
            "with acting as materialized (select set_config('app.actor', 'pipeline', true),"
            " set_config('app.event', 'lead.scored', true))"
            " update leads set score = 0.5, scored_at = now() from acting where id = %s",
            row_id,
        )
        assert came(undone(firm, state)) == (1, 0, 0)

    def test_an_owner_by_the_rules_is_nobodys_work(self, firm):
        state = taken_in(firm, "external_id,full_name\nas1,A\nas2,B\n", path=LEADS)
        rows = ids(firm, "as", "leads")
        for name, actor in (("as1", "platform"), ("as2", f"user:{firm.people[firm.a, 'owner']}")):
            firm.sql(
                "with acting as materialized (select set_config('app.actor', %s, true),"
                " set_config('app.event', 'lead.assigned', true))"
                " update leads set owner_id = %s from acting where id = %s returning 1",
                *(actor, firm.people[firm.a, "agent"], rows[name]),
            )
        after = undone(firm, state)
        assert came(after) == (1, 0, 1)
        assert [each["reason"] for each in after["left"]] == ["was changed since (lead.assigned)"]


class TestWhatItChanged:
    def test_is_what_it_was_personal_values_too(self, firm):
        taken_in(firm, "external_id,full_name,phone,consent_email\nch1,Ada,1,true\nch2,Bea,2,\nch3,Cy,,\n")
        rows = "ch1,Ada L.,,false\nch2,Bo,3,\nch3,Cy,,\nch4,New,,\nch1,Twice,9,\n"
        text = f"external_id,full_name,phone,consent_email\n{rows}"
        state = taken_in(firm, text, mode="upsert")
        rows = ids(firm, "ch")
        firm.client().patch(f"{CONTACTS}/{rows['ch2']}", json={"job_title": "Boss"})
        after = undone(firm, state)
        assert came(after) == (1, 1, 1)
        assert [each["id"] for each in after["left"]] == [rows["ch2"]]
        found = firm.sql(
            "select full_name, phone, consent_email, job_title from contacts"
            " where external_id like 'ch%%' and deleted_at is null order by external_id",
        )
        assert found == [("Ada", "1", True, None), ("Bo", "3", False, "Boss"), ("Cy", None, False, None)]

    def test_is_what_it_was_where_no_rule_would_allow_the_way_back(self, firm):
        values = (
            "external_id,full_name,status,value_cents,first_replied_at,tags,attributes,latitude,longitude\n"
        )
        taken_in(
            firm,
            values + 'ru1,A,new,5,2026-01-02T03:04:05.678901Z,a; b,"{""x"": [1]}",1.5,2.5\n',
            path=LEADS,
        )
        look = (
            "select status, value_cents, first_replied_at, first_reply_s, tags, attributes, latitude, won_at,"
            " contacted_at from leads where external_id = 'ru1'"
        )
        before = firm.sql(look)
        taken_in(firm, values + "ru1,A,contacted,,,,,,\n", path=LEADS, mode="upsert")
        state = taken_in(firm, values + "ru1,A,won,7,,c,{},,\n", path=LEADS, mode="upsert")
        changed = firm.sql(look)
        assert changed[0][0] == "won"
        assert came(undone(firm, state)) == (0, 1, 0)
        assert firm.sql(look)[0][0] == "contacted"
        assert firm.sql(look)[0][7] is None
        first = firm.client().get(IMPORTS, params={"resource": "leads", "per_page": 3}).json()["data"]
        second = next(each for each in first if each["updated_count"] == 1 and not each["undo_task_id"])
        # The last event of the row is the undo of another import: that counts as touched.
        assert came(undone(firm, second)) == (0, 0, 1)
        assert before != changed


class TestOnceAndByWhom:
    def test_only_once_and_only_when_there_is_something(self, firm):
        state = taken_in(firm, "full_name\nOnce\n")
        undone(firm, state)
        assert undo(firm, state, status=409).json()["error"]["code"] == "IMPORT_UNDONE"
        for text, form in (("full_name,email\nA,nobody\n", {}), ("full_name\nA\n", {"dryRun": "true"})):
            state = taken_in(firm, text, **form)
            assert undo(firm, state, status=409).json()["error"]["code"] == "NOTHING_TO_UNDO"

    def test_not_while_it_runs(self, firm):
        sent = send(firm.client(), "full_name\nRuns\n").json()["data"]
        assert undo(firm, sent, status=409).json()["error"]["code"] == "IMPORT_STILL_RUNS"
        firm.work()

    def test_writing_is_needed_then_and_now(self, firm):
        state = taken_in(firm, "external_id,full_name\nwh1,A\n")
        undo(firm, state, firm.client("technician"), status=404)
        undo(firm, state, firm.client(tenant=firm.b), status=404)
        undo(firm, state, firm.client(tenant=firm.umbrella), status=404)
        undo(firm, state, firm.client("agent"))
        person = firm.people[firm.a, "agent"]
        firm.sql("update memberships set role = 'viewer' where user_id = %s", person)
        firm.work()
        firm.sql("update memberships set role = 'agent' where user_id = %s", person)
        assert firm.sql("select deleted_at from contacts where external_id = 'wh1'") == [(None,)]

    def test_a_failed_import_can_be_undone_as_far_as_it_got(self, firm):
        state = taken_in(firm, "external_id,full_name\nfa1,A\n")
        firm.sql("update imports set status = 'failed' where id = %s", state["id"])
        assert came(undone(firm, state)) == (1, 0, 0)


class Died(BaseException):
    """As if the worker had ended here."""


def test_a_worker_that_dies_goes_on_behind_the_last_batch(firm, monkeypatch):
    monkeypatch.setattr(undoing, "BATCH", 10)
    text = "external_id,full_name\n" + "".join(f"di{n},N{n}\n" for n in range(35))
    state = taken_in(firm, text)
    started = undo(firm, state)
    real, batches = undoing._batch, []

    async def dies(*asked):
        found = await real(*asked)
        batches.append(found)
        if len(batches) == 2:
            raise Died
        return found

    monkeypatch.setattr(undoing, "_batch", dies)
    with pytest.raises(Died):
        firm.work()
    address = f"{IMPORTS}/{state['id']}"
    assert came(firm.client().get(address).json()["data"]) == (10, 0, 0)
    task_id = started.json()["data"]["task_id"]
    firm.sql("update tasks set run = run + 1, status = 'queued' where id = %s", task_id)  # taken over
    firm.work()
    after = firm.client().get(address).json()["data"]
    assert (came(after), after["undone_at"] is not None) == ((35, 0, 0), True)
    deleted = "select count(*) from events where cause_id = %s and name = 'contact.deleted'"
    assert firm.sql(deleted, task_id) == [(35,)]
    task = firm.client().get(started.headers["location"]).json()["data"]
    assert (task["done_count"], task["total_count"]) == (35, 35)


def test_every_resource_can_be_asked_what_refers_to_it(firm):
    """As the worker, which may read all of those tables."""
    state = firm.running.app.state

    async def ask():
        async with state.worker_database.transaction(acting_for(firm.a, uuid4())) as db:
            for resource, _ in IMPORTERS.values():
                assert await undoing._referring(resource, db, str(uuid4())) == []

    firm.running.wait_for(ask())
    assert {other.name for other, _ in undoing.references_to(IMPORTERS["contacts"][0].table)} >= {
        "leads",
        "notes",
    }


class TestVerdict:
    def event(self, name, cause, before=None):
        return {"name": name, "cause_id": cause, "before": before}

    def test_the_oldest_value_counts(self):
        twice = [self.event("x.updated", "i", {"a": 1}), self.event("x.updated", "i", {"a": 2, "b": 3})]
        assert verdict(twice, "i", "u").before == {"a": 1, "b": 3}

    def test_a_change_between_two_of_the_import_counts(self):
        mixed = [
            self.event("x.created", "i"),
            self.event("x.updated", None, {"a": 1}),
            self.event("x.updated", "i", {"a": 2}),
        ]
        assert verdict(mixed, "i", "u").what == "leave"

    def test_what_the_undo_did_is_done(self):
        assert (
            verdict([self.event("x.created", "i"), self.event("x.deleted", "u", {})], "i", "u").what == "done"
        )


def test_imports_into_tables_with_another_permission_are_seen_and_undone(firm):
    """Who may write departments is asked by the permission of employees."""
    state = taken_in(firm, "external_id,name\nde1,Undone\n", path="/api/v1/departments")
    assert came(undone(firm, state)) == (1, 0, 0)
    assert firm.client("viewer").get(f"{IMPORTS}/{state['id']}").status_code == 404

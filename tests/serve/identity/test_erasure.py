"""Erasures that meet each other, are killed, and are held up by a law, a hold or a word somewhere else."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime
from itertools import count

import pytest

from serve.identity.privacy import erasure, work
from serve.identity.retention import service as retention
from serve.kernel.tasks.runner import Runner
from serve.platform.audit.seals import seal
from tests.serve.crm.found_people import find

NUMBERS = count(1)
PRIVACY = "/api/v1/privacy"


class Desk:
    """Somebody who looks after people's requests."""

    def __init__(self, firm) -> None:
        self.firm, self.http = firm, firm.client()

    def post(self, path: str, body: object = None, status: int | None = None) -> dict:
        answer = self.http.post(path, json=body)
        assert answer.status_code == status if status else answer.is_success, answer.text
        return answer.json().get("data") or answer.json()["error"]

    def contact(self, **more: object) -> dict:
        n = next(NUMBERS)
        values = {"full_name": f"Ada Byron{n}", "email": f"ada{n}@example.org", "job_title": f"Countess{n}"}
        return self.post("/api/v1/contacts", values | more)

    def asks_to_forget(self, kind: str, row_id: str) -> dict:
        made = self.post(
            f"{PRIVACY}/requests", {"kind": "erasure", "subject_kind": kind, "subject_id": row_id}
        )
        self.post(f"{PRIVACY}/requests/{made['id']}/verify", {"method": "called back"})
        return made

    def forgets(self, kind: str, row_id: str) -> dict:
        made = self.asks_to_forget(kind, row_id)
        return self.post(f"{PRIVACY}/requests/{made['id']}/approve", {})

    def ends(self, request: dict) -> dict:
        self.firm.work(waits_too=True)
        return self.http.get(f"{PRIVACY}/requests/{request['id']}").json()["data"]


@pytest.fixture
def desk(firm) -> Desk:
    """The pipeline is quick here; tests/pipelines/test_erasing.py is about its part."""
    firm.sql("set lock_timeout = '10s'; alter table pipeline_requests alter column status set default 'done'")
    return Desk(firm)


def test_two_at_once_end_as_one(desk, firm):
    ada = desk.contact()
    both = [desk.forgets("contact", ada["id"]) for _ in range(2)]
    state = firm.running.app.state

    async def at_once() -> None:
        runner = Runner(state.worker_database, "tests", state)
        await asyncio.gather(*(runner.run(str(firm.a), each["task_id"], 1) for each in both))

    firm.running.wait_for(at_once())
    done = [desk.ends(each) for each in both]
    assert [each["status"] for each in done] == ["done", "done"]
    assert [each["result"]["proof"]["left_count"] for each in done] == [0, 0]
    hashes = firm.sql(
        "select count(*) from privacy_suppressions where request_id = any(%s::uuid[])",
        [e["id"] for e in both],
    )
    assert hashes == [(1,)]


def test_what_was_found_of_them_goes_too(desk, firm):
    ada = desk.contact()
    others = [desk.contact()["id"] for _ in range(2)]
    find(firm, *((("contact", one), ("contact", other)) for one, other in ((ada["id"], others[0]), others)))
    done = desk.ends(desk.forgets("contact", ada["id"]))
    assert (done["status"], done["result"]["erased"]["person_links"]) == ("done", 1)
    left = firm.sql("select left_id::text, right_id::text from person_links")
    assert [{*pair} for pair in left] == [{*others}]
    assert find(firm, (("contact", ada["id"]), ("contact", others[0])))[0] == 0  # and is found no more


def test_killed_in_the_database_nothing_is_done_and_the_next_try_does_all(desk, firm, monkeypatch):
    ada = desk.contact()
    request = desk.forgets("contact", ada["id"])

    async def dies(*_: object) -> None:
        raise ConnectionResetError

    with monkeypatch.context() as patch:
        patch.setattr(erasure, "_strike", dies)
        firm.work()
    assert desk.http.get(f"/api/v1/contacts/{ada['id']}").json()["data"]["email"] == ada["email"]
    done = desk.ends(request)
    assert (done["status"], done["result"]["erased"]["contacts"]) == ("done", 1)


def test_killed_before_the_files_they_go_with_the_next_try(desk, firm, monkeypatch):
    ada = desk.contact()
    place = {"entity_type": "contact", "entity_id": ada["id"]}
    paper = desk.http.post("/api/v1/files", files={"file": ("a.txt", b"x")}, data=place).json()["data"]
    request = desk.forgets("contact", ada["id"])
    bytes_of_it = firm.running.app.state.settings.throughline_home / "files" / str(firm.a) / paper["id"]

    async def dies(*_: object) -> None:
        raise ConnectionResetError

    with monkeypatch.context() as patch:
        patch.setattr(work, "remove_outside", dies)
        firm.work()
    assert bytes_of_it.exists()
    assert desk.ends(request)["status"] == "done"
    assert not bytes_of_it.exists()


def test_the_law_keeps_a_name_for_its_time_and_not_a_day_longer(desk, firm):
    n = next(NUMBERS)
    home = desk.post(
        "/api/v1/accounts", {"name": f"Family Byron{n}", "kind": "household", "country": "DE", "city": "Kiel"}
    )
    firm.sql(
        "insert into invoices (tenant_id, account_id, number, issued_at, net_cents, tax_cents, total_cents, currency)"
        " values (%s, %s, %s, now(), 1, 0, 1, 'EUR')",
        *(firm.a, home["id"], f"R-{n}"),
    )
    done = desk.ends(desk.forgets("account", home["id"]))
    until = date(datetime.now(UTC).year + 10, 12, 31).isoformat()
    [kept] = [each for each in done["result"]["kept"] if each["table"] == "accounts"]
    assert (kept["columns"], kept["until"]) == (["name"], until)
    assert {each["verdict"] for each in done["result"]["proof"]["places"]} == {"kept"}
    assert done["status"] == "done"
    [row] = firm.sql("select name, city, deleted_at is null from accounts where id = %s", home["id"])
    assert row == (f"Family Byron{n}", None, False)
    assert firm.sql("select full_name from persons where id = %s", home["id"]) == [(None,)]

    firm.sql("update privacy_kept set until_date = current_date - 1 where row_id = %s", home["id"])
    asked = retention.ask_daily(firm.running.app.state.worker_database)
    assert firm.running.wait_for(asked) >= 1
    firm.work()
    assert firm.sql("select name from accounts where id = %s", home["id"]) == [("Erased person",)]


def test_a_word_that_is_left_is_found_and_said(desk, firm):
    ada = desk.contact()
    other = desk.contact(job_title=f"Friend of {ada['full_name']}")
    done = desk.ends(desk.forgets("contact", ada["id"]))
    assert done["status"] == "failed"
    left = [each for each in done["result"]["proof"]["places"] if each["verdict"] == "left"]
    assert {each["where"] for each in left} == {"events"}  # the row itself is somebody else's
    of_others = [e for e in done["result"]["proof"]["places"] if e["verdict"] == "of somebody else"]
    assert [(each["row_id"], each["columns"]) for each in of_others] == [(other["id"], ["job_title"])]


def test_an_address_that_contains_the_erased_one_stays(desk, firm):
    ada = desk.contact()
    longer = [f"jo{ada['email']}", f"jo.{ada['email']}", f"{ada['email']}.uk"]
    text = f"With {ada['email']},{ada['email'].upper()} and\n{ada['email']}\n{', '.join(longer)}"
    other = desk.contact(email=longer[0], attributes={"note": text})
    second = desk.contact(email=longer[2])
    done = desk.ends(desk.forgets("contact", ada["id"]))
    assert done["status"] == "done", done["result"]["proof"]["places"]
    left = desk.http.get(f"/api/v1/contacts/{other['id']}").json()["data"]
    assert left["email"] == longer[0]
    struck = f"With [erased],[erased] and\n[erased]\n{', '.join(longer)}"
    assert left["attributes"] == {"note": struck}
    assert desk.http.get(f"/api/v1/contacts/{second['id']}").json()["data"]["email"] == longer[2]


def test_a_hold_that_comes_between_stops_it(desk, firm):
    ada = desk.contact()
    request = desk.forgets("contact", ada["id"])
    hold = {"subject_kind": "contact", "subject_id": ada["id"], "reason": "lawsuit"}
    made = desk.post(f"{PRIVACY}/holds", hold)
    firm.work()
    failed = desk.http.get(f"{PRIVACY}/requests/{request['id']}").json()["data"]
    assert failed["status"] == "failed"
    assert "lawsuit" in failed["result"]["refused"]
    assert desk.http.get(f"/api/v1/contacts/{ada['id']}").json()["data"]["email"] == ada["email"]
    desk.post(f"{PRIVACY}/holds/{made['id']}/release")
    assert desk.ends(desk.post(f"{PRIVACY}/requests/{request['id']}/approve", {}))["status"] == "done"


def test_what_was_struck_out_cannot_be_written_anew(desk, firm):
    ada = desk.contact()
    state = firm.running.app.state
    firm.running.wait_for(seal(state.worker_database))
    assert desk.ends(desk.forgets("contact", ada["id"]))["status"] == "done"
    firm.running.wait_for(seal(state.worker_database))
    assert holds(firm)
    struck = "select id, after ->> 'job_title' from events where entity_id = %s and redacted_hash is not null"
    events = firm.sql(struck, ada["id"])
    assert {said for _, said in events} == {'{"erased": true}', None}  # made, and blanked
    firm.sql("""update events set after = '{"job_title": "Thief"}' where id = %s""", events[0][0])
    assert not holds(firm)


def test_leads_without_contact_are_erased_but_not_on_hold(desk, firm):
    people = [
        firm.sql(
            "insert into leads (tenant_id, full_name, email, source, cost_cents, currency, created_at)"
            " values (%s, %s, %s, 'web', 1, 'EUR', now() - interval '3 years') returning id::text",
            *(firm.a, f"Lead {n}", f"lead{n}@example.org"),
        )[0][0]
        for n in range(2)
    ]
    desk.post(f"{PRIVACY}/holds", {"subject_kind": "lead", "subject_id": people[1], "reason": "lawsuit"})
    rule = desk.post(f"{PRIVACY}/retention-rules", {"kind": "leads_without_contact", "is_active": True})
    assert rule["keep_days"] == 730
    desk.post(f"{PRIVACY}/retention-rules", {"kind": "leads_without_contact", "is_active": True}, 409)
    asked = [retention.ask_daily(firm.running.app.state.worker_database) for _ in range(2)]
    assert [firm.running.wait_for(each) for each in asked] == [1, 0]
    firm.work()
    emails = firm.sql("select email from leads where id = any(%s::uuid[]) order by full_name desc", people)
    assert emails == [("lead1@example.org",), (None,)]
    assert firm.sql("select count(*) from events where name = 'retention.applied'") == [(1,)]


def holds(firm) -> bool:
    import psycopg

    with psycopg.connect(firm.address.url("api")) as connection:
        connection.execute(
            "select set_config('app.tenant_id', %s, true), set_config('app.tenant_ids', %s, true)",
            (str(firm.a),) * 2,
        )
        found = connection.execute("select holds from verify_seals()").fetchall()
    assert found
    return all(each for (each,) in found)

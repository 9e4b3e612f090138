"""Calls that would take long become tasks: bulk calls and exports."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx

from serve.kernel.resources.bulk import MOST_AT_ONCE
from serve.platform.files.collector import Collector
from tests.serve.firm import Firm

ACCOUNTS, CONTACTS = "/api/v1/accounts", "/api/v1/contacts"
LATER = {"Prefer": "respond-async"}


def rows(count: int) -> tuple[str, list[dict[str, Any]]]:
    mark = uuid4().hex[:8]
    return mark, [{"name": f"{mark} {n}", "country": "DE"} for n in range(count)]


def stored(firm: Firm, mark: str) -> int:
    ((count,),) = firm.sql(
        "select count(*) from accounts where name like %s and deleted_at is null", f"{mark}%"
    )
    return int(count)


def ended(firm: Firm, client: httpx.Client, response: httpx.Response) -> dict[str, Any]:
    assert response.status_code == 202, response.text
    firm.work()
    return dict(client.get(response.headers["location"]).json()["data"])


class TestBulk:
    def test_many_rows_are_a_task(self, firm):
        owner, (mark, many) = firm.client(), rows(MOST_AT_ONCE + 1)
        response = owner.post(f"{ACCOUNTS}/bulk", json={"rows": many})
        assert stored(firm, mark) == 0
        task = ended(firm, owner, response)
        assert (task["status"], task["operation_id"]) == ("succeeded", "accounts.bulk_create")
        assert task["result"]["data"]["succeeded"] == MOST_AT_ONCE + 1
        assert stored(firm, mark) == MOST_AT_ONCE + 1

    def test_few_are_done_at_once_unless_asked_otherwise(self, firm):
        owner, (mark, few) = firm.client(), rows(2)
        assert owner.post(f"{ACCOUNTS}/bulk", json={"rows": few}).status_code == 200
        task = ended(firm, owner, owner.post(f"{ACCOUNTS}/bulk", json={"rows": few}, headers=LATER))
        assert (task["status"], stored(firm, mark)) == ("succeeded", 4)

    def test_changes_and_deletions_too(self, firm):
        owner, (mark, few) = firm.client(), rows(3)
        made = owner.post(f"{ACCOUNTS}/bulk", json={"rows": few}).json()["data"]["results"]
        ids = [each["id"] for each in made]
        changes = {"rows": [{"id": each, "city": mark} for each in ids]}
        assert (
            ended(firm, owner, owner.patch(f"{ACCOUNTS}/bulk", json=changes, headers=LATER))["result"][
                "status"
            ]
            == 200
        )
        assert firm.sql("select count(*) from accounts where city = %s", mark) == [(3,)]
        ended(firm, owner, owner.request("DELETE", f"{ACCOUNTS}/bulk", json={"ids": ids}, headers=LATER))
        assert stored(firm, mark) == 0

    def test_what_would_happen_is_said_at_once(self, firm):
        owner, (mark, few) = firm.client(), rows(2)
        answer = owner.post(f"{ACCOUNTS}/bulk", json={"rows": few}, headers=LATER | {"X-Dry-Run": "true"})
        assert (answer.status_code, answer.json()["data"]["succeeded"], stored(firm, mark)) == (200, 2, 0)

    def test_sent_again_with_its_key_it_is_the_same_task(self, firm):
        owner, (mark, few) = firm.client(), rows(2)
        sent = [
            owner.post(f"{ACCOUNTS}/bulk", json={"rows": few}, headers=LATER | {"Idempotency-Key": mark})
            for _ in range(2)
        ]
        assert sent[0].json() == sent[1].json()
        ended(firm, owner, sent[0])
        assert stored(firm, mark) == 2


class TestExports:
    def test_the_file_is_written_by_a_task_and_fetched_in_parts(self, firm):
        owner, (mark, few) = firm.client(), rows(3)
        owner.post(f"{ACCOUNTS}/bulk", json={"rows": few})
        asked = {"search": mark, "sort": "name", "fields": "name,city"}
        response = owner.get(f"{ACCOUNTS}/export", params=asked, headers=LATER)
        task = ended(firm, owner, response)
        assert (task["status"], task["result"]["row_count"], task["done_count"]) == ("succeeded", 3, 3)
        whole = owner.get(task["result"]["url"])
        assert whole.headers["content-type"].startswith("text/csv")
        assert [row["name"] for row in csv.DictReader(io.StringIO(whole.text))] == [
            each["name"] for each in few
        ]
        assert whole.content == owner.get(f"{ACCOUNTS}/export", params=asked).content
        part = owner.get(task["result"]["url"], headers={"Range": "bytes=0-3"})
        assert (part.status_code, part.content) == (206, whole.content[:4])

    def test_what_is_wrong_is_said_at_once(self, firm):
        owner = firm.client()
        for wrong in ({"format": "pdf"}, {"sort": "shoe"}, {"fields": "shoe"}, {"shoe": "1"}):
            assert owner.get(f"{ACCOUNTS}/export", params=wrong, headers=LATER).status_code == 422

    def test_that_people_were_taken_away_is_noted(self, firm):
        owner = firm.client()
        task = ended(firm, owner, owner.get(f"{CONTACTS}/export", params={"format": "jsonl"}, headers=LATER))
        found = firm.sql(
            "select actor_id, cause_id::text from events where name = 'contact.exported' and cause_id = %s",
            task["id"],
        )
        assert found == [(firm.people[firm.a, "owner"], task["id"])]

    def test_who_may_not_read_the_rows_gets_no_file(self, firm):
        agent = firm.client("agent")
        task = ended(firm, agent, agent.get(f"{CONTACTS}/export", headers=LATER))
        person = firm.people[firm.a, "agent"]
        for role, status in (("technician", 403), ("agent", 200)):
            firm.sql("update memberships set role = %s where user_id = %s", role, person)
            token, _ = firm.running.app.state.tokens.issue(
                person, email="agent@a.example", tenant_id=firm.a, tenant_ids=[firm.a], role=role
            )
            client = firm.running.client(Authorization=f"Bearer {token}")
            assert client.get(task["result"]["url"]).status_code == status
        assert firm.client(tenant=firm.b).get(task["result"]["url"]).status_code == 404

    def test_it_is_kept_for_a_day(self, firm):
        owner = firm.client()
        task = ended(firm, owner, owner.get(f"{ACCOUNTS}/export", headers=LATER))
        collector = Collector(
            firm.running.app.state.worker_database, firm.running.app.state.files.storage, kept_s=0
        )
        firm.running.wait_for(collector.collect(datetime.now(UTC) + timedelta(hours=12)))
        assert owner.get(task["result"]["url"]).status_code == 200
        firm.sql("update tasks set finished_at = now() - interval '25 hours' where id = %s", task["id"])
        firm.running.wait_for(collector.collect(datetime.now(UTC) + timedelta(hours=12)))
        gone = owner.get(task["result"]["url"])
        assert (gone.status_code, gone.json()["error"]["code"]) == (404, "EXPORT_NOT_READY")

"""Schedules over HTTP, and what becomes of them when their time comes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from serve.platform.schedules.firing import fire_due
from tests.serve.firm import Firm

PATH = "/api/v1/schedules"
ACCOUNT = {"name": "Made by the clock", "city": "Bremen", "country": "DE"}


@pytest.fixture
def owner(firm: Firm) -> httpx.Client:
    firm.sql("update schedules set status = 'paused', next_run_at = null where status = 'active'")
    firm.sql("update tasks set status = 'cancelled' where status in ('queued', 'running', 'paused')")
    return firm.client()


def make(client: httpx.Client, **changes: Any) -> dict[str, Any]:
    body = {"name": "Every hour", "operation_id": "vehicles.list", "cron": "0 * * * *"} | changes
    answer = client.post(PATH, json=body)
    assert answer.status_code == 201, answer.text
    return dict(answer.json()["data"])


def fire(firm: Firm, moment: datetime) -> int:
    return int(firm.running.wait_for(fire_due(firm.running.app.state.worker_database, moment)))


def due(schedule: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(schedule["next_run_at"])


def history(client: httpx.Client, schedule: dict[str, Any]) -> list[dict[str, Any]]:
    return list(client.get(f"{PATH}/{schedule['id']}/history").json()["data"])


class TestWriting:
    def test_it_knows_its_next_time(self, owner):
        schedule = make(owner, cron="30 7 * * 1-5", timezone="Europe/Berlin")
        answer = owner.get(f"{PATH}/{schedule['id']}/next-run").json()["data"]
        assert answer["next_run_at"] == schedule["next_run_at"]
        assert "T07:30:00+0" in answer["next_run_local"]
        assert answer["in_words"] == "At 07:30 on Monday through Friday"
        assert len(answer["upcoming"]) == 5

    @pytest.mark.parametrize(
        ("wrong", "field"),
        [
            ({"cron": "every day"}, "cron"),
            ({"cron": None}, "cron"),
            ({"run_at": "2030-01-01T00:00:00Z"}, "cron"),
            ({"cron": "0 0 30 2 *"}, "cron"),
            ({"timezone": "Bremen"}, "timezone"),
            ({"operation_id": "vehicles.fly"}, "operation_id"),
            ({"operation_id": "auth.login"}, "operation_id"),
            ({"operation_id": "vehicles.get"}, "params"),
            ({"overlap": "maybe"}, "overlap"),
            ({"catch_up_s": -1}, "catch_up_s"),
            ({"cron": None, "run_at": "2030-01-01T00:00:00"}, "run_at"),
        ],
    )
    def test_what_is_wrong_is_named(self, owner, wrong, field):
        body = {"name": "X", "operation_id": "vehicles.list", "cron": "0 * * * *"} | wrong
        answer = owner.post(PATH, json=body)
        assert answer.status_code == 422, answer.text
        assert [each["field"] for each in answer.json()["error"]["details"]] == [field]

    def test_nobody_schedules_what_they_may_not_do(self, firm, owner):
        body = {"name": "X", "operation_id": "api_keys.create", "cron": "0 * * * *", "params": {}}
        answer = firm.client("manager").post(PATH, json=body)
        assert answer.status_code in (403, 422), answer.text
        assert firm.client("technician").post(PATH, json=body).status_code == 403

    def test_a_change_moves_its_time_and_makes_it_act_as_the_one_who_changed_it(self, firm, owner):
        schedule = make(owner)
        manager = firm.client("manager")
        changed = manager.patch(f"{PATH}/{schedule['id']}", json={"cron": "0 0 1 1 *"}).json()["data"]
        assert changed["user_id"] == str(firm.people[firm.a, "manager"])
        assert due(changed) > due(schedule)

    def test_an_update_that_was_overtaken_is_refused(self, owner):
        schedule = make(owner)
        read = owner.get(f"{PATH}/{schedule['id']}")
        assert owner.patch(f"{PATH}/{schedule['id']}", json={"name": "Other"}).status_code == 200
        lost = owner.put(
            f"{PATH}/{schedule['id']}",
            json={"name": "Lost", "operation_id": "vehicles.list", "cron": "0 * * * *"},
            headers={"If-Match": read.headers["etag"]},
        )
        assert lost.status_code == 412

    def test_a_stranger_sees_nothing_of_it(self, firm, owner):
        schedule = make(owner)
        stranger = firm.client(tenant=firm.b)
        for method, path in (
            ("GET", ""),
            ("PUT", ""),
            ("DELETE", ""),
            ("GET", "/next-run"),
            ("GET", "/history"),
            ("POST", "/pause"),
            ("POST", "/resume"),
            ("POST", "/run-now"),
        ):
            body = (
                {"name": "X", "operation_id": "vehicles.list", "cron": "0 * * * *"}
                if method == "PUT"
                else None
            )
            assert stranger.request(method, f"{PATH}/{schedule['id']}{path}", json=body).status_code == 404


class TestFiring:
    def test_its_action_is_invoked_as_the_person_at_its_time_and_not_before(self, firm, owner):
        name = f"By the clock {uuid4()}"
        schedule = make(owner, operation_id="accounts.create", params=ACCOUNT | {"name": name})
        assert fire(firm, due(schedule) - timedelta(seconds=1)) == 0
        assert fire(firm, due(schedule)) == 1
        assert fire(firm, due(schedule)) == 0
        firm.work()
        ((account,),) = firm.sql("select id from accounts where name = %s", name)
        (run,) = history(owner, schedule)
        assert (run["outcome"], run["task_status"]) == ("started", "succeeded")
        assert datetime.fromisoformat(run["due_at"]) == due(schedule)
        assert firm.sql("select actor_id, cause_id from events where entity_id = %s", account) == [
            (firm.people[firm.a, "owner"], UUID(run["task_id"]))
        ]
        after = owner.get(f"{PATH}/{schedule['id']}").json()["data"]
        assert due(after) == due(schedule) + timedelta(hours=1)

    def test_two_clocks_fire_it_once(self, firm, owner):
        import asyncio

        schedule = make(owner)
        database = firm.running.app.state.worker_database

        async def both() -> list[int]:
            return list(await asyncio.gather(*(fire_due(database, due(schedule)) for _ in range(2))))

        assert sum(firm.running.wait_for(both())) == 1
        assert len(history(owner, schedule)) == 1

    def test_a_single_run_is_over_after_it(self, firm, owner):
        moment = datetime.now(UTC) + timedelta(minutes=1)
        schedule = make(owner, cron=None, run_at=moment.isoformat())
        assert fire(firm, moment) == 1
        row = owner.get(f"{PATH}/{schedule['id']}").json()["data"]
        assert (row["status"], row["next_run_at"]) == ("finished", None)
        assert owner.post(f"{PATH}/{schedule['id']}/resume").json()["error"]["code"] == "SCHEDULE_FINISHED"

    @pytest.mark.parametrize(
        ("overlap", "outcomes", "statuses"),
        [
            ("skip", ["skipped", "started"], [None, "queued"]),
            ("allow", ["started", "started"], ["queued", "queued"]),
            ("cancel_previous", ["started", "started"], ["queued", "cancelled"]),
            ("queue", ["waiting", "started"], [None, "queued"]),
        ],
    )
    def test_overlapping(self, firm, owner, overlap, outcomes, statuses):
        schedule = make(owner, overlap=overlap)
        fire(firm, due(schedule))
        fire(firm, due(schedule) + timedelta(hours=1))
        runs = history(owner, schedule)
        assert [run["outcome"] for run in runs] == outcomes
        assert [run["task_status"] for run in runs] == statuses

    def test_what_waits_begins_when_the_run_before_has_ended(self, firm, owner):
        schedule = make(owner, overlap="queue")
        fire(firm, due(schedule))
        fire(firm, due(schedule) + timedelta(hours=1))
        assert fire(firm, due(schedule) + timedelta(hours=1, minutes=1)) == 0
        firm.work()
        assert fire(firm, due(schedule) + timedelta(hours=1, minutes=2)) == 1
        assert [run["outcome"] for run in history(owner, schedule)] == ["started", "waiting", "started"]

    def test_times_that_passed_unseen_are_made_up_for_once(self, firm, owner):
        schedule = make(owner)
        fire(firm, due(schedule) + timedelta(hours=4, minutes=10))
        (run,) = history(owner, schedule)
        assert (run["outcome"], run["missed_count"]) == ("started", 4)
        assert datetime.fromisoformat(run["due_at"]) == due(schedule) + timedelta(hours=4)

    def test_what_is_too_late_is_noted_as_missed(self, firm, owner):
        schedule = make(owner, catch_up_s=60)
        fire(firm, due(schedule) + timedelta(minutes=10))
        (run,) = history(owner, schedule)
        assert (run["outcome"], run["task_id"]) == ("missed", None)

    def test_a_paused_one_lets_its_times_pass(self, firm, owner):
        schedule = make(owner)
        held = owner.post(f"{PATH}/{schedule['id']}/pause").json()["data"]
        assert (held["status"], held["next_run_at"]) == ("paused", None)
        assert fire(firm, due(schedule)) == 0
        again = owner.post(f"{PATH}/{schedule['id']}/resume").json()["data"]
        assert (again["status"], again["next_run_at"]) == ("active", schedule["next_run_at"])
        assert [name for name, *_ in firm.events(schedule["id"])] == [
            *("schedule.created", "schedule.paused", "schedule.resumed"),
        ]

    def test_a_deleted_one_has_no_time_any_more(self, firm, owner):
        schedule = make(owner)
        assert owner.delete(f"{PATH}/{schedule['id']}").status_code == 200
        assert fire(firm, due(schedule)) == 0


class TestNow:
    def test_it_is_invoked_at_once_as_the_one_who_asks(self, firm, owner):
        schedule = make(owner)
        manager = firm.client("manager")
        answer = manager.post(f"{PATH}/{schedule['id']}/run-now")
        assert (answer.status_code, answer.headers["location"]) == (202, answer.json()["data"]["url"])
        firm.work()
        task = manager.get(answer.json()["data"]["url"]).json()["data"]
        assert (task["status"], task["user_id"]) == ("succeeded", str(firm.people[firm.a, "manager"]))
        (run,) = history(owner, schedule)
        assert (run["trigger"], run["task_id"]) == ("person", task["id"])
        assert due(owner.get(f"{PATH}/{schedule['id']}").json()["data"]) == due(schedule)

    def test_not_beside_one_that_has_not_ended_unless_said(self, firm, owner):
        schedule = make(owner)
        path = f"{PATH}/{schedule['id']}/run-now"
        assert owner.post(path).status_code == 202
        busy = owner.post(path)
        assert (busy.status_code, busy.json()["error"]["code"]) == (409, "SCHEDULE_BUSY")
        assert owner.post(path, json={"despite_overlap": True}).status_code == 202

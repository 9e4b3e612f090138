"""Tasks as clients see them, and what they may ask of them."""

from __future__ import annotations

from typing import Any

import pytest

from serve.kernel.tasks import Work, enqueue
from serve.kernel.tasks.acting import acting_for


async def nothing(work: Work) -> Any:
    return {"n": work.params["n"]}


async def wrong(work: Work) -> Any:
    raise ValueError


class TestSeeing:
    def test_the_whole_story_of_one(self, desk, kind, firm):
        task_id = desk.ask(kind(nothing), params={"n": 1})
        owner = firm.client()
        assert owner.get(f"/api/v1/tasks/{task_id}").json()["data"]["status"] == "queued"
        firm.work()
        data = owner.get(f"/api/v1/tasks/{task_id}").json()["data"]
        assert (data["status"], data["result"], data["request_id"]) == ("succeeded", {"n": 1}, "r-1")
        history = owner.get(f"/api/v1/tasks/{task_id}/history").json()["data"]
        assert [each["name"] for each in history] == ["task.succeeded", "task.started", "task.created"]
        assert history[-1]["actor_name"] == "Owner of A"

    def test_steps_say_what_was_done_by_whom(self, desk, kind, firm):
        async def two(work: Work) -> Any:
            async def gives(db: Any) -> Any:
                return {"ok": True}

            await work.step("one", gives)
            await work.step("two", gives)

        task_id = desk.ask(kind(two))
        firm.work()
        answer = firm.client().get(f"/api/v1/tasks/{task_id}/steps").json()
        assert [(each["name"], each["worker"], each["output"]) for each in answer["data"]] == [
            ("one", "tests", {"ok": True}),
            ("two", "tests", {"ok": True}),
        ]
        assert answer["meta"]["total"] == 2

    def test_who_may_not_read_tasks_sees_his_own(self, desk, kind, firm):
        name = kind(nothing)
        theirs, own = desk.ask(name), desk.ask(name, role="technician")
        technician = firm.client("technician")
        assert [
            each["id"] for each in technician.get("/api/v1/tasks", params={"kind": name}).json()["data"]
        ] == [own]
        assert technician.get(f"/api/v1/tasks/{own}").status_code == 200
        assert technician.get(f"/api/v1/tasks/{theirs}").status_code == 404
        assert technician.post(f"/api/v1/tasks/{theirs}/cancel").status_code == 404
        assert technician.post(f"/api/v1/tasks/{own}/cancel").status_code == 200
        listed = firm.client().get("/api/v1/tasks", params={"kind": name}).json()["data"]
        assert {each["id"] for each in listed} == {own, theirs}

    def test_who_may_only_read_tasks_stops_none_but_his_own(self, desk, kind, firm):
        task_id = desk.ask(kind(nothing))
        viewer = firm.client("viewer")
        assert viewer.get(f"/api/v1/tasks/{task_id}").status_code == 200
        assert viewer.post(f"/api/v1/tasks/{task_id}/cancel").status_code == 404
        assert desk.status(task_id) == "queued"

    def test_a_task_is_nobody_elses(self, desk, kind, firm):
        task_id = desk.ask(kind(nothing))
        stranger = firm.client(tenant=firm.b)
        assert stranger.get(f"/api/v1/tasks/{task_id}").status_code == 404
        assert stranger.get(f"/api/v1/tasks/{task_id}/steps").status_code == 404
        assert stranger.post(f"/api/v1/tasks/{task_id}/cancel").status_code == 404


class TestAsking:
    def test_a_task_of_a_request_that_fails_is_never_there(self, desk, kind, firm):
        name = kind(nothing)
        caller = acting_for(firm.a, firm.people[firm.a, "owner"])

        async def undone() -> None:
            async with firm.running.app.state.database.transaction(caller) as db:
                await enqueue(db, name, {"n": 1}, title="Undone")
                raise ValueError

        with pytest.raises(ValueError):
            firm.running.wait_for(undone())
        assert firm.sql("select 1 from tasks where kind = %s", name) == []

    def test_what_is_queued_names_ids_and_nothing_else(self, desk, kind, firm):
        task_id = desk.ask(kind(nothing), params={"n": 7})
        ((queue, partition, inputs),) = firm.sql(
            "select s.queue_name, s.queue_partition_key, i.inputs from dbos.workflow_status s"
            " join dbos.workflow_input i using (workflow_uuid) where workflow_uuid = %s",
            f"{task_id}.1",
        )
        assert (queue, partition) == ("default", str(firm.a))
        assert inputs == (f'{{"positionalArgs" : ["{firm.a}","{task_id}",1], "namedArgs" : {{}}}}')

    def test_one_key_is_one_task(self, desk, kind, firm):
        name = kind(nothing)
        assert desk.ask(name, params={"n": 1}, key="only") is not None
        assert desk.ask(name, params={"n": 2}, key="only") is None
        assert desk.ask(name, params={"n": 2}, key="only", tenant=firm.b) is not None


class TestStopping:
    def test_cancelling_twice_is_once(self, desk, kind, firm):
        task_id = desk.ask(kind(nothing), params={"n": 1})
        owner = firm.client()
        assert owner.post(f"/api/v1/tasks/{task_id}/cancel").json()["data"]["status"] == "cancelled"
        assert owner.post(f"/api/v1/tasks/{task_id}/cancel").status_code == 200
        assert [name for name, *_ in firm.events(task_id)] == ["task.created", "task.cancelled"]
        assert firm.work() == 0

    def test_what_has_ended_cannot_be_stopped(self, desk, kind, firm):
        task_id = desk.ask(kind(nothing), params={"n": 1})
        firm.work()
        for verb, code in (
            ("cancel", "TASK_ENDED"),
            ("pause", "TASK_ENDED"),
            ("resume", "TASK_NOT_PAUSED"),
            ("retry", "TASK_NOT_FAILED"),
            ("dismiss", "TASK_NOT_DEAD"),
        ):
            answer = firm.client().post(f"/api/v1/tasks/{task_id}/{verb}")
            assert (answer.status_code, answer.json()["error"]["code"]) == (409, code)

    def test_a_failed_task_is_a_dead_letter_until_somebody_looks_after_it(self, desk, kind, firm):
        name = kind(wrong, most_attempts=1)
        first, second = desk.ask(name), desk.ask(name)
        firm.work()
        owner = firm.client()

        def dead() -> set[str]:
            return {each["id"] for each in owner.get("/api/v1/tasks/dead-letters").json()["data"]} & {
                first,
                second,
            }

        assert dead() == {first, second}
        assert owner.post(f"/api/v1/tasks/{first}/dismiss").json()["data"]["dismissed_at"]
        assert dead() == {second}
        assert owner.post(f"/api/v1/tasks/{second}/retry").json()["data"]["status"] == "queued"
        assert dead() == set()
        assert firm.work() == 1

    def test_retrying_from_the_beginning_forgets_what_was_done(self, desk, kind, firm):
        done: list[str] = []

        async def fails_late(work: Work) -> Any:
            async def first(db: Any) -> Any:
                done.append("first")

            await work.step("first", first, counts=1)
            raise ValueError

        task_id = desk.ask(kind(fails_late, most_attempts=1))
        firm.work()
        owner = firm.client()
        owner.post(f"/api/v1/tasks/{task_id}/retry", json={"start": "failed_step"})
        firm.work()
        assert done == ["first"]
        owner.post(f"/api/v1/tasks/{task_id}/retry", json={"start": "beginning"})
        firm.work()
        assert done == ["first", "first"]
        assert (desk.row(task_id)["round"], desk.row(task_id)["done_count"]) == (2, 1)

    def test_what_to_begin_with_is_checked(self, desk, kind, firm):
        task_id = desk.ask(kind(nothing))
        answer = firm.client().post(f"/api/v1/tasks/{task_id}/retry", json={"start": "middle"})
        assert answer.status_code == 422
        assert answer.json()["error"]["details"][0]["field"] == "start"

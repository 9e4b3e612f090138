"""What becomes of a task: each step once, whoever does it and however often it is begun."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

import pytest

from serve.kernel.errors import Conflict, OutsideFailed
from serve.kernel.tasks import OutcomeUnknown, Work
from serve.kernel.tasks.runner import Runner, pause_s
from tests.serve.firm import Firm
from tests.serve.tasks.conftest import Desk, count, note


class Boom(Exception):
    pass


class Died(BaseException):
    """As if the process had ended here: nothing is written any more."""


class TestSteps:
    def test_steps_are_done_in_order_and_the_result_is_kept(self, desk, kind, firm):
        async def handler(work: Work) -> Any:
            for n in range(3):
                await work.step(
                    f"note {n}", partial(note, title=f"{work.id} {n}"), counts=1, message=f"at {n}"
                )
            return {"notes": 3}

        task_id = desk.ask(kind(handler), total_count=3)
        assert firm.work() == 1
        row = desk.row(task_id)
        assert (row["status"], row["result"], row["done_count"], row["message"]) == (
            *("succeeded", {"notes": 3}),
            *(3, "at 2"),
        )
        assert [count(firm, f"{task_id} {n}") for n in range(3)] == [1, 1, 1]

    def test_what_a_step_gave_is_given_again_after_a_failure(self, desk, kind, firm):
        seen: list[Any] = []

        async def handler(work: Work) -> Any:
            async def first(db: Any) -> Any:
                await note(db, work.id)
                return {"made": 7}

            seen.append(await work.step("first", first))
            if len(seen) < 3:
                raise Boom
            return seen[-1]

        task_id = desk.ask(kind(handler))
        assert firm.work(waits_too=True) == 3
        assert seen == [{"made": 7}] * 3
        assert (desk.status(task_id), count(firm, task_id)) == ("succeeded", 1)

    def test_a_step_that_fails_leaves_nothing_of_what_it_wrote(self, desk, kind, firm):
        async def handler(work: Work) -> Any:
            async def half(db: Any) -> Any:
                await note(db, work.id)
                raise Boom

            await work.step("half", half)

        task_id = desk.ask(kind(handler, most_attempts=2))
        assert firm.work(waits_too=True) == 2
        row = desk.row(task_id)
        assert (row["status"], row["error"]["step"], row["error"]["attempt"]) == ("failed", "half", 2)
        assert count(firm, task_id) == 0

    def test_two_workers_in_one_run_do_each_step_once(self, desk, kind, firm):
        """As when a worker is taken for dead and is not."""
        both = asyncio.Barrier(2)

        async def handler(work: Work) -> Any:
            async def together(db: Any) -> Any:
                await both.wait()
                await note(db, work.id)
                return worker_of[id(work)]

            worker_of = {id(work): len(gave)}
            gave.append(None)
            return {"by": await work.step("together", together)}

        gave: list[Any] = []
        task_id = desk.ask(kind(handler))

        async def twice() -> None:
            state = firm.running.app.state
            run = desk.row(task_id)
            runners = [Runner(state.worker_database, name, state) for name in ("one", "two")]
            await asyncio.gather(*(each.run(run["tenant_id"], task_id, 1) for each in runners))

        firm.running.wait_for(twice())
        assert (desk.status(task_id), count(firm, task_id)) == ("succeeded", 1)

    def test_an_earlier_run_writes_nothing_once_another_has_begun(self, desk, kind, firm):
        async def handler(work: Work) -> Any:
            async def overtaken(db: Any) -> Any:
                if not overtakes:
                    overtakes.append(True)
                    await asyncio.to_thread(desk.set, work.id, run=2, status="queued")
                await note(db, work.id)

            await work.step("overtaken", overtaken)

        overtakes: list[bool] = []
        task_id = desk.ask(kind(handler))
        assert firm.work() == 2
        assert (desk.status(task_id), count(firm, task_id)) == ("succeeded", 1)


class TestOutside:
    def test_the_id_is_the_same_at_each_try(self, desk, kind, firm):
        ids: list[str] = []

        async def handler(work: Work) -> Any:
            async def send(stable_id: str) -> Any:
                ids.append(stable_id)
                if len(ids) < 3:
                    raise OutsideFailed("The post")
                return {"sent": stable_id}

            return await work.outside("send", send)

        task_id = desk.ask(kind(handler))
        assert firm.work(waits_too=True) == 3
        assert len(set(ids)) == 1
        assert desk.row(task_id)["result"] == {"sent": ids[0]}

    def test_what_must_not_happen_twice_is_not_repeated_after_an_unknown_end(self, desk, kind, firm):
        tries: list[str] = []

        async def handler(work: Work) -> Any:
            async def send(stable_id: str) -> Any:
                tries.append(stable_id)
                if len(tries) == 1:
                    raise Died
                return {}

            return await work.outside("send", send, repeatable=False)

        task_id = desk.ask(kind(handler))
        with pytest.raises(Died):
            firm.work()
        assert desk.status(task_id) == "running"
        desk.set(task_id, run=2, status="queued")  # taken over
        firm.work()
        row = desk.row(task_id)
        assert (row["status"], row["error"]["code"], len(tries)) == ("failed", OutcomeUnknown.code, 1)
        retried = firm.client().post(f"/api/v1/tasks/{task_id}/retry")
        assert retried.status_code == 200
        firm.work()
        assert (desk.status(task_id), len(tries), len(set(tries))) == ("succeeded", 2, 1)

    def test_an_unknown_end_that_the_step_tells_of_takes_one_word_of_a_person(self, desk, kind, firm):
        tries: list[str] = []

        async def handler(work: Work) -> Any:
            async def send(stable_id: str) -> Any:
                tries.append(stable_id)
                if len(tries) == 1:
                    raise OutcomeUnknown
                return {}

            return await work.outside("send", send, repeatable=False)

        task_id = desk.ask(kind(handler))
        firm.work()
        assert desk.row(task_id)["error"]["code"] == OutcomeUnknown.code
        firm.client().post(f"/api/v1/tasks/{task_id}/retry")
        firm.work()
        assert (desk.status(task_id), len(tries)) == ("succeeded", 2)


class TestTime:
    def test_a_step_that_takes_longer_than_its_kind_allows_leaves_nothing(self, desk, kind, firm):
        async def handler(work: Work) -> Any:
            async def slow(db: Any) -> Any:
                await note(db, work.id)
                await asyncio.sleep(60)

            await work.step("slow", slow)

        task_id = desk.ask(kind(handler, longest_s=0.1, most_attempts=2))
        assert firm.work(waits_too=True) == 2
        error = desk.row(task_id)["error"]
        assert (error["code"], error["attempt"], count(firm, task_id)) == ("TASK_STEP_TIMED_OUT", 2, 0)

    def test_nobody_knows_the_end_of_something_outside_that_was_cut_off(self, desk, kind, firm):
        async def handler(work: Work) -> Any:
            await work.outside("slow", lambda stable_id: asyncio.sleep(60), repeatable=False)

        task_id = desk.ask(kind(handler, longest_s=0.1))
        assert firm.work(waits_too=True) == 1
        assert desk.row(task_id)["error"]["code"] == OutcomeUnknown.code


class TestFailures:
    def test_what_is_wrong_with_the_task_itself_is_not_tried_again(self, desk, kind, firm):
        class Wrong(Conflict):
            code, message = "TESTS_WRONG", "That does not go."

        async def handler(work: Work) -> Any:
            raise Wrong(details=[("params.n", "is no number")])

        task_id = desk.ask(kind(handler))
        assert firm.work(waits_too=True) == 1
        error = desk.row(task_id)["error"]
        assert (error["code"], error["details"]) == (
            "TESTS_WRONG",
            [{"field": "params.n", "message": "is no number"}],
        )

    def test_what_we_did_wrong_is_not_told_to_the_client(self, desk, kind, firm):
        async def handler(work: Work) -> Any:
            raise Boom("secret")

        task_id = desk.ask(kind(handler, most_attempts=1))
        firm.work()
        assert desk.row(task_id)["error"]["code"] == "INTERNAL"
        assert "secret" not in str(desk.row(task_id))

    def test_a_step_that_ends_begins_the_count_of_tries_anew(self, desk, kind, firm):
        failures = iter([False, True, True, False, True, True, False])

        async def handler(work: Work) -> Any:
            async def maybe(db: Any) -> Any:
                if next(failures):
                    raise Boom

            for n in range(3):
                await work.step(f"step {n}", maybe)

        task_id = desk.ask(kind(handler, most_attempts=3))
        firm.work(waits_too=True)
        assert desk.status(task_id) == "succeeded"

    def test_a_task_that_kills_its_workers_is_given_up(self, desk, kind, firm):
        async def handler(work: Work) -> Any:
            raise Died

        task_id = desk.ask(kind(handler, most_attempts=2))
        for _ in range(2):
            with pytest.raises(Died):
                once_more(firm, desk, task_id)
        once_more(firm, desk, task_id)
        row = desk.row(task_id)
        assert (row["status"], row["error"]["code"]) == ("failed", "WORKER_DIED")

    def test_pauses_grow_are_spread_and_heed_what_a_service_asks_for(self):
        assert [pause_s(n, chance=lambda: 0.0) for n in (1, 2, 3)] == [0.5, 1.0, 2.0]
        busy = OutsideFailed("The post")
        busy.headers = {"Retry-After": "90"}
        assert pause_s(1, busy) == 90.0


def once_more(firm: Firm, desk: Desk, task_id: str) -> None:
    """The same run again, as after a restart of the worker."""
    row, state = desk.row(task_id), firm.running.app.state
    runner = Runner(state.worker_database, "tests", state)
    firm.running.wait_for(runner.run(row["tenant_id"], task_id, row["run"]))


class TestBeingStopped:
    def test_a_step_of_a_cancelled_task_writes_nothing(self, desk, kind, firm):
        async def handler(work: Work) -> Any:
            async def slow(db: Any) -> Any:
                await note(db, work.id)
                answer = await asyncio.to_thread(firm.client().post, f"/api/v1/tasks/{work.id}/cancel")
                assert answer.status_code == 200, answer.text

            await work.step("slow", slow)
            raise AssertionError("never reached")

        task_id = desk.ask(kind(handler))
        firm.work()
        assert (desk.status(task_id), count(firm, task_id)) == ("cancelled", 0)
        assert [name for name, *_ in firm.events(task_id)] == [
            "task.created",
            "task.started",
            "task.cancelled",
        ]

    def test_a_paused_task_goes_on_where_it_was(self, desk, kind, firm):
        async def handler(work: Work) -> Any:
            await work.step("one", lambda db: note(db, f"{work.id} one"))
            if not held:
                held.append(True)
                await asyncio.to_thread(firm.client().post, f"/api/v1/tasks/{work.id}/pause")
            await work.step("two", lambda db: note(db, f"{work.id} two"))

        held: list[bool] = []
        task_id = desk.ask(kind(handler))
        firm.work()
        assert (desk.status(task_id), count(firm, f"{task_id} one"), count(firm, f"{task_id} two")) == (
            "paused",
            1,
            0,
        )
        assert firm.client().post(f"/api/v1/tasks/{task_id}/resume").json()["data"]["status"] == "queued"
        firm.work()
        assert (desk.status(task_id), count(firm, f"{task_id} one"), count(firm, f"{task_id} two")) == (
            "succeeded",
            1,
            1,
        )

    def test_a_worker_that_is_about_to_end_hands_its_tasks_back(self, desk, kind, firm):
        async def handler(work: Work) -> Any:
            await work.step("one", lambda db: note(db, work.id))
            runner.is_stopping = True
            await work.step("two", lambda db: note(db, work.id))

        task_id = desk.ask(kind(handler))
        state = firm.running.app.state
        runner = Runner(state.worker_database, "ending", state)
        firm.running.wait_for(runner.run(desk.row(task_id)["tenant_id"], task_id, 1))
        row = desk.row(task_id)
        assert (row["status"], row["run"], row["attempt"]) == ("queued", 2, 1)
        runner.is_stopping = False
        firm.work()
        assert (desk.status(task_id), count(firm, task_id)) == ("succeeded", 2)

"""Guards of durable work, taken away one at a time: the check that stands for each must notice."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest

from serve.kernel.tasks import Work, presence, task, work, worker
from serve.kernel.tasks.kinds import KINDS
from serve.kernel.tasks.worker import Worker
from tests.serve.firm import Firm
from tests.serve.tasks.conftest import Desk, count, note
from tests.serve.tasks.test_worker import Staff
from tests.surface.calls import Surface

Patch = pytest.MonkeyPatch


@dataclass(frozen=True)
class Sabotage:
    harm: Callable[[Firm, Patch], None]
    check: Callable[[Firm], None]


def ask(firm: Firm, handler: Callable[[Work], Any]) -> tuple[Desk, str]:
    desk = Desk(firm)
    task("tests.sabotage")(handler)
    task_id = desk.ask("tests.sabotage")
    assert task_id is not None
    return desk, task_id


def instead(owner: object, name: str, part: str, careless: str) -> Callable[[Firm, Patch], None]:
    """A statement without one of its parts."""
    before = getattr(owner, name)
    assert part in before
    return lambda firm, patch: patch.setattr(owner, name, before.replace(part, careless))


# What should notice


def a_step_happens_once(firm: Firm) -> None:
    fails = iter([True, False])

    async def handler(work: Work) -> None:
        await work.step("one", partial(note, title=work.id))
        if next(fails):
            raise ValueError

    desk, task_id = ask(firm, handler)
    firm.work(waits_too=True)
    assert (desk.status(task_id), count(firm, task_id)) == ("succeeded", 1)


def a_run_that_was_overtaken_writes_nothing(firm: Firm) -> None:
    """It was cancelled, and tried again from the beginning, while a step of it ran."""
    overtakes: list[bool] = []

    async def handler(work: Work) -> None:
        async def step(db: Any) -> None:
            await note(db, work.id)
            if not overtakes:
                overtakes.append(True)
                path, owner = f"/api/v1/tasks/{work.id}", firm.client()
                stopped = await asyncio.to_thread(owner.post, f"{path}/cancel")
                again = await asyncio.to_thread(owner.post, f"{path}/retry", json={"start": "beginning"})
                assert (stopped.status_code, again.status_code) == (200, 200)

        await work.step("one", step)

    desk, task_id = ask(firm, handler)
    firm.work(waits_too=True)
    assert (desk.status(task_id), count(firm, task_id)) == ("succeeded", 1)


def a_task_waits_in_its_queue(firm: Firm) -> None:
    _, task_id = ask(firm, lambda work: asyncio.sleep(0))
    found = firm.sql("select status from dbos.workflow_status where workflow_uuid = %s", f"{task_id}.1")
    assert found == [("ENQUEUED",)]


def what_a_dead_worker_left_goes_on(firm: Firm, *, tries: int = 1) -> None:
    desk, task_id = ask(firm, lambda work: asyncio.sleep(0))
    staff = Staff(firm, desk)
    staff.running(task_id, "dead")
    staff.takes_over(staff.worker("one"))
    row = desk.row(task_id)
    assert (row["status"], row["run"], row["attempt"]) == ("queued", 2, 1 + tries)
    assert staff.queue(task_id) == {"1": "CANCELLED", "2": "ENQUEUED"}


def a_living_worker_keeps_its_own(firm: Firm) -> None:
    desk, task_id = ask(firm, lambda work: asyncio.sleep(0))
    staff = Staff(firm, desk)
    staff.running(task_id, "alive")
    staff.seen("alive")
    staff.takes_over(staff.worker("one"))
    assert desk.status(task_id) == "running"


def a_name_is_held_by_one(firm: Firm) -> None:
    staff = Staff(firm, Desk(firm))
    one, two = (staff.worker("one")._presence for _ in range(2))
    firm.running.wait_for(one.show())
    try:
        with pytest.raises(presence.NameTaken):
            firm.running.wait_for(two.show())
    except BaseException as failure:  # pytest's own is no AssertionError
        raise AssertionError("two of one name") from failure
    finally:
        firm.running.wait_for(one.leave())
        firm.running.wait_for(two.leave())


def steps_go_elsewhere(firm: Firm, patch: Patch) -> None:
    firm.sql("create table elsewhere (like task_steps); grant all on elsewhere to throughline_worker")
    patch.setattr(work, "_DONE", work._DONE.replace("insert into task_steps", "insert into elsewhere"))


async def _nothing(*asked: Any, **how: Any) -> int:
    return 0


SABOTAGES = {
    "the step row is not written with the effect": Sabotage(
        steps_go_elsewhere,
        a_step_happens_once,
    ),
    "the run is not compared at the end of a step": Sabotage(
        instead(work, "_DONE", "and run = $10 and status = 'running'", "and $10::int > 0"),
        a_run_that_was_overtaken_writes_nothing,
    ),
    "the trigger does not enqueue": Sabotage(
        lambda firm, patch: firm.sql("drop trigger enqueue_task on tasks") and None, a_task_waits_in_its_queue
    ),
    "nothing is taken over": Sabotage(
        lambda firm, patch: patch.setattr(Worker, "_hand_back", _nothing), what_a_dead_worker_left_goes_on
    ),
    "a claim of a dead worker stays": Sabotage(
        instead(worker, "_LET_GO", "status = 'PENDING'", "false"), what_a_dead_worker_left_goes_on
    ),
    "who kills its worker is not counted": Sabotage(
        instead(worker, "_HAND_BACK", "then $3 else 0 end", "then $3 * 0 else 0 end"),
        what_a_dead_worker_left_goes_on,
    ),
    "everybody is taken for dead": Sabotage(
        instead(worker, "_LIVING", "seen_at >", "false and seen_at >"), a_living_worker_keeps_its_own
    ),
    "a name is anybody's": Sabotage(
        instead(
            presence, "_HOLD", "pg_try_advisory_lock(hashtextextended('worker ' || $1, 0))", "$1::text <> ''"
        ),
        a_name_is_held_by_one,
    ),
}


@pytest.mark.parametrize("name", SABOTAGES)
def test_it_is_noticed(surface: Surface, monkeypatch: Patch, name: str):
    monkeypatch.setattr(presence, "NAME_FREE_WITHIN_S", 0.2)
    sabotage, firm, before = SABOTAGES[name], surface.firm, dict(KINDS)
    try:
        sabotage.check(firm)
        sabotage.harm(firm, monkeypatch)
        with pytest.raises(AssertionError):
            sabotage.check(firm)
    finally:
        KINDS.clear()
        KINDS.update(before)

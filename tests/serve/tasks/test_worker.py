"""What a worker does beside carrying tasks out: its name, its word that it lives, what it takes over and forgets."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from serve import doctor
from serve.kernel.db import Database
from serve.kernel.tasks import Work, presence
from serve.kernel.tasks.kinds import Queue, QueueMissing, check_queues
from serve.kernel.tasks.presence import NameTaken, Presence
from serve.kernel.tasks.worker import Worker
from tests.serve.firm import Firm
from tests.serve.manners.test_metrics import samples
from tests.serve.tasks.conftest import Desk, note
from warehouse.settings import Home

SILENT_S = 30.0


async def nothing(work: Work) -> Any:
    return None


@pytest.fixture
def staff(firm: Firm, desk: Desk) -> Iterator[Staff]:
    firm.sql("delete from task_workers; delete from dbos.workflow_status")
    staff = Staff(firm, desk)
    yield staff
    for database in staff.databases:
        firm.running.wait_for(database.close())


class Staff:
    """Workers that carry nothing out: DBOS is not asked."""

    def __init__(self, firm: Firm, desk: Desk) -> None:
        self.firm, self.desk = firm, desk
        self.databases: list[Database] = []

    def database(self) -> Database:
        address = self.firm.address.url("worker")
        self.databases.append(Database(lambda: address, size=3))
        return self.databases[-1]

    def worker(self, name: str) -> Worker:
        address = self.firm.address.url("worker")
        return Worker(
            address, self.database(), name=name, version="1", queues={}, at_once=1, silent_s=SILENT_S
        )

    def seen(self, name: str, *, ago_s: float = 0.0) -> None:
        self.firm.sql(
            "insert into task_workers (name, version, seen_at) values (%s, '1', now() - make_interval(secs => %s))"
            " on conflict (name) do update set seen_at = excluded.seen_at",
            *(name, ago_s),
        )

    def takes_over(self, worker: Worker, *, is_first: bool = False, hears: bool = True) -> int:
        worker._presence._listens_since -= 2 * SILENT_S if hears else 0
        return int(self.firm.running.wait_for(worker.take_over(is_first=is_first)))

    def running(self, task_id: str, worker: str, **columns: Any) -> None:
        """As if it had begun the task."""
        self.desk.set(task_id, status="running", worker=worker, **columns)
        self.firm.sql(
            "update dbos.workflow_status set status = 'PENDING', executor_id = %s where workflow_uuid = %s",
            *(worker, f"{task_id}.1"),
        )

    def queue(self, task_id: str) -> dict[str, str]:
        """Its entries in the queue, by run."""
        found = self.firm.sql(
            "select split_part(workflow_uuid, '.', 2), status from dbos.workflow_status where workflow_uuid like %s",
            f"{task_id}.%",
        )
        return dict(found)


class TestTakingOver:
    def test_what_a_dead_worker_left_is_queued_again(self, staff: Staff, kind: Callable[..., str]):
        task_id = staff.desk.ask(kind(nothing))
        staff.running(task_id, "dead")
        staff.seen("dead", ago_s=SILENT_S + 1)
        assert staff.takes_over(staff.worker("one")) == 1
        row = staff.desk.row(task_id)
        assert (row["status"], row["run"], row["attempt"], row["not_before"]) == ("queued", 2, 2, None)
        assert staff.queue(task_id) == {"1": "CANCELLED", "2": "ENQUEUED"}
        names = [name for name, *_ in staff.firm.events(task_id)]
        assert names[-1] == "task.handed_back"

    def test_tasks_of_several_tenants_are_taken_over_each_in_its_own_name(self, staff: Staff, kind: Any):
        name = kind(nothing)
        asked = [staff.desk.ask(name, tenant=tenant) for tenant in (staff.firm.a, staff.firm.b)]
        for task_id in asked:
            staff.running(task_id, "dead")
        assert staff.takes_over(staff.worker("one")) == 2
        found = staff.firm.sql(
            "select tenant_id, actor_kind from events where entity_id = any (%s::uuid[]) and name = 'task.handed_back'",
            asked,
        )
        assert sorted(found) == sorted([(staff.firm.a, "platform"), (staff.firm.b, "platform")])

    def test_what_a_living_one_runs_is_left_alone(self, staff: Staff, kind: Any):
        task_id = staff.desk.ask(kind(nothing))
        staff.running(task_id, "alive")
        staff.seen("alive", ago_s=SILENT_S / 2)
        assert staff.takes_over(staff.worker("one")) == 0
        assert staff.desk.status(task_id) == "running"

    def test_nobody_is_taken_for_dead_by_one_who_has_not_listened_long_enough(self, staff: Staff, kind: Any):
        task_id = staff.desk.ask(kind(nothing))
        staff.running(task_id, "silent")
        assert staff.takes_over(staff.worker("one"), hears=False) == 0

    def test_its_own_are_taken_over_at_once_at_the_start(self, staff: Staff, kind: Any):
        claimed, begun = (staff.desk.ask(kind(nothing)) for _ in range(2))
        staff.running(begun, "one")
        staff.running(claimed, "one")
        staff.desk.set(claimed, status="queued")  # claimed from the queue, and not begun
        assert staff.takes_over(staff.worker("one"), is_first=True, hears=False) == 2
        assert [staff.desk.row(each)["attempt"] for each in (claimed, begun)] == [1, 2]

    def test_a_claim_that_it_never_began_is_noticed_at_the_second_look(self, staff: Staff, kind: Any):
        task_id = staff.desk.ask(kind(nothing))
        staff.running(task_id, "one")
        worker = staff.worker("one")
        assert [staff.takes_over(worker) for _ in range(3)] == [0, 1, 0]

    def test_who_has_died_more_than_once_comes_back_at_a_moment_of_its_own(self, staff: Staff, kind: Any):
        asked = [staff.desk.ask(kind(nothing)) for _ in range(3)]
        for task_id in asked:
            staff.running(task_id, "dead", attempt=3)
        staff.takes_over(staff.worker("one"))
        assert len({staff.desk.row(task_id)["not_before"] for task_id in asked}) == 3

    @pytest.mark.parametrize("status", ["paused", "cancelled"])
    def test_what_a_person_stopped_is_not_queued_again(self, staff: Staff, kind: Any, status: str):
        task_id = staff.desk.ask(kind(nothing))
        staff.running(task_id, "dead")
        staff.desk.set(task_id, status=status)
        assert staff.takes_over(staff.worker("one")) == 0
        assert (staff.desk.status(task_id), staff.queue(task_id)) == (status, {"1": "CANCELLED"})


class TestPresence:
    def test_one_name_is_one_worker(self, staff: Staff, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr(presence, "NAME_FREE_WITHIN_S", 0.2)
        wait_for = staff.firm.running.wait_for
        first, second = (Presence(staff.database(), "one", "1", silent_s=SILENT_S) for _ in range(2))
        wait_for(first.show())
        with pytest.raises(NameTaken, match="set another WORKER_NAME"):
            wait_for(second.show())
        wait_for(first.leave())
        wait_for(asyncio.wait_for(second.show(), 10))
        wait_for(second.leave())

    def test_the_name_is_held_again_after_the_connection_was_lost(self, staff: Staff):
        wait_for = staff.firm.running.wait_for
        one = Presence(staff.database(), "one", "1", silent_s=SILENT_S)
        wait_for(one.show())
        staff.firm.sql(
            "select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory'"
            " and database = (select oid from pg_database where datname = current_database())"
        )
        with pytest.raises(Exception, match=r".*"):
            wait_for(one.show())
        wait_for(one.show())
        wait_for(one.leave())

    def test_after_a_silence_of_its_own_it_waits_for_the_word_of_others(self, staff: Staff):
        wait_for = staff.firm.running.wait_for
        one = Presence(staff.database(), "one", "1", silent_s=SILENT_S)
        wait_for(one.show())
        one._listens_since -= 2 * SILENT_S
        assert one.would_hear_others
        staff.seen("one", ago_s=SILENT_S + 1)
        wait_for(one.show())
        assert not one.would_hear_others
        wait_for(one.leave())


class TestForgetting:
    def test_what_ended_long_ago_is_gone_with_its_steps(self, staff: Staff, kind: Any):
        async def one_step(work: Work) -> Any:
            await work.step("one", partial(note, title=work.id))

        name = kind(one_step)
        old, young, stopped = (staff.desk.ask(name) for _ in range(3))
        theirs = staff.desk.ask(name, tenant=staff.firm.b)
        staff.desk.set(stopped, status="paused")
        staff.firm.work()
        long_ago = datetime.now(UTC) - timedelta(days=91)
        for task_id in (old, theirs):
            staff.desk.set(task_id, finished_at=long_ago)
        staff.desk.set(stopped, created_at=long_ago)
        assert staff.firm.running.wait_for(staff.worker("one").forget_tasks()) == 2
        asked = [old, young, stopped, theirs]
        left = staff.firm.sql("select id::text from tasks where id = any (%s::uuid[])", asked)
        assert {task_id for (task_id,) in left} == {young, stopped}
        steps = staff.firm.sql("select task_id::text from task_steps where task_id = any (%s::uuid[])", asked)
        assert steps == [(young,)]
        assert [name for name, *_ in staff.firm.events(theirs)][-1] == "task.removed"


class TestFigures:
    def test_metrics_tell_who_works_and_what_waits(self, staff: Staff, kind: Any):
        staff.seen("alive")
        staff.seen("dead", ago_s=3600)
        name = kind(nothing, queue="files")
        asked = [staff.desk.ask(name) for _ in range(3)]
        later = staff.desk.ask(name, not_before=datetime.now(UTC) + timedelta(hours=1))
        staff.running(asked[0], "alive")
        found = samples(staff.firm.client().get("/metrics").text)
        assert found["throughline_workers",] == 1
        assert found["throughline_tasks_waiting", ("queue", "files")] == 2
        assert found["throughline_tasks_running", ("queue", "files")] == 1
        assert staff.desk.status(later) == "queued"  # not due: it waits for its moment, not for a worker

    def test_the_doctor_says_it_too(self, staff: Staff, kind: Any, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr(doctor, "running", lambda home: staff.firm.address)
        home = Home(staff.firm.running.app.state.settings.throughline_home)
        assert [each.ok for each in doctor._tasks(home)] == [True]
        staff.desk.ask(kind(nothing))
        (finding,) = doctor._tasks(home)
        assert (finding.ok, finding.text) == (False, "no worker is running; waiting: 1 in default")
        staff.seen("alive")
        (finding,) = doctor._tasks(home)
        assert (finding.ok, finding.text) == (True, "tasks are carried out by alive; waiting: 1 in default")


def test_a_kind_whose_queue_nobody_looks_at_is_named(kind: Any):
    name = kind(nothing, queue="elsewhere")
    with pytest.raises(QueueMissing, match=f"no queue 'elsewhere', in which tasks of the kind '{name}' wait"):
        check_queues({"default": Queue(4), "files": Queue(2), "mails": Queue(2), "actions": Queue(4)})

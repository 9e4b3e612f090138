"""Durable work while its worker, the API and PostgreSQL are killed: nothing is lost, nothing is done twice."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import pytest

from tests.faults.labour import SOON_S, Labourer
from tests.faults.platform import until
from tests.faults.service import Service
from tests.faults.storm import Storm
from tests.faults.task_kinds import EFFECTS
from tests.faults.task_story import check, rest

STEPS = ["in 1", "out 2", "in 3"]
TORTURES, KILLS_EACH = 5, 20
STATEMENTS = 20
"""At least so many does one run of STEPS send to the database."""


@dataclass
class Office:
    """The service with its database, a tenant that asks for work, and the workers of the test."""

    service: Service
    tenant_id: UUID
    workers: list[Labourer] = field(default_factory=list)

    def worker(self, name: str = "worker-1", **settings: str) -> Labourer:
        self.workers.append(Labourer(self.service.home, name, settings))
        return self.workers[-1]

    def ask(
        self, steps: list[str], *, count: int = 1, tenant: UUID | None = None, **params: Any
    ) -> list[str]:
        kind = params.pop("kind", "tests.steps")
        body = {"kind": kind, "params": {"steps": steps, **params}, "count": count}
        client = self.service.client(tenant or self.tenant_id)
        answer = client.send("POST", "/api/v1/tests/tasks", json.dumps(body).encode())
        client.close()
        assert answer is not None
        assert answer.status == 200, answer
        return json.loads(answer.body)["data"]["ids"]  # type: ignore[no-any-return]

    def row(self, task_id: str) -> dict[str, Any]:
        ((row,),) = self.service.sql("select to_jsonb(t) from tasks t where id = %s", task_id)
        return dict(row)

    def status(self, task_id: str) -> str:
        return str(self.row(task_id)["status"])

    def until(self, task_id: str, *statuses: str, timeout_s: float = SOON_S) -> dict[str, Any]:
        until(
            lambda: self.status(task_id) in statuses,
            timeout_s=timeout_s,
            what=f"{task_id} is {' or '.join(statuses)}: {self.row(task_id)}",
        )
        return self.row(task_id)

    def effects(self, task_id: str) -> list[tuple[str, str]]:
        """(step, worker) in the order in which they happened."""
        return self.service.sql("select step, worker from effects where task_id = %s order by at", task_id)

    def told(self, task_id: str) -> int:
        """How often it was heard of outside."""
        file = self.workers[0].outside
        return file.read_text().count(task_id) if file.exists() else 0

    def call(self, task_id: str, verb: str, tenant: UUID | None = None) -> int:
        client = self.service.client(tenant or self.tenant_id)
        answer = client.send("POST", f"/api/v1/tasks/{task_id}/{verb}")
        client.close()
        assert answer is not None
        return answer.status

    def check(self, *acknowledged: str, failed: dict[str, str] | None = None) -> Any:
        rest(self.service)
        return check(self.service, self.workers[0].outside, acknowledged, failed)


@pytest.fixture(scope="module")
def open_office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("office") / "home"
    with Service.open(folder, app="tests.faults.task_kinds:create_app") as service:
        service.sql(EFFECTS)
        yield service


@pytest.fixture
def office(open_office: Service) -> Iterator[Office]:
    """Nothing is open and nobody works when a test begins."""
    open_office.sql("delete from task_workers")
    office = Office(open_office, open_office.tenant())
    try:
        yield office
    finally:
        for worker in office.workers:
            if worker.lives:
                worker.kill()
        open_office.sql(
            "delete from effects; delete from task_steps; delete from events; delete from tasks;"
            " delete from dbos.workflow_status; delete from dbos.application_versions"
        )
        (open_office.home.root / "outside.txt").unlink(missing_ok=True)


def killed_at(office: Office, points: list[str]) -> None:
    """One life after the other, each with work of its own, killed at its point; the last one finishes."""
    worker = office.worker()
    asked: list[str] = []
    for point in points:
        asked += office.ask(STEPS)
        worker.start(DIE_AT=point)
        assert worker.ended() == -9, worker.said()[-3000:]
    worker.start()
    assert office.check(*asked) == {"succeeded": len(points)}


def points() -> list[str]:
    return [f"{number} {when}" for number in range(1, STATEMENTS + 1) for when in ("before", "after")]


class TestKills:
    def test_a_worker_killed_at_a_statement_loses_and_doubles_nothing(self, office: Office):
        killed_at(office, random.Random(1).sample(points(), 3))

    @pytest.mark.torture
    def test_a_worker_killed_at_any_statement_loses_and_doubles_nothing(self, office: Office):
        killed_at(office, points())

    @pytest.mark.parametrize(("point", "told"), [("10 after", 0), ("11 before", 1)])
    def test_what_must_not_happen_twice_is_a_persons_after_a_kill(
        self, office: Office, point: str, told: int
    ):
        """Killed when it was noted as begun, and when it was done but not noted: nobody can tell which."""
        worker = office.worker()
        (task_id,) = office.ask(["in 1", "once 2", "in 3"])
        worker.start(DIE_AT=point)
        assert worker.ended() == -9
        worker.start()
        row = office.until(task_id, "failed", "succeeded")
        assert (row["error"]["code"], row["error"]["step"]) == ("OUTCOME_UNKNOWN", "once 2")
        assert office.check(task_id) == {"failed": 1}
        assert office.told(task_id) == told
        assert office.call(task_id, "retry") == 200
        office.until(task_id, "succeeded")
        assert office.told(task_id) == told + 1
        assert [step for step, _ in office.effects(task_id)] == ["in 1", "in 3"]

    def test_what_was_acknowledged_is_done_once_whoever_is_killed(self, office: Office):
        with Storm(office, seed="0") as storm:
            for victim in ("worker", "backend", "api", "worker", "server"):
                storm.kill(victim)
        storm.calm()

    @pytest.mark.torture
    @pytest.mark.parametrize("seed", range(TORTURES))
    def test_a_hundred_kills_lose_and_double_nothing(self, office: Office, seed: int):
        with Storm(office, seed=str(seed)) as storm:
            for _ in range(KILLS_EACH):
                storm.kill(
                    storm.draw.choice(["worker", "worker", "worker", "api", "api", "backend", "server"])
                )
        storm.calm()


class TestSeveral:
    def test_two_share_the_work_and_the_one_goes_on_with_what_the_other_left(self, office: Office):
        one, two = (office.worker(name, WORKER_SILENT_S="2").start() for name in ("one", "two"))
        tenants = [office.service.tenant() for _ in range(3)]
        asked = [
            task_id
            for each in tenants
            for task_id in office.ask(["in 1", "out 2", "in 3"], count=6, tenant=each, pause_s=0.2)
        ]
        until(lambda: self.at_work(office) == {"one", "two"}, timeout_s=SOON_S)
        killed_at_s = time.monotonic()
        one.kill()
        assert office.check(*asked) == {"succeeded": len(asked)}
        assert time.monotonic() - killed_at_s < 30
        assert two.lives

    def at_work(self, office: Office) -> set[str]:
        return {name for (name,) in office.service.sql("select worker from tasks where status = 'running'")}

    def test_a_second_one_of_the_same_name_does_not_start(self, office: Office):
        first = office.worker().start(wait=True)
        second = office.worker().start()
        assert second.ended() == 1
        assert "set another WORKER_NAME" in second.said()
        (task_id,) = office.ask(STEPS)
        office.until(task_id, "succeeded")
        assert first.lives

    def test_two_of_one_name_that_started_all_the_same_double_nothing_inside(self, office: Office):
        careless = "serve.kernel.tasks.presence:_HOLD=\"select $1::text <> '' as is_ours\""
        for _ in range(2):
            office.worker(WORKER_SILENT_S="1", PATCH=careless).start(wait=True)
        asked = office.ask(["in 1", "in 2", "in 3"], count=20, pause_s=0.1)
        assert office.check(*asked) == {"succeeded": 20}
        assert all(worker.lives for worker in office.workers)

    def test_a_claim_whose_begin_was_lost_is_noticed(self, office: Office):
        """As when the connection ends between the claim and its answer."""
        office.worker(WORKER_SILENT_S="2").start(wait=True)
        (task_id,) = office.ask(STEPS)
        office.until(task_id, "succeeded")
        with office.service.connect() as connection:
            connection.execute("set session_replication_role = replica")  # a task that no trigger enqueues
            connection.execute(
                "update tasks set status = 'queued', round = 2, run = 2, done_count = 0, params = %s where id = %s",
                [json.dumps({"steps": STEPS}), task_id],
            )
            connection.execute(
                "insert into dbos.workflow_status (workflow_uuid, status, name, executor_id, queue_name,"
                " queue_partition_key, application_name)"
                " values (%s, 'PENDING', 'run_task', 'worker-1', 'default', %s, 'throughline')",
                [f"{task_id}.2", str(office.tenant_id)],
            )
        until(lambda: office.row(task_id)["run"] == 3, timeout_s=15, what=office.workers[0].said()[-5000:])
        office.until(task_id, "succeeded")


class TestUpgrade:
    @pytest.mark.parametrize("how", ["stop", "kill"])
    def test_work_of_the_old_version_goes_on_under_the_new(self, office: Office, how: str):
        old = office.worker(WORKER_VERSION="1").start()
        asked = office.ask(STEPS, count=8, pause_s=0.3)
        until(lambda: office.service.sql("select count(*) > 2 from effects") == [(True,)], timeout_s=SOON_S)
        old.stop() if how == "stop" else old.kill()
        office.worker(WORKER_VERSION="2").start()
        assert office.check(*asked) == {"succeeded": 8}

    def test_an_old_version_leaves_new_work_alone_until_it_is_the_only_one(self, office: Office):
        new = office.worker("new", WORKER_VERSION="1", WORKER_SILENT_S="2").start(wait=True)
        new.stop()
        new.start(wait=True, WORKER_VERSION="2")
        office.worker("old", WORKER_VERSION="1", WORKER_SILENT_S="2").start(wait=True)
        asked = office.ask(STEPS, count=8, pause_s=0.1)
        assert office.check(*asked) == {"succeeded": 8}
        assert {worker for each in asked for _, worker in office.effects(each)} == {"new"}
        new.kill()  # for good: the release was taken back
        (late,) = office.ask(STEPS)
        office.until(late, "succeeded")
        assert {worker for _, worker in office.effects(late)} == {"old"}


class TestStopping:
    def test_the_running_step_ends_and_the_rest_is_handed_back(self, office: Office):
        worker = office.worker().start()
        (task_id,) = office.ask(["in 1", "in 2"], pause_s=1.0)
        office.until(task_id, "running")
        assert worker.stop() == 0
        row = office.row(task_id)
        assert (row["status"], row["run"], row["attempt"], row["done_count"]) == ("queued", 2, 1, 1)
        worker.start()
        assert office.check(task_id) == {"succeeded": 1}

    def test_a_step_that_takes_too_long_is_cut_off_and_done_later_once(self, office: Office):
        worker = office.worker(PATCH="serve.kernel.tasks.worker:LAST_WORDS_S=1").start()
        (task_id,) = office.ask(["in 1", "in 2"], pause_s=600)
        office.until(task_id, "running")
        until(lambda: writes_effects(office), timeout_s=SOON_S)
        assert worker.stop(timeout_s=15) == 0, worker.said()[-3000:]
        row = office.row(task_id)
        assert (row["status"], row["run"], row["attempt"], row["done_count"]) == ("queued", 2, 1, 0)
        office.service.sql("update tasks set params = params - 'pause_s' where id = %s", task_id)
        worker.start()
        assert office.check(task_id) == {"succeeded": 1}


def writes_effects(office: Office) -> bool:
    """Whether somebody is in the middle of a step."""
    return office.service.sql(
        "select count(*) > 0 from pg_locks where relation = 'effects'::regclass and mode = 'RowExclusiveLock'"
    ) == [(True,)]


class TestQueues:
    def test_many_tasks_of_one_tenant_do_not_starve_another(self, office: Office):
        """And at most so many of one tenant run at once as the setting says."""
        crowd, other = office.tenant_id, office.service.tenant()
        office.worker(TASK_QUEUES="default=3,files=2,mails=2,actions=2").start(wait=True)
        asked = office.ask(["in 1"], count=200, pause_s=0.05)
        (single,) = office.ask(["in 1"], tenant=other)
        office.until(single, "succeeded")
        ((ended,),) = office.service.sql(
            "select count(*) from tasks where tenant_id = %s and status = 'succeeded'", crowd
        )
        assert ended < 100
        assert office.check(*asked, single) == {"succeeded": 201}
        assert 1 < most_at_once(office, crowd) <= 3

    def test_a_rate_holds_over_every_window(self, office: Office):
        office.worker(TASK_QUEUES="default=4,files=8@5/1,mails=2,actions=2").start()
        asked = office.ask(["in 1"], count=15, kind="tests.files")
        assert office.check(*asked) == {"succeeded": 15}
        started = [
            ms
            for (ms,) in office.service.sql(
                "select started_at_epoch_ms from dbos.workflow_status where name = 'run_task' order by 1"
            )
        ]
        assert [each for each in zip(started, started[5:], strict=False) if each[1] - each[0] < 1000] == []

    def test_a_queue_that_nobody_looks_at_stops_the_start(self, office: Office):
        worker = office.worker(TASK_QUEUES="default=4,mails=2,actions=4").start()
        assert worker.ended() == 1
        assert "TASK_QUEUES names no queue 'files'" in worker.said()
        assert "Traceback" not in worker.said()


def most_at_once(office: Office, tenant_id: UUID) -> int:
    ((most,),) = office.service.sql(
        "select max(n) from (select (select count(*) from task_steps o where o.tenant_id = s.tenant_id"
        " and o.started_at <= s.started_at and o.finished_at > s.started_at) as n"
        " from task_steps s where s.tenant_id = %s) q",
        tenant_id,
    )
    return int(most)


class TestPeople:
    @pytest.mark.parametrize("seed", range(1))
    def test_what_was_said_of_a_task_holds(self, office: Office, seed: int):
        meddle(office, random.Random(seed), calls=60)

    @pytest.mark.torture
    @pytest.mark.parametrize("seed", range(1, 21))
    def test_what_was_said_of_a_task_holds_many_times(self, office: Office, seed: int):
        meddle(office, random.Random(seed), calls=200)


MAY = {
    "cancel": {"queued", "running", "paused", "cancelled"},
    "pause": {"queued", "running", "paused"},
    "resume": {"queued", "running", "paused"},
    "retry": {"failed", "cancelled"},
}
THEN = {
    "cancel": {"cancelled"},
    "pause": {"paused"},
    "resume": {"queued", "running", "succeeded"},
    "retry": {"queued", "running", "succeeded"},
}


def meddle(office: Office, draw: random.Random, *, calls: int) -> None:
    """Cancel, pause, resume and retry at random while a worker is at it; what was acknowledged decides."""
    office.worker().start()
    asked = office.ask([f"in {n}" for n in range(8)], count=6, pause_s=0.04)
    may_be = {task_id: {"queued", "running", "succeeded"} for task_id in asked}
    still: dict[str, Any] = {}
    for _ in range(calls):
        task_id, verb = draw.choice(asked), draw.choice([*MAY])
        status = office.call(task_id, verb)
        assert status in (200, 409), status
        if status == 200:
            assert may_be[task_id] & MAY[verb], (verb, may_be[task_id])
            may_be[task_id] = THEN[verb]
            still.pop(task_id, None)
            if verb in ("cancel", "pause"):
                still[task_id] = office.effects(task_id)
        elif verb != "retry" and verb != "resume":
            assert "succeeded" in may_be[task_id] or may_be[task_id] == {"cancelled"}
        for each, effects in still.items():
            assert office.effects(each) == effects, "it writes after it was stopped"
        time.sleep(draw.uniform(0, 0.03))  # the moment is what is drawn
    for task_id in asked:
        assert office.status(task_id) in may_be[task_id]
        if may_be[task_id] == {"paused"}:
            assert office.call(task_id, "resume") == 200
            may_be[task_id] = {"succeeded"}
        elif may_be[task_id] != {"cancelled"}:
            may_be[task_id] = {"succeeded"}
    office.check(*asked)
    assert {task_id: {office.status(task_id)} for task_id in asked} == may_be


class TestPoison:
    def test_a_task_that_kills_its_worker_is_given_up_and_the_others_go_on(self, office: Office):
        worker = office.worker()
        (poison,) = office.ask([], kind="tests.kills")
        others = office.ask(STEPS, count=5, pause_s=0.1)
        lives = 0
        while lives < 10 and office.status(poison) != "failed":
            worker.start()
            until(lambda: not worker.lives or office.status(poison) == "failed", timeout_s=SOON_S)
            lives += 1
        assert office.check(*others, failed={poison: "WORKER_DIED"}) == {"succeeded": 5, "failed": 1}
        assert lives == 4  # three ends, and the life that gives it up

    def test_a_task_that_stops_the_loop_is_found_out_and_given_up(self, office: Office):
        worker = office.worker(PATCH="serve.kernel.tasks.worker:BLOCKED_S=1")
        (poison,) = office.ask([], kind="tests.blocks")
        others = office.ask(STEPS, count=3)
        for _ in range(2):
            worker.start()
            assert worker.ended() == -9
        assert "in blocks" in worker.said()  # where it stood
        worker.start()
        assert office.check(*others, failed={poison: "WORKER_DIED"}) == {"succeeded": 3, "failed": 1}

    def test_a_step_without_an_end_is_cut_off_and_stops_nobody(self, office: Office):
        office.worker().start()
        (endless,) = office.ask([], kind="tests.never_ends")
        others = office.ask(STEPS, count=3)
        assert office.check(*others, failed={endless: "TASK_STEP_TIMED_OUT"}) == {"succeeded": 3, "failed": 1}

"""Actions as tasks: done later, once, as whoever asked for them and with what they may do then."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from serve.kernel.tasks.acting import acting_for
from serve.kernel.tasks.invoking import invoke_later
from tests.serve.firm import VAN, Firm
from tests.serve.tasks.conftest import Desk


@pytest.fixture
def ask(firm: Firm, desk: Desk):
    def ask(operation_id: str, params: dict[str, Any], *, role: str = "owner") -> str:
        caller = acting_for(firm.a, firm.people[firm.a, role])

        async def insert() -> Any:
            async with firm.running.app.state.database.transaction(caller) as db:
                return await invoke_later(db, operation_id, params)

        return str(firm.running.wait_for(insert())["id"])

    return ask


def vans(firm: Firm, registration: str) -> list[UUID]:
    return [each for (each,) in firm.sql("select id from vehicles where registration = %s", registration)]


def test_it_is_done_as_the_person_and_because_of_the_task(ask, desk, firm):
    task_id = ask("vehicles.create", VAN | {"registration": "T-1"})
    firm.work()
    (van,) = vans(firm, "T-1")
    row = desk.row(task_id)
    assert (row["status"], row["result"]["status"], row["result"]["data"]["id"]) == (
        "succeeded",
        201,
        str(van),
    )
    assert firm.sql("select actor_kind, actor_id, cause_id from events where entity_id = %s", van) == [
        ("user", firm.people[firm.a, "owner"], UUID(task_id))
    ]


def test_params_do_not_stay_longer_than_they_are_needed(ask, desk, firm):
    done = ask("vehicles.create", VAN | {"registration": "T-2"})
    refused = ask("vehicles.create", VAN | {"registration": "T-2"})
    firm.work()
    assert desk.row(done)["params"] == {}
    assert desk.row(refused)["params"]["params"]["registration"] == "T-2"


def test_what_the_action_refuses_is_why_the_task_failed(ask, desk, firm):
    task_id = ask("vehicles.create", VAN | {"model_year": "new"})
    assert firm.work(waits_too=True) == 1
    error = desk.row(task_id)["error"]
    assert (error["code"], error["details"][0]["field"]) == ("INVALID", "model_year")


def test_the_person_may_do_what_they_may_do_then(ask, desk, firm):
    task_id = ask("vehicles.create", VAN | {"registration": "T-3"}, role="viewer")
    firm.work(waits_too=True)
    assert (desk.row(task_id)["error"]["code"], vans(firm, "T-3")) == ("FORBIDDEN", [])


def test_who_has_left_does_nothing_any_more(ask, desk, firm):
    task_id = ask("vehicles.create", VAN | {"registration": "T-4"}, role="manager")
    person = firm.people[firm.a, "manager"]
    firm.sql("update users set is_active = false where id = %s", person)
    firm.work(waits_too=True)
    firm.sql("update users set is_active = true where id = %s", person)
    assert (desk.row(task_id)["error"]["code"], vans(firm, "T-4")) == ("PRINCIPAL_GONE", [])


def test_done_again_after_an_unknown_end_it_is_done_once(ask, desk, firm, monkeypatch):
    """The action was done, and the worker died before the task could say so."""
    task_id = ask("vehicles.create", VAN | {"registration": "T-5"})
    invoke = firm.running.app.state.actions.invoke
    answers: list[Any] = []

    class Died(BaseException):
        pass

    async def dies_after(*asked: Any, **how: Any) -> Any:
        answers.append(await invoke(*asked, **how))
        if len(answers) == 1:
            raise Died
        return answers[-1]

    monkeypatch.setattr(firm.running.app.state.actions, "invoke", dies_after)
    with pytest.raises(Died):
        firm.work()
    desk.set(task_id, run=2, status="queued")
    firm.work()
    assert desk.status(task_id) == "succeeded"
    assert len(vans(firm, "T-5")) == 1
    assert answers[0].data == answers[1].data

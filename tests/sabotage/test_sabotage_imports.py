"""Guards of imports taken away one at a time: what stands for each must notice."""

from __future__ import annotations

import csv
import io
from typing import Any
from uuid import uuid4

import pytest

from serve.kernel.resources import import_runs
from serve.kernel.resources.files import rejects as files
from serve.platform.imports import undoing
from serve.platform.imports.rules import Verdict
from tests.sabotage.test_sabotage import Patch, Sabotage, instead
from tests.serve.working import work
from tests.surface.calls import Surface

LEADS, IMPORTS = "/api/v1/leads", "/api/v1/imports"


def taken_in(surface: Surface, text: str) -> dict[str, Any]:
    owner, state = surface.firm.client("owner"), surface.firm.running.app.state
    sent = owner.post(f"{LEADS}/import", files={"file": ("rows.csv", text.encode())})
    assert sent.status_code == 202, sent.text
    surface.firm.running.wait_for(work(state))
    data: dict[str, Any] = sent.json()["data"]
    return data


def undone(surface: Surface, made: dict[str, Any]) -> dict[str, Any]:
    owner = surface.firm.client("owner")
    assert owner.post(f"{IMPORTS}/{made['id']}/undo").status_code == 202
    surface.firm.running.wait_for(work(surface.firm.running.app.state))
    data: dict[str, Any] = owner.get(f"{IMPORTS}/{made['id']}").json()["data"]
    return data


def row_of(surface: Surface, company: str) -> str:
    [(row_id,)] = surface.firm.sql("select id::text from leads where company = %s", company)
    return str(row_id)


def work_on_a_row_is_kept(surface: Surface) -> None:
    name = uuid4().hex
    made = taken_in(surface, f"company\n{name}\n")
    row_id = row_of(surface, name)
    surface.firm.client("owner").patch(f"{LEADS}/{row_id}", json={"phone": "1"})
    assert undone(surface, made)["left_count"] == 1


def what_others_refer_to_is_kept(surface: Surface) -> None:
    name = uuid4().hex
    made = taken_in(surface, f"company\n{name}\n")
    row_id = row_of(surface, name)
    noted = surface.firm.client("owner").post(f"{LEADS}/{row_id}/note", json={"body": "Six vans"})
    assert noted.status_code == 201, noted.text
    assert undone(surface, made)["left_count"] == 1


def who_may_not_write_any_more_undoes_nothing(surface: Surface) -> None:
    name, agent = uuid4().hex, surface.firm.client("agent")
    made = taken_in(surface, f"company\n{name}\n")
    assert agent.post(f"{IMPORTS}/{made['id']}/undo").status_code == 202
    person = surface.firm.people[surface.firm.a, "agent"]
    surface.firm.sql("update memberships set role = 'viewer' where user_id = %s", person)
    surface.firm.running.wait_for(work(surface.firm.running.app.state))
    surface.firm.sql("update memberships set role = 'agent' where user_id = %s", person)
    assert surface.firm.sql("select deleted_at from leads where company = %s", name) == [(None,)]


def no_formula_comes_back(surface: Surface) -> None:
    made = taken_in(surface, 'company,status\n"=cmd()",odd\n')
    sent = surface.firm.client("owner").get(f"{IMPORTS}/{made['id']}/rejects")
    [_, row] = csv.reader(io.StringIO(sent.content.decode("utf-8-sig")))
    assert row[1] == "'=cmd()"


def every_rejected_row_comes_back(surface: Surface) -> None:
    made = taken_in(surface, "company,status\n" + "A,odd\n" * 3)
    sent = surface.firm.client("owner").get(f"{IMPORTS}/{made['id']}/rejects")
    assert sent.status_code == 200, sent.text
    assert len(sent.text.splitlines()) == 4


async def _nothing(*asked: Any) -> list[str]:
    return []


async def _has_none(*asked: Any) -> bool:
    return False


def _anybody(surface: Surface, patch: Patch) -> None:
    """As if the task asked nobody what they may do now."""
    real = undoing.Work.person

    async def person(work: Any) -> Any:
        found = await real(work)
        return type("Anybody", (), {"permissions": {*found.permissions, "leads:write"}})()

    patch.setattr(undoing.Work, "person", person)


CASES = {
    "what was touched since": Sabotage(
        instead(undoing, "verdict", lambda *asked: Verdict("remove")), work_on_a_row_is_kept
    ),
    "what others refer to": Sabotage(instead(undoing, "_referring", _nothing), what_others_refer_to_is_kept),
    "who may undo now": Sabotage(_anybody, who_may_not_write_any_more_undoes_nothing),
    "formulas": Sabotage(instead(files, "disarm", lambda text: text), no_formula_comes_back),
    "the file is kept": Sabotage(
        instead(import_runs, "_has_rejects", _has_none), every_rejected_row_comes_back
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_it_is_noticed(surface: Surface, monkeypatch: Patch, name: str) -> None:
    sabotage = CASES[name]
    sabotage.check(surface)  # with the guard in its place
    sabotage.harm(surface, monkeypatch)
    with pytest.raises(AssertionError):
        sabotage.check(surface)

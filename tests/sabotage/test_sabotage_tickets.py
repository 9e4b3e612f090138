"""Guards of tickets taken away one at a time: what stands for each must notice."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from serve.crm.sla import hours
from serve.crm.tickets import escalation, merging, queries, satisfaction
from serve.crm.tickets import service as tickets
from tests.sabotage.test_sabotage import Patch, Sabotage, instead
from tests.serve.working import work
from tests.surface.calls import Surface
from tests.surface.operations import BY_NAME

TICKETS = "/api/v1/tickets"
HOUR = timedelta(hours=1)


def opened(surface: Surface, **fields: Any) -> dict[str, Any]:
    """A ticket that must be answered within an hour."""
    owner = surface.firm.client("owner")
    promised = {"name": "Usual", "is_default": True, "first_reply_minutes": 60}
    assert owner.post("/api/v1/sla-policies", json=promised).status_code in (201, 409)
    account = surface.make(BY_NAME["POST /api/v1/accounts"], None)["id"]
    made = owner.post(TICKETS, json={"subject": "Nobody came", "account_id": account, **fields})
    assert made.status_code == 201, made.text
    data: dict[str, Any] = made.json()["data"]
    return data


def look(surface: Surface, moment: datetime) -> None:
    state = surface.firm.running.app.state
    surface.firm.running.wait_for(escalation.queue_due(state.worker_database, moment))
    surface.firm.running.wait_for(work(state))


def what_is_late_is_told_once(surface: Surface) -> None:
    made = opened(surface)
    for _ in range(2):
        look(surface, datetime.now(UTC) + HOUR)
        surface.firm.sql("update tickets set check_at = now() where id = %s", made["id"])
    names = [name for name, *_ in surface.firm.events(made["id"])]
    assert names.count("ticket.breached") == 1


def a_pause_gives_time(surface: Surface) -> None:
    made = opened(surface)
    owner = surface.firm.client("owner")
    owner.patch(f"{TICKETS}/{made['id']}", json={"status": "pending"})
    look(surface, datetime.now(UTC) + HOUR)
    assert owner.get(f"{TICKETS}/{made['id']}").json()["data"]["is_breached"] is False


def customers_stay_apart(surface: Surface) -> None:
    one, other = opened(surface), opened(surface)
    merged = surface.firm.client("owner").post(f"{TICKETS}/{one['id']}/merge", json={"into_id": other["id"]})
    assert merged.status_code == 422


def nothing_is_rated_before_its_end(surface: Surface) -> None:
    made = opened(surface)
    rated = surface.firm.client("owner").post(f"{TICKETS}/{made['id']}/satisfaction", json={"rating": 1})
    assert rated.status_code == 409


def links_stay_within_the_customer(surface: Surface) -> None:
    owner = surface.firm.client("owner")
    contact = surface.make(BY_NAME["POST /api/v1/contacts"], None)["id"]
    theirs = surface.make(BY_NAME["POST /api/v1/accounts"], None)["id"]
    owner.patch(f"/api/v1/contacts/{contact}", json={"account_id": theirs})
    mine = surface.make(BY_NAME["POST /api/v1/accounts"], None)["id"]
    said = {"subject": "Whose?", "account_id": mine, "contact_id": contact}
    assert owner.post(TICKETS, json=said).status_code == 422


def weekends_are_free(surface: Surface) -> None:
    office = hours.Calendar("UTC", (((480, 1020),),) * 5 + ((), ()))
    friday = datetime(2026, 11, 20, 16, tzinfo=UTC)
    assert hours.add_worked(office, friday, 2 * HOUR) == datetime(2026, 11, 23, 9, tzinfo=UTC)


async def _says_again(*_: Any) -> bool:
    return True


async def _knows_nothing(*_: Any) -> list[Any]:
    return []


def _forgets_what_was_said(surface: Surface, patch: Patch) -> None:
    patch.setattr(queries, "say", _says_again)
    patch.setattr(queries, "said", _knows_nothing)


async def _takes_any(_: Any, wanted: Any, __: Any) -> dict[str, Any]:
    return {"account_id": wanted["account_id"]}


async def _always_open(_: Any, ticket: Any) -> list[tuple[datetime, str]]:
    return [(ticket["opened_at"], "open")]


def _runs_on(surface: Surface, patch: Patch) -> None:
    """Clocks that know of no pause."""

    async def noted(_: Any, __: Any, before: Any, *___: Any) -> list[tuple[datetime, str]]:
        return [(before["opened_at"], "open")]

    patch.setattr(tickets.Tickets, "noted", noted)
    patch.setattr(escalation, "history_of", _always_open)


SABOTAGES = {
    "nobody remembers what was told": Sabotage(_forgets_what_was_said, what_is_late_is_told_once),
    "pauses do not count": Sabotage(_runs_on, a_pause_gives_time),
    "any ticket is merged into any": Sabotage(
        instead(merging, "check_merge", lambda *_: None), customers_stay_apart
    ),
    "what is open is rated": Sabotage(
        instead(satisfaction, "check_rating", lambda *_: None), nothing_is_rated_before_its_end
    ),
    "contacts of others are taken": Sabotage(
        instead(tickets, "_linked", _takes_any), links_stay_within_the_customer
    ),
    "all time is working time": Sabotage(
        instead(hours, "_open_from", lambda _, begin: iter([(begin, begin + 1000 * HOUR)])), weekends_are_free
    ),
}


@pytest.mark.parametrize("name", SABOTAGES)
def test_it_is_noticed(name: str, surface: Surface, monkeypatch: Patch) -> None:
    sabotage = SABOTAGES[name]
    sabotage.check(surface)  # with the guard in its place
    sabotage.harm(surface, monkeypatch)
    with pytest.raises(AssertionError):
        sabotage.check(surface)

"""Guards of the work on leads taken away one at a time: what stands for each must notice."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from serve.crm.assignment import rules, sweeping
from serve.crm.leads import converting
from serve.crm.scoring import predicting
from tests.sabotage.test_sabotage import Patch, Sabotage, instead, sql
from tests.serve.crm import lead_model
from tests.surface.calls import Surface

LEADS = "/api/v1/leads"


def new(surface: Surface, tenant: Any = None, **fields: Any) -> dict[str, Any]:
    client = surface.firm.client("owner", tenant or surface.firm.a)
    made = client.post(LEADS, json={"full_name": "Ada", **fields})
    assert made.status_code == 201, made.text
    data: dict[str, Any] = made.json()["data"]
    return data


def what_was_worked_with_stays(surface: Surface) -> None:
    owner, lead = surface.firm.client("owner"), new(surface)
    made = owner.post(f"{LEADS}/{lead['id']}/convert", json={}).json()["data"]["conversion"]
    owner.post(f"/api/v1/contacts/{made['contact_id']}/notes", json={"body": "Called"})
    assert owner.post(f"{LEADS}/{lead['id']}/conversion/undo").status_code == 409


def a_lead_is_converted_once(surface: Surface) -> None:
    owner, lead = surface.firm.client("owner"), new(surface)
    codes = [owner.post(f"{LEADS}/{lead['id']}/convert", json={}).status_code for _ in range(2)]
    assert codes == [201, 409]


def nobody_gets_more_than_they_take(surface: Surface) -> None:
    owner, agent = surface.firm.client("owner"), str(surface.firm.people[surface.firm.a, "agent"])
    name = f"Most {datetime.now(UTC).timestamp()}"
    surface.firm.sql("update leads set owner_id = null, assign_at = null; delete from lead_assignment_rules")
    body = {"name": name, "members": [{"user_id": agent, "most_open": 2}]}
    assert owner.post("/api/v1/lead-assignment-rules", json=body).status_code == 201
    for _ in range(4):
        new(surface)
    state = surface.firm.running.app.state
    moment = datetime.now(UTC) + timedelta(seconds=1)
    assert surface.firm.running.wait_for(sweeping.assign_due(state.worker_database, moment)) == 2


def leads_of_those_who_left_are_handed_on(surface: Surface) -> None:
    ((user_id,),) = surface.firm.sql(
        "insert into users (email, full_name) values (gen_random_uuid() || '@example.org', 'Lea') returning id"
    )
    surface.firm.sql(
        "insert into memberships (user_id, tenant_id, role) values (%s, %s, 'agent')", user_id, surface.firm.a
    )
    lead, owner = new(surface, owner_id=str(user_id)), surface.firm.client("owner")
    assert owner.delete(f"/api/v1/admin/users/{user_id}").is_success
    state = surface.firm.running.app.state
    moment = datetime.now(UTC) + timedelta(seconds=1)
    surface.firm.running.wait_for(sweeping.assign_due(state.worker_database, moment))
    assert owner.get(f"{LEADS}/{lead['id']}").json()["data"]["owner_id"] is None


def another_tenants_model_says_nothing(surface: Surface) -> None:
    firm = surface.firm
    lead_model.publish(firm.running.app.state.models, firm.a)
    lead = new(surface)
    assert firm.client("owner").post(f"{LEADS}/{lead['id']}/score").status_code == 200
    theirs = new(surface, firm.b)
    assert firm.client("owner", firm.b).post(f"{LEADS}/{theirs['id']}/score").status_code == 503


async def _untouched(*_: Any) -> list[Any]:
    return []


def _again_and_again(surface: Surface, patch: Patch) -> None:
    """The rule and the key behind it: either alone would do."""
    patch.setattr(converting, "check_convertible", lambda _: None)
    surface.firm.sql("drop index lead_conversions_tenant_id_lead_id_key")


def _any_model(surface: Surface, patch: Patch) -> None:
    """Whoever asks is answered by the first tenant's model."""
    model_of = predicting.model_of

    async def of_a(registry: Any, _: Any) -> Any:
        return await model_of(registry, surface.firm.a)

    from serve.crm.scoring import service

    patch.setattr(service, "model_of", of_a)


def _has_room(member: Mapping[str, Any], desk: Any) -> bool:
    return True


SABOTAGES = {
    "what was made may be gone whatever was done with it": Sabotage(
        instead(converting, "_touched", _untouched), what_was_worked_with_stays
    ),
    "a lead is converted again and again": Sabotage(_again_and_again, a_lead_is_converted_once),
    "nobody has ever enough": Sabotage(
        instead(rules, "_has_room", _has_room), nobody_gets_more_than_they_take
    ),
    "who leaves keeps their leads": Sabotage(
        sql("drop trigger hand_on_leads on memberships"), leads_of_those_who_left_are_handed_on
    ),
    "one model answers for all": Sabotage(_any_model, another_tenants_model_says_nothing),
}


@pytest.mark.parametrize("name", SABOTAGES)
def test_it_is_noticed(name: str, surface: Surface, monkeypatch: Patch) -> None:
    sabotage = SABOTAGES[name]
    sabotage.check(surface)  # with the guard in its place
    sabotage.harm(surface, monkeypatch)
    with pytest.raises(AssertionError):
        sabotage.check(surface)

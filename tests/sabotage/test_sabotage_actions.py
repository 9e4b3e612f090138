"""Guards of actions, batches and MCP tools: each is taken away, and the test that stands for it must notice."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from serve.kernel import db, idempotency, layer, params
from serve.kernel.actions import invoke, principal_of, principals
from serve.kernel.inside import Inside, inside_of
from serve.kernel.ratelimit import Limits, Rate
from serve.kernel.routing import RouteTree
from serve.platform.actions import batch
from serve.platform.mcp import calls, confirmations
from serve.platform.mcp import endpoints as door
from serve.platform.mcp.confirmations import Confirmations
from tests.sabotage.test_sabotage import Patch, Sabotage, instead
from tests.surface.calls import Surface

ADA = {"full_name": "Ada Byron"}


def ask(surface: Surface, operation_id: str, params: dict[str, Any], **how: Any) -> Any:
    firm = surface.firm
    state = firm.running.app.state
    caller = firm.running.wait_for(
        principal_of(state.database, firm.a, user_id=firm.people[firm.a, how.pop("role", "owner")])
    )
    return firm.running.wait_for(state.actions.invoke(operation_id, params, caller, **how))


def made(surface: Surface) -> str:
    row_id: str = ask(surface, "contacts.create", ADA).data["id"]
    return row_id


def use(surface: Surface, tool: str, role: str = "owner", **arguments: Any) -> dict[str, Any]:
    message = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "tools/call",
        "params": {"name": tool, "arguments": arguments},
    }
    answer = surface.firm.client(role).post("/api/v1/mcp", json=message).json()
    told: dict[str, Any] = answer["result"]["structuredContent"]
    return told


def is_there(surface: Surface, row_id: str) -> bool:
    return surface.firm.sql("select 1 from contacts where id = %s and deleted_at is null", row_id) == [(1,)]


# What should notice


def actions_ask_for_the_permission(surface: Surface) -> None:
    assert ask(surface, "contacts.create", ADA, role="viewer").status == 403


def a_word_is_no_id(surface: Surface) -> None:
    row_id = made(surface)
    rows = {"rows": [{"id": row_id, "job_title": "Changed"}]}
    assert not ask(surface, "contacts.patch", {"id": "bulk", "body": rows}).succeeded


def actions_end(surface: Surface) -> None:
    actions, levels = surface.firm.running.app.state.actions, []
    firm = surface.firm
    caller = firm.running.wait_for(
        principal_of(firm.running.app.state.database, firm.a, user_id=firm.people[firm.a, "owner"])
    )

    async def again(scope: Any, body: bytes) -> Any:
        levels.append(1)
        assert len(levels) < 50, "it would never end"
        return await actions.invoke("contacts.list", {}, caller)

    call, actions._call = actions._call, again
    try:
        firm.running.wait_for(actions.invoke("contacts.list", {}, caller))
    finally:
        actions._call = call


def who_is_gone_acts_no_more(surface: Surface) -> None:
    user_id = surface.firm.people[surface.firm.a, "agent"]
    surface.firm.sql("update users set is_active = false where id = %s", user_id)
    try:
        with pytest.raises(principals.PrincipalGone):
            ask(surface, "contacts.list", {}, role="agent")
    except pytest.fail.Exception as failure:
        raise AssertionError(str(failure)) from failure
    finally:
        surface.firm.sql("update users set is_active = true where id = %s", user_id)


def a_dry_run_leaves_nothing(surface: Surface) -> None:
    tried = ask(surface, "contacts.create", ADA, dry_run=True)
    assert not is_there(surface, tried.data["id"])


def a_dry_run_of_what_cannot_be_undone_is_refused(surface: Surface) -> None:
    answer = surface.firm.client().post("/api/v1/settings/email/test", headers={"X-Dry-Run": "true"})
    assert answer.json().get("error", {}).get("code") == "DRY_RUN_NOT_POSSIBLE"


def events_name_the_cause(surface: Surface) -> None:
    cause = surface.firm.a
    row_id = ask(surface, "contacts.create", ADA, cause=cause).data["id"]
    assert surface.firm.sql("select cause_id from events where entity_id = %s", row_id) == [(cause,)]


def a_batch_is_no_way_around_rates(surface: Surface) -> None:
    manners = surface.firm.running.app.state.manners
    before, manners.limits = manners.limits, Limits({"write": Rate(1, 2)}, tenant_factor=10)
    operation = {"operation_id": "contacts.create", "params": ADA}
    try:
        answer = surface.firm.client().post("/api/v1/batch", json={"operations": [operation] * 3})
    finally:
        manners.limits = before
    assert [each["status"] for each in answer.json()["data"]["results"]] == [201, 429, 429]


def all_or_nothing(surface: Surface) -> None:
    before = surface.firm.sql("select count(*) from contacts")
    operations = [{"operation_id": "contacts.create", "params": each} for each in (ADA, {})]
    surface.firm.client().post("/api/v1/batch", json={"operations": operations, "mode": "all"})
    assert surface.firm.sql("select count(*) from contacts") == before


def risky_tools_ask_first(surface: Surface) -> None:
    row_id = made(surface)
    assert "confirmation" in use(surface, "contacts-delete", id=row_id)
    assert is_there(surface, row_id)


def a_confirmation_is_of_one_call(surface: Surface) -> None:
    one, other = made(surface), made(surface)
    token = use(surface, "contacts-delete", id=one)["confirmation"]["token"]
    use(surface, "contacts-delete", id=other, confirm=token)
    assert is_there(surface, other)


def a_confirmation_is_of_one_person(surface: Surface) -> None:
    row_id = made(surface)
    token = use(surface, "contacts-delete", id=row_id)["confirmation"]["token"]
    use(surface, "contacts-delete", "manager", id=row_id, confirm=token)
    assert is_there(surface, row_id)


def a_confirmation_counts_once(surface: Surface) -> None:
    row_id = made(surface)
    token = use(surface, "contacts-delete", id=row_id)["confirmation"]["token"]
    use(surface, "contacts-delete", id=row_id, confirm=token)
    ask(surface, "contacts.restore", {"id": row_id})
    use(surface, "contacts-delete", id=row_id, confirm=token)
    assert is_there(surface, row_id)


def pages_of_other_sites_are_refused(surface: Surface) -> None:
    answer = surface.firm.client().get("/api/v1/mcp", headers={"origin": "https://evil.example"})
    assert answer.status_code == 403


# Ways to do harm that take more than a line


def everybody_owns(surface: Surface, patch: Patch) -> None:
    patch.setattr(principals, "permissions_of", lambda role, own=None: {"contacts:write"})


def nobody_is_gone(surface: Surface, patch: Patch) -> None:
    person = principals._person

    async def careless(db: Any, tenant_id: Any, user_id: Any) -> Any:
        try:
            return await person(db, tenant_id, user_id)
        except principals.PrincipalGone:
            return await person(db, tenant_id, surface.firm.people[surface.firm.a, "owner"])

    patch.setattr(principals, "_person", careless)


def any_route_will_do(surface: Surface, patch: Patch) -> None:
    """The tree says that it is the route of whichever action asks."""
    asked: list[Any] = []
    of = invoke.Actions._request

    def request(self: Any, action: Any, *rest: Any) -> Any:
        asked.append(action.route)
        return of(self, action, *rest)

    patch.setattr(invoke.Actions, "_request", request)
    patch.setattr(RouteTree, "route_of", lambda self, scope: asked[-1])


def dry_runs_commit(surface: Surface, patch: Patch) -> None:
    async def done(request: Any, handler: Callable[..., Any]) -> Any:
        return await handler(request)

    patch.setattr(idempotency, "_undone", done)


def failures_go_on(surface: Surface, patch: Patch) -> None:
    async def careless(self: batch.Run, operations: Any) -> Any:
        return await self.each(operations)

    patch.setattr(batch.Run, "all", careless)


def confirmed_already(surface: Surface, patch: Patch) -> None:
    async def done(desk: calls.Desk, call: calls.Call) -> calls.Told:
        return calls._told(await calls._invoked(desk, call, dry_run=False))

    patch.setattr(calls, "_shown", done)


def spent_is_forgotten(surface: Surface, patch: Patch) -> None:
    spend = Confirmations.spend

    async def careless(self: Confirmations, *asked: Any) -> None:
        try:
            await spend(self, *asked)
        except confirmations.ConfirmationUsed:
            return

    patch.setattr(Confirmations, "spend", careless)


def digest_of(*parts: int) -> Callable[..., str]:
    """A digest of only some of what a confirmation is of: caller, operation, parameters."""
    return lambda *call: repr([call[part] for part in parts])


SABOTAGES: dict[str, Sabotage] = {
    "whoever acts by id may everything": Sabotage(everybody_owns, actions_ask_for_the_permission),
    "a word in the path is not looked at": Sabotage(any_route_will_do, a_word_is_no_id),
    "actions nest without end": Sabotage(instead(invoke, "MOST_LEVELS", 10**9), actions_end),
    "who was disabled still acts": Sabotage(nobody_is_gone, who_is_gone_acts_no_more),
    "dry runs are committed": Sabotage(dry_runs_commit, a_dry_run_leaves_nothing),
    "a dry run is not refused": Sabotage(
        instead(params, "offers_dry_run", lambda route: True), a_dry_run_of_what_cannot_be_undone_is_refused
    ),
    "the cause is forgotten": Sabotage(
        instead(invoke, "CAUSE", db.ContextVar("another", default=None)), events_name_the_cause
    ),
    "a batch counts once": Sabotage(
        instead(layer, "inside_of", lambda scope: inside_of(scope) and Inside(is_limited=False)),
        a_batch_is_no_way_around_rates,
    ),
    "what failed stays beside the rest": Sabotage(failures_go_on, all_or_nothing),
    "risky tools do it at once": Sabotage(confirmed_already, risky_tools_ask_first),
    "a confirmation is of any parameters": Sabotage(
        instead(confirmations, "_digest", digest_of(1)), a_confirmation_is_of_one_call
    ),
    "a confirmation is of anybody": Sabotage(
        instead(confirmations, "_digest", digest_of(1, 2)), a_confirmation_is_of_one_person
    ),
    "a confirmation is good for ever": Sabotage(spent_is_forgotten, a_confirmation_counts_once),
    "pages of other sites come in": Sabotage(
        instead(door, "_check_door", lambda request, caller: None), pages_of_other_sites_are_refused
    ),
}


@pytest.mark.parametrize("name", SABOTAGES)
def test_it_is_noticed(surface: Surface, monkeypatch: Patch, name: str):
    sabotage = SABOTAGES[name]
    sabotage.check(surface)
    sabotage.harm(surface, monkeypatch)
    with pytest.raises(AssertionError):
        sabotage.check(surface)

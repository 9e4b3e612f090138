"""Every operation has an id for good and a risk that fits what it does."""

from __future__ import annotations

import re

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute

from serve.app import create_app
from serve.kernel.actions import name_operations
from serve.kernel.actions.naming import AmbiguousOperation
from serve.kernel.risk import acts, offers_dry_run, risk_of
from serve.platform.actions import names

APP = create_app()
ACTIONS = list(APP.state.actions)
OPERATIONS = list(APP.state.actions.operations())


def test_the_page_of_all_actions_is_up_to_date():
    made = names.as_markdown(names.known())
    assert names.PAGE.read_text() == made, "python -m serve.platform.actions.names"


def test_each_operation_has_its_id_and_each_address_leads_to_one():
    by_endpoint = {action.route.endpoint: action.id for action in OPERATIONS}
    ids = [route.operation_id for route in APP.routes if isinstance(route, APIRoute)]
    assert len(ids) == len(set(ids))
    for route in APP.routes:
        if isinstance(route, APIRoute):
            assert route.operation_id.split(".as_")[0] == by_endpoint[route.endpoint]


@pytest.mark.parametrize(
    ("operation_id", "address"),
    [
        ("auth.me", "GET /api/v1/auth/me"),
        ("audit.log", "GET /api/v1/audit"),
        ("auth.log_in", "POST /api/v1/auth/login"),
        ("notifications.mark_all_read", "PATCH /api/v1/notifications/read-all"),
    ],
)
def test_of_several_addresses_one_is_canonical(operation_id, address):
    (action,) = [each for each in OPERATIONS if each.id == operation_id]
    assert f"{action.method} {action.path}" == address


def test_what_takes_away_or_changes_much_is_risky():
    for action in OPERATIONS:
        if action.method == "DELETE" or action.path.endswith("/bulk"):
            assert action.risk == "risky", action
        if re.search(r"/(settings|api-keys)(/|$)", action.path) and action.method != "GET":
            assert action.risk == "risky", action
        if action.method == "GET":
            assert action.risk == "read", action


@pytest.mark.parametrize(
    "operation_id",
    ["schedules.create", "schedules.patch", "schedules.run_now", "mails.create", "limits.change_limits"],
)
def test_what_sets_others_in_motion_is_risky(operation_id):
    (action,) = [each for each in OPERATIONS if each.id == operation_id]
    assert action.risk == "risky"


def test_what_shows_secrets_or_belongs_to_a_session_is_no_action():
    ids = {action.id for action in ACTIONS}
    assert not ids & {"auth.log_in", "auth.refresh", "auth.log_out", "auth.change_me", "api_keys.create"}
    assert not {each for each in ids if each.endswith((".import", ".export", ".import_template"))}


def test_a_route_may_say_otherwise():
    app = FastAPI()

    @app.post("/api/v1/x/send", **acts(risk="risky"))
    async def send() -> None: ...

    @app.post("/api/v1/x/search")
    async def search() -> None: ...

    @app.post("/api/v1/x/search/delete")
    async def delete() -> None: ...

    risks = {route.name: risk_of(route) for route in app.routes if isinstance(route, APIRoute)}
    assert (risks["send"], risks["search"], risks["delete"]) == ("risky", "read", "write")
    assert not offers_dry_run(app.routes[-1])


def test_two_operations_of_one_name_stop_the_start():
    app = FastAPI()

    @app.get("/one", name="things.get")
    async def one() -> None: ...

    @app.get("/two", name="things.get")
    async def two() -> None: ...

    with pytest.raises(AmbiguousOperation, match=r"things\.get is /one and /two"):
        name_operations(app.routes[-2:])


@pytest.mark.parametrize("name", ["Things.get", "things.get-all", "things." + "x" * 60])
def test_a_name_that_is_no_id_stops_the_start(name):
    app = FastAPI()
    app.get("/one", name=name)(lambda: None)
    with pytest.raises(AmbiguousOperation):
        name_operations(app.routes[-1:])

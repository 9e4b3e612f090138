"""Every route keeps the promises of the API; a new one is covered the moment it is registered.

Who is asked what follows from the route and the document. What a promise is not asked of stands in ``LEFT_OUT`` with
the reason.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from fastapi.routing import APIRoute

from serve.kernel.idempotency import RepeatableRoute
from tests.surface import checks
from tests.surface.calls import Surface
from tests.surface.operations import OPERATIONS, PAGES, ROUTES, Operation

Check = Callable[[Surface, Operation], None]

SSO = "/api/v1/auth/sso"
BACK = (f"GET {SSO}/oidc/{{connection_id}}/callback", f"POST {SSO}/saml/{{connection_id}}/acs")
SIGN_IN = (
    *BACK,
    f"GET {SSO}/{{connection_id}}/start",
    f"GET {SSO}/finish",
    f"GET {SSO}/saml/{{connection_id}}/metadata",
)
TELLS = "leads a browser on, or takes a provider's word: tests/serve/identity/sso asks it with real providers"
OPEN = "whoever signs in is nobody's yet, and knows the connection's number"

ENDS_A_TENANT = "it would end the tenant that all others are asked of: tests/serve/identity/test_closing.py"
UMBRELLAS = dict.fromkeys(
    (
        "POST /api/v1/tenants/{id}/umbrella-requests",
        "POST /api/v1/tenants/{id}/umbrella-requests/{request_id}/accept",
    ),
    "is for tenants without an umbrella, which `a` has: tests/serve/identity/test_umbrellas.py",
)
SIGNS_OUT = "it would sign out whoever all others are asked by: tests/serve/identity/test_sign_out.py"
FOLLOWED_UP = dict.fromkeys(
    (
        *(f"{verb} /api/v1/sla-policies/{{id}}" for verb in ("PUT", "PATCH", "DELETE")),
        *(f"{verb} /api/v1/business-calendars/{{id}}" for verb in ("PUT", "PATCH")),
        "POST /api/v1/sla-policies/{id}/restore",
    ),
    "open tickets follow by a task, which is an event too: tests/serve/crm/tickets/test_service_levels.py",
)
LEFT_OUT: dict[str, dict[str, str]] = {
    "writes_are_events": FOLLOWED_UP,
    "lists_nothing_of_other_tenants": {
        "GET /api/v1/b2b/white-label/customization/versions/{number}": "each tenant counts its versions for itself",
        "GET /api/v1/privacy/consents/current": "asks about one person, who is nobody at other tenants",
        "GET /api/v1/knowledge-base/suggestions": "asks about one ticket, which is none at other tenants",
    },
    "repeats_are_one": {
        "POST /api/v1/tenants/{id}/close": ENDS_A_TENANT,
        "POST /api/v1/admin/users/sign-out": SIGNS_OUT,
        **UMBRELLAS,
    },
    "answers_as_documented": {
        "POST /api/v1/admin/users/sign-out": SIGNS_OUT,
        "POST /api/v1/tenants/{id}/close": ENDS_A_TENANT,
        **UMBRELLAS,
        "DELETE /api/v1/privacy/me": "ends the person who asks; tests/journeys/test_privacy.py does that",
        **dict.fromkeys(SIGN_IN, TELLS),
    },
    "does_not_know_unknown_ids": {},
    "hides_other_tenants": dict.fromkeys(SIGN_IN, OPEN),
    "leaves_children_to_themselves": {f"POST {SSO}/saml/{{connection_id}}/acs": OPEN},
    "refuses_unknown_parameters": dict.fromkeys(BACK, "providers add what they like to what they send back"),
    "refuses_extra_properties": {"POST /api/v1/mcp": "JSON-RPC leaves out what it does not know"},
    "refuses_malformed_bodies": {
        "POST /api/v1/mcp": "JSON-RPC says in its own words what is wrong with a message"
    },
}
"""By promise: operations that it is not asked of, and why."""

CHANGES = {"POST", "PUT", "PATCH", "DELETE"}


def _is_resource(operation: Operation) -> bool:
    """Whether it is a generated call that changes rows of a resource."""
    return operation.route.endpoint.__module__ in (
        "serve.kernel.resources.endpoints",
        "serve.kernel.resources.bulk",
    )


WHO: dict[Check, Callable[[Operation], bool]] = {
    checks.refuses_strangers: lambda each: not each.is_public,
    checks.refuses_roles_without_the_permission: lambda each: not each.is_public,
    checks.refuses_cookies_without_the_header: lambda each: not each.is_public and each.method in CHANGES,
    checks.hides_other_tenants: lambda each: bool(each.ids),
    checks.leaves_children_to_themselves: lambda each: bool(each.ids) and each.method in CHANGES,
    checks.lists_nothing_of_other_tenants: lambda each: (
        each.method == "GET" and not each.is_public and not each.ids
    ),
    checks.refuses_malformed_bodies: lambda each: each.takes_json,
    checks.refuses_extra_properties: lambda each: each.takes_json,
    checks.refuses_large_bodies: lambda each: each.takes_json,
    checks.refuses_unknown_parameters: lambda each: True,
    checks.refuses_endless_pages: lambda each: bool(
        each.parameters("query").keys() & {"page", "per_page", "limit", "offset"}
    ),
    checks.does_not_know_unknown_ids: lambda each: bool(each.ids),
    checks.answers_as_documented: lambda each: True,
    checks.updates_ask_for_the_version: lambda each: any(
        parameter["name"].lower() == "if-match" for parameter in each.documented.get("parameters", ())
    ),
    checks.repeats_are_one: lambda each: isinstance(each.route, RepeatableRoute) and each.route.is_repeatable,
    checks.filters_choose: lambda each: (
        each.name.startswith("GET")
        and "ids" in each.parameters("query")
        and each.route.response_model is not None
        and "per_page" in each.parameters("query")
    ),
    checks.writes_are_events: lambda each: _is_resource(each) and each.method in CHANGES,
}

AT_EVERY_ADDRESS = {
    *(checks.refuses_strangers, checks.refuses_roles_without_the_permission, checks.hides_other_tenants),
    *(
        checks.leaves_children_to_themselves,
        checks.lists_nothing_of_other_tenants,
        checks.answers_as_documented,
    ),
}
"""What is asked of the further addresses of a call too; the rest is the handler's, which is the same one."""

PROMISES = [
    pytest.param(check, operation, id=f"{check.__name__}-{operation.name}")
    for check, applies in WHO.items()
    for operation in OPERATIONS
    if applies(operation)
    and (operation.canonical is operation or check in AT_EVERY_ADDRESS)
    and operation.name not in LEFT_OUT.get(check.__name__, {})
]


FREE = {
    "attributes": "whatever the client keeps with a row",
    "before": "the columns that an event changed, of any entity",
    "after": "the columns that an event changed, of any entity",
    "value": "of a column, or of a feature of a model: of any kind",
    "score_reasons": "as the model wrote them with the score",
    "churn_reasons": "as the model wrote them with the score",
    "failure_reasons": "as the model wrote them with the score",
    "backtest": "measures by their names, which are the model's",
    "baseline": "measures by their names, which are the model's",
    "by": "groups by the column that was asked for",
    "by_name": "counts by the name of an event",
    "by_kind": "counts by the kind of a notification",
    "migration_path": "by the call that goes away",
    "etags": "by the category of settings",
    "result": "what a task gave, of any kind",
    "params": "what a schedule invokes its action with",
    "output": "what a step of a task gave",
    "data": "rows of a metric query: their columns are those asked for; of a batch: whatever the operation answers",
    "meta": "of an operation of a batch: whatever the operation says",
    "details": "of an operation of a batch",
    "values": "a row of a file, by the fields that its columns are",
    "moved": "counts by the table whose rows were moved",
    "features": "what a model looks at, by the names that it has for them",
    "activity_counts": "counts by the kind of an activity",
    "by_status": "counts by status",
    "by_segment": "counts by segment",
    "conditions": "a tree of conditions, as it was written",
    "input_schema": "a JSON Schema",
    "output_schema": "a JSON Schema",
}
"""Properties of answers that hold a map or a value whose shape nobody knows before, and why."""


@pytest.mark.parametrize(("check", "operation"), PROMISES)
def test_a_promise_is_kept(surface: Surface, check: Check, operation: Operation):
    check(surface, operation)


def test_answers_are_closed():
    """No object that is answered could hold more than the document says."""
    answers = [answer for each in OPERATIONS for answer in each.documented["responses"].values()]
    schemas = [content["schema"] for answer in answers for content in answer.get("content", {}).values()]
    assert checks.open_properties(schemas).keys() == FREE.keys(), checks.open_properties(schemas)


def test_every_route_is_an_operation_or_a_page():
    hidden = {
        f"{method} {route.path}"
        for route in ROUTES
        if isinstance(route, APIRoute) and not route.include_in_schema
        for method in route.methods
    }
    assert hidden == PAGES.keys()


def test_what_is_left_out_is_there():
    known = {operation.name for operation in OPERATIONS}
    checks_by_name = {check.__name__ for check in WHO}
    assert LEFT_OUT.keys() <= checks_by_name
    for check, left_out in LEFT_OUT.items():
        assert left_out.keys() <= known, check

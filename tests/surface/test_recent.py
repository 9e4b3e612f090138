"""What takes a recent proof of who one is refuses a session that is open for long, and every key.

Which operations these are is read from the routes and the document. Each that decides who may come in and do what is
one of them, or stands in ``OTHERWISE`` with the reason.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from fastapi.dependencies.models import Dependant

from serve.kernel.caller import Guard, NeedsRecent
from serve.kernel.ratelimit import READING_WORDS
from tests.surface.calls import Surface
from tests.surface.operations import BY_NAME, OPERATIONS, Operation

GUIDE = Path(__file__).parents[2] / "docs/guides/identity.md"
HALF_AN_HOUR_S = 1800
POWER = {
    *("users:write", "users:impersonate", "roles:write", "sso:write", "invitations:write"),
    *("tenants:write", "settings:write", "api_keys:write"),
}
"""Whoever has one of these decides what others may do."""

SECURITY = {"second_factor": "required"}
BY_WHAT_IS_SENT: dict[str, Any] = {
    "PUT /api/v1/settings": {"security": SECURITY},
    "PUT /api/v1/settings/{category}": SECURITY,
    "POST /api/v1/employees/register": {"email": "n@example.com", "full_name": "N", "role": "agent"},
}
"""Operations that need a proof for some of what can be sent to them, and that."""

OF_WHO_HAS_A_FACTOR = {"PUT /api/v1/auth/me", "PUT /api/v1/users/profile"}
"""They take the current password each time; tests/serve/identity/test_passkey_sign_in.py asks for the factor."""

WITH_AN_ACCOUNT = {"POST /api/v1/employees/{id}/end", "POST /api/v1/employees/{id}/return"}
"""They take a proof where an account is switched; tests/serve/identity/test_leaving.py asks for it."""

OTHERWISE = {
    "POST /api/v1/employees/invitations/{id}/revoke": "takes a link away, quickly",
    "POST /api/v1/settings/email/test": "sends one mail to a member, with what is set already",
    "POST /api/v1/files/upload-logo": "a picture, made anew",
    "PATCH /api/v1/tenants/{id}": "how a tenant is named and counts",
    "POST /api/v1/tenants": "begins a child and gives nobody anything of what there was",
    "POST /api/v1/tenants/{id}/umbrella-requests/{request_id}/decline": "leaves all as it is",
    "POST /api/v1/tenants/{id}/umbrella-requests/{request_id}/withdraw": "leaves all as it is",
    "POST /api/v1/tenants/{id}/resume": "gives back what everybody had",
    "POST /api/v1/tenants/{id}/reopen": "gives back what everybody had",
}


def guards(dependant: Dependant) -> Iterator[Guard]:
    for inner in dependant.dependencies:
        if isinstance(inner.call, Guard):
            yield inner.call
        yield from guards(inner)


def is_guarded(operation: Operation) -> bool:
    return any(isinstance(guard, NeedsRecent) for guard in guards(operation.route.dependant))


def says_so(operation: Operation) -> bool:
    answer = operation.documented["responses"].get("401", {})
    return any("STEP_UP_NEEDED" in each["examples"] for each in answer.get("content", {}).values())


GUARDED = [each for each in OPERATIONS if is_guarded(each)]
ASKED = GUARDED + [BY_NAME[name] for name in BY_WHAT_IS_SENT]


def refusal(surface: Surface, operation: Operation, **headers: str) -> tuple[int, str]:
    """The guard comes before anything else: rows need not be there, nor a body be right."""
    names = operation.parameters("path")
    path = operation.path.format(**{name: str(uuid4()) for name in names} | {"category": "security"})
    body = BY_WHAT_IS_SENT.get(operation.name, {}) if operation.needs_a_body else None
    surface.http.cookies.clear()
    answer = surface.http.request(operation.method, path, json=body, headers=headers)
    return answer.status_code, answer.json()["error"]["code"]


def long_ago(surface: Surface) -> str:
    """The token of an owner who has logged in half an hour ago, and refreshed since."""
    firm = surface.firm
    token, _ = firm.running.app.state.tokens.issue(
        firm.people[firm.b, "owner"],
        email="owner@b.example",
        tenant_id=firm.b,
        tenant_ids=[firm.b],
        role="owner",
        methods=("password", "totp"),
        authenticated_at_s=time.time() - HALF_AN_HOUR_S,
    )
    return f"Bearer {token}"


@pytest.fixture(scope="module")
def key(surface: Surface) -> str:
    """That may do all that its owner may."""
    firm = surface.firm
    owner = firm.client("owner", firm.b)
    scopes = owner.get("/api/v1/auth/me").json()["data"]["permissions"]
    made = owner.post("/api/v1/auth/api-keys", json={"name": "everything", "scopes": scopes})
    return str(made.json()["data"]["key"])


@pytest.mark.parametrize("operation", ASKED, ids=str)
def test_a_session_that_is_open_for_long_is_not_enough(surface: Surface, operation: Operation):
    assert refusal(surface, operation, authorization=long_ago(surface)) == (401, "STEP_UP_NEEDED")


@pytest.mark.parametrize("operation", ASKED, ids=str)
def test_no_key_is(surface: Surface, key: str, operation: Operation):
    assert refusal(surface, operation, authorization=f"Bearer {key}") == (403, "LOG_IN_NEEDED")


def test_a_proof_of_now_is_enough(surface: Surface):
    """Of the operations that decide by what is sent; the promises are asked of the others."""
    firm = surface.firm
    owner = firm.client("owner", firm.b)
    for change in ({"security": {"invitation_days": 6}}, {"general": {"name": "B"}}):
        assert owner.put("/api/v1/settings", json=change).status_code == 200
    assert owner.put("/api/v1/settings/security", json={"invitation_days": None}).status_code == 200
    assert owner.put("/api/v1/settings/email", json={"password": None}).status_code == 200


def test_what_is_harmless_takes_none(surface: Surface):
    answer = surface.http.put(
        "/api/v1/settings", json={"preferences": {}}, headers={"authorization": long_ago(surface)}
    )
    assert answer.status_code == 200


def test_the_document_says_so():
    said = {each.name for each in OPERATIONS if says_so(each)}
    assert said == {each.name for each in ASKED} | OF_WHO_HAS_A_FACTOR | WITH_AN_ACCOUNT


def test_whatever_gives_power_takes_a_proof():
    """So a new operation is either guarded or looked at."""
    open_ones = {
        each.name
        for each in OPERATIONS
        if each.permission in POWER
        and each.method != "GET"
        and each.path.rpartition("/")[2] not in READING_WORDS
        and not is_guarded(each)
    }
    assert open_ones == OTHERWISE.keys()


def test_the_guide_has_them_all():
    """By the names of their actions, in the table of the guide."""
    [table] = re.findall(r"\| takes a recent proof \|.*?\n\n", GUIDE.read_text(), re.DOTALL)
    cells = [line.split("|")[2] for line in table.strip().splitlines()]
    named = {word for cell in cells for word in re.findall(r"`([a-z_.]+)`", cell)}
    actions = {each.route.name for each in OPERATIONS}
    guarded = [*ASKED, *(BY_NAME[name] for name in OF_WHO_HAS_A_FACTOR)]
    assert named & actions == {each.route.name for each in guarded}

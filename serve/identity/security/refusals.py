"""Why was somebody refused? Looked up in the route table and today's rows; nothing is called."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal
from uuid import UUID

from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from pydantic import BaseModel, Field, model_validator

from serve.identity.security.errors import PersonNotHere, RefusalNotFound
from serve.kernel.access import permission_of
from serve.kernel.caller import Guard, NeedsPerson, NeedsRecent
from serve.kernel.db import Record, Transaction
from serve.kernel.envelope import Output
from serve.kernel.permissions import ROLES, permissions_of
from serve.kernel.resources.schemas import Line
from serve.kernel.routing import RouteTree

Code = Literal[
    "no_such_route",
    "open_to_everybody",
    "suspended",
    "permission",
    "key_gone",
    "key_scope",
    "no_key",
    "step_up",
    "other_tenant",
]
_GIVERS: frozenset[str] = frozenset({"users:write"})

_REFUSAL = """
    select entity_id, actor_kind, actor_id, after, happened_at from events
    where tenant_id = $1 and category = 'security' and name = 'access.denied' and request_id = $2
    order by happened_at desc limit 1
"""
_MEMBERS = (
    "select user_id, full_name, role, is_active from tenant_members() where tenant_id = $1 order by full_name"
)
_OWN_ROLES = "select slug, permissions from roles where tenant_id = $1 and deleted_at is null order by slug"
_KEY = """
    select id, user_id, scopes, revoked_at is not null or coalesce(expires_at <= now(), false) as is_gone
    from api_keys where tenant_id = $1 and id = $2
"""


class WhyQuery(BaseModel):
    request_id: Line | None = Field(
        None, max_length=64, description="Of the refused request: its answer has it. Instead of all others."
    )
    user_id: UUID | None = Field(None, description="Who was refused, or would be.")
    api_key_id: UUID | None = Field(None, description="The key that was used; its person is asked about.")
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] | None = None
    path: Line | None = Field(
        None,
        min_length=1,
        max_length=500,
        pattern="^/",
        description="As it was called: `/api/v1/contacts`.",
        json_schema_extra={"pattern": r"^/[^\x00]*$"},  # a line's own would stand in its place
    )

    @model_validator(mode="after")
    def _is_one_question(self) -> WhyQuery:
        called = (self.method, self.path)
        if self.request_id is not None:
            if self.user_id or self.api_key_id or any(called):
                raise ValueError("ask by request_id, or by person, method and path")
        elif None in called or (self.user_id is None) == (self.api_key_id is None):
            raise ValueError("ask by request_id, or by user_id or api_key_id with method and path")
        return self


class Reason(Output):
    code: Code = Field(examples=["permission"])
    said: str = Field(examples=["The role viewer has no permission contacts:write."])
    to_do: str = Field(examples=["Give them a role that has it."])


class Giver(Output):
    """Somebody who can give it."""

    user_id: UUID
    full_name: str = Field(examples=["Olga Owner"])
    role: str = Field(examples=["owner"])


class WhyRead(Output):
    user_id: UUID
    full_name: str | None = Field(
        description="Null when they have left the tenant.", examples=["Vera Viewer"]
    )
    role: str | None = Field(examples=["viewer"])
    method: str = Field(examples=["POST"])
    path: str = Field(examples=["/api/v1/contacts"])
    permission: str | None = Field(description="What the call needs.", examples=["contacts:write"])
    would_be_refused: bool = Field(description="Now; what was refused then may have been put right.")
    reasons: list[Reason] = Field(description="Every one that stands in the way, and what may.")
    roles_with_it: list[str] = Field(examples=[["admin", "agent", "manager", "owner"]])
    who_can_give_it: list[Giver]


async def why(db: Transaction, asked: WhyQuery, tree: RouteTree) -> dict[str, Any]:
    """Raises RefusalNotFound or PersonNotHere."""
    tenant_id = db.caller.tenant_id
    user_id, key_id, method, path = asked.user_id, asked.api_key_id, asked.method, asked.path
    lacked: str | None = None
    if asked.request_id is not None:
        found = await db.fetch_one(_REFUSAL, tenant_id, asked.request_id)
        if found is None:
            raise RefusalNotFound
        user_id, method, path = UUID(found["entity_id"]), found["after"]["method"], found["after"]["path"]
        lacked = found["after"]["permission"]  # a call may ask for more than its route, by what it is sent
        key_id = UUID(found["actor_id"]) if found["actor_kind"] == "api_key" else None
    key = await db.fetch_one(_KEY, tenant_id, key_id) if key_id else None
    if key_id and key is None:
        raise PersonNotHere
    if key is not None:
        user_id = UUID(key["user_id"])
    assert method is not None
    assert path is not None
    members = {row["user_id"]: row for row in await db.fetch(_MEMBERS, tenant_id)}
    person = members.get(str(user_id))
    if person is None and asked.request_id is None:
        raise PersonNotHere
    own = {row["slug"]: row["permissions"] for row in await db.fetch(_OWN_ROLES, tenant_id)}
    roles = {**{slug: permissions_of(slug, allowed) for slug, allowed in own.items()}, **ROLES}
    route = route_at(tree, method, path)
    permission = lacked or (permission_of(route) if route else None)
    reasons = list(_reasons(route, permission, person, key, roles))
    with_it = sorted(role for role, allowed in roles.items() if permission in allowed)
    return {
        "user_id": user_id,
        "full_name": person and person["full_name"],
        "role": person and person["role"],
        "method": method,
        "path": path,
        "permission": permission,
        "would_be_refused": any(each["code"] not in _PERHAPS for each in reasons),
        "reasons": reasons,
        "roles_with_it": with_it,
        "who_can_give_it": [
            {name: each[name] for name in ("user_id", "full_name", "role")}
            for each in members.values()
            if permission
            and each["is_active"]
            and roles.get(each["role"], frozenset()) >= {*_GIVERS, permission}
        ],
    }


_PERHAPS = frozenset({"open_to_everybody", "step_up", "other_tenant"})
"""What may stand in the way, or not: that depends on the session or on the row."""


def route_at(tree: RouteTree, method: str, path: str) -> APIRoute | None:
    """The route that answers there; ``/api/x`` is ``/api/v1/x``."""
    path = path.partition("?")[0]
    if path.startswith("/api/") and not path.startswith("/api/v1/"):
        path = f"/api/v1/{path.removeprefix('/api/')}"
    path = path.rstrip("/") or "/"
    if "{" in path:  # as the event of a refusal has it: the route itself
        return next(
            (
                each
                for each in tree.routes
                if isinstance(each, APIRoute) and each.path == path and method in each.methods
            ),
            None,
        )
    route = tree.route_of({"type": "http", "method": method, "path": path, "root_path": "", "headers": []})
    return route if isinstance(route, APIRoute) else None


def _reasons(
    route: APIRoute | None,
    permission: str | None,
    person: Record | None,
    key: Record | None,
    roles: Mapping[str, frozenset[str]],
) -> Iterator[dict[str, str]]:
    if route is None:
        yield _reason(
            "no_such_route", "There is no such address, or it does not take that method.", "See /docs."
        )
        return
    if permission is None:
        yield _reason("open_to_everybody", "This call asks for no permission.", "See what its answer said.")
        return
    if person is None:
        yield _reason("suspended", "They do not belong to the tenant any more.", "Invite them again.")
        return
    if not person["is_active"]:
        yield _reason("suspended", "Their account is switched off or suspended here.", "Let them in again.")
    if permission not in roles.get(person["role"], frozenset()):
        said = f"The role {person['role']} has no permission {permission}."
        yield _reason("permission", said, "Give them a role that has it.")
    guards = list(_guards(route.dependant))
    if key is not None:
        if key["is_gone"]:
            yield _reason("key_gone", "The key was revoked or has expired.", "Make a new one.")
        if permission not in key["scopes"]:
            said = f"The key does not have the scope {permission}."
            yield _reason("key_scope", said, "Change its scopes: PUT /api/v1/auth/api-keys/{id}.")
        if any(isinstance(each, NeedsPerson) for each in guards):
            yield _reason("no_key", "No key may do this.", "Log in as a person.")
    elif any(isinstance(each, NeedsRecent) for each in guards):
        said = "It asks for somebody who proved who they are in the last 15 minutes."
        yield _reason("step_up", said, "POST /api/v1/auth/step-up, then again.")
    if "{" in route.path:
        said = "The row may belong to another tenant, or be gone: then the answer is 404."
        yield _reason("other_tenant", said, "Look for the row as somebody who may read it.")


def _reason(code: Code, said: str, to_do: str) -> dict[str, str]:
    return {"code": code, "said": said, "to_do": to_do}


def _guards(dependant: Dependant) -> Iterator[Guard]:
    for inner in dependant.dependencies:
        if isinstance(inner.call, Guard):
            yield inner.call
        yield from _guards(inner)

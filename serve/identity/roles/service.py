"""What a role of the caller's tenant allows, and who may give it."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from serve.identity.roles.rules import RoleInUse, check_grant
from serve.kernel.caller import Caller
from serve.kernel.db import Transaction
from serve.kernel.errors import Invalid
from serve.kernel.permissions import ROLES, permissions_of

_OWN = "select role_permissions($1, $2) as permissions"
_COUNT = "select count(*) as n from tenant_members() where tenant_id = $1 and role = $2"
_ALL = "select slug, permissions from roles where tenant_id = $1 and deleted_at is null order by slug"


async def role_permissions(db: Transaction, role: str) -> frozenset[str] | None:
    """What the role allows in the caller's tenant; None when there is none of that name."""
    if role in ROLES:
        return permissions_of(role)
    row = await db.fetch_one(_OWN, db.caller.tenant_id, role)
    return None if row is None or row["permissions"] is None else permissions_of(role, row["permissions"])


async def check_giving(db: Transaction, caller: Caller, role: str, *, field: str = "role") -> None:
    """Whether the caller may give the role to somebody. Raises Invalid, OwnersAlone or MoreThanYours."""
    permissions = await role_permissions(db, role)
    if permissions is None:
        raise Invalid(details=[(field, f"there is no role {role!r}")])
    check_grant(caller, role, permissions, field=field)


async def check_unused(db: Transaction, role: str) -> None:
    """Raises RoleInUse with how many have it."""
    row = await db.fetch_one(_COUNT, db.caller.tenant_id, role)
    assert row is not None
    if row["n"]:
        raise RoleInUse(f"{row['n']} people have this role. Give them another one first.")


async def roles_by_permission(db: Transaction) -> dict[str, list[str]]:
    """The names of the roles that have each permission, the tenant's own ones last."""
    own = await db.fetch(_ALL, db.caller.tenant_id)
    everybody: list[tuple[str, Collection[str]]] = [
        *ROLES.items(),
        *((row["slug"], permissions_of(row["slug"], row["permissions"])) for row in own),
    ]
    found: dict[str, list[str]] = {}
    for slug, permissions in everybody:
        for permission in permissions:
            found.setdefault(permission, []).append(slug)
    return found


def built_in() -> list[dict[str, Any]]:
    return [{"slug": slug, "permissions": sorted(allowed)} for slug, allowed in ROLES.items()]

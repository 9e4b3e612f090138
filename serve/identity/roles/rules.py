"""What is allowed of roles: nobody gives more than they have, and the owner is one of their own."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from serve.kernel.caller import Caller
from serve.kernel.errors import Conflict, Forbidden, Invalid
from serve.kernel.permissions import ROLES, known_permission


class MoreThanYours(Forbidden):
    code, message = "MORE_THAN_YOURS", "Nobody can give a role that may do more than they may themselves."


class OwnersAlone(Forbidden):
    code, message = "OWNERS_ALONE", "Only an owner makes somebody an owner, or takes that role away."


class RoleInUse(Conflict):
    code, message = "ROLE_IN_USE", "People have this role. Give them another one first."


class BuiltInRole(Conflict):
    code, message = "BUILT_IN_ROLE", "Every tenant has a role of this name."


def check_role(before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> None:
    """Raises BuiltInRole or Invalid."""
    if after["slug"] in ROLES:
        raise BuiltInRole(details=[("slug", "is the name of a role that every tenant has")])
    unknown = [
        (f"permissions[{n}]", f"there is no permission {each!r}")
        for n, each in enumerate(after["permissions"])
        if known_permission(each) is None
    ]
    if unknown:
        raise Invalid(details=unknown)


def check_given(mine: Collection[str], given: Sequence[str]) -> None:
    """Raises MoreThanYours naming every permission that the giver lacks."""
    foreign = [
        (f"permissions[{n}]", f"you have no permission {each!r}")
        for n, each in enumerate(given)
        if each not in mine
    ]
    if foreign:
        raise MoreThanYours(details=foreign)


def check_grant(caller: Caller, role: str, permissions: Collection[str], *, field: str = "role") -> None:
    """Whether the caller may give the role, or take it away. Raises OwnersAlone or MoreThanYours."""
    if role == "owner" and caller.role != "owner":
        raise OwnersAlone(details=[(field, "is given and taken by owners alone")])
    if more := sorted(set(permissions) - caller.permissions):
        raise MoreThanYours(details=[(field, f"may do what you may not: {', '.join(more[:5])}")])

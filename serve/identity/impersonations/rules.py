"""Whose eyes somebody may look with."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from serve.kernel.caller import Caller
from serve.kernel.errors import Conflict, Forbidden, NotFound
from serve.kernel.resources.errors import absent

PersonNotFound = absent("user")


class NotThemselves(Conflict):
    code, message = "NOT_ONESELF", "You see with your own eyes already."


class MayMoreThanYou(Forbidden):
    code, message = (
        "MAY_MORE_THAN_YOU",
        "This person may do what you may not, or is an owner and you are not.",
    )


class ImpersonationNotFound(NotFound):
    code, message = "IMPERSONATION_NOT_FOUND", "There is no such impersonation, or it is not yours to end."


class ImpersonationOver(Conflict):
    code, message = "IMPERSONATION_OVER", "This is over already."


def check_impersonation(caller: Caller, user_id: UUID, role: str, permissions: Collection[str]) -> None:
    """Raises NotThemselves or MayMoreThanYou."""
    if caller.user_id == user_id:
        raise NotThemselves
    if not set(permissions) <= caller.permissions or (role == "owner" and caller.role != "owner"):
        raise MayMoreThanYou

"""Whose eyes somebody may look with."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

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


class EyesStay(Forbidden):
    code, message = (
        "EYES_STAY",
        "You look with somebody else's eyes at this tenant alone. Where else they work is theirs to see.",
    )


class ImpersonationNotFound(NotFound):
    code, message = "IMPERSONATION_NOT_FOUND", "There is no such impersonation, or it is not yours to end."


class ImpersonationOver(Conflict):
    code, message = "IMPERSONATION_OVER", "This is over already."


@dataclass(frozen=True, slots=True)
class Somebody:
    """A person of the tenant: what they are there, and what they may do today."""

    user_id: UUID
    role: str
    permissions: Collection[str]


def check_impersonation(looker: Somebody, person: Somebody) -> None:
    """Raises NotThemselves or MayMoreThanYou."""
    if looker.user_id == person.user_id:
        raise NotThemselves
    is_owner_alone = person.role == "owner" and looker.role != "owner"
    if is_owner_alone or not {*person.permissions, "users:impersonate"} <= {*looker.permissions}:
        raise MayMoreThanYou

"""Who may have more power for a while, and how."""

from __future__ import annotations

from collections.abc import Collection

from serve.kernel.caller import Caller
from serve.kernel.errors import Conflict, Forbidden

TO_ROLE = "admin"
SECOND_FACTORS = frozenset({"totp", "recovery_code", "passkey"})


class ElevationNotAllowed(Forbidden):
    code, message = "ELEVATION_NOT_ALLOWED", "The company does not let your role be raised."


class ElevationNeedsFactor(Forbidden):
    code, message = (
        "ELEVATION_NEEDS_SECOND_FACTOR",
        "Log in with a second factor: a password alone is not enough for this.",
    )


class AlreadyElevated(Conflict):
    code, message = "ALREADY_ELEVATED", "Your role is raised already, or is as high as it gets."


class NotElevated(Conflict):
    code, message = "NOT_ELEVATED", "Your role is not raised."


def check_elevation(caller: Caller, allowed_roles: Collection[str]) -> None:
    """Raises AlreadyElevated, ElevationNotAllowed or ElevationNeedsFactor."""
    if caller.cause is not None or caller.role in ("owner", TO_ROLE):
        raise AlreadyElevated
    if caller.role not in allowed_roles:
        raise ElevationNotAllowed
    if not SECOND_FACTORS & set(caller.methods):
        raise ElevationNeedsFactor

"""How a call of a resource can fail, and what the database's refusals mean to a client."""

from __future__ import annotations

import re
from functools import cache

import asyncpg
from asyncpg import exceptions as pg

from serve.kernel.errors import Conflict, Invalid, NotFound, PreconditionFailed, Problem
from serve.kernel.idempotency import StillRunning


class LostUpdate(PreconditionFailed):
    code, message = (
        "CHANGED_MEANWHILE",
        "Somebody changed it since you read it. Read it again, then repeat your change.",
    )


class Duplicate(Conflict):
    code, message = "DUPLICATE", "There is one with these values already."


class MetAnother(Conflict):
    code, message = (
        "MET_ANOTHER_CHANGE",
        "Another change of the same rows was made in the same moment, in another order. Send yours again.",
    )


class InUse(Conflict):
    code, message = "IN_USE", "Other rows refer to it."


@cache
def absent(entity: str) -> type[NotFound]:
    """The 404 of an entity: ``CONTACT_NOT_FOUND``."""
    words = entity.replace("_", " ")
    return type(
        "".join(part.title() for part in entity.split("_")) + "NotFound",
        (NotFound,),
        {
            "code": f"{entity.upper()}_NOT_FOUND",
            "message": f"There is no such {words}.",
            "__doc__": f"No {words} with that id, or not one of the caller's.",
            "__module__": __name__,
        },
    )


def meaning(error: Exception) -> Problem | None:
    """What the database's refusal says about the request; None when it says nothing about it."""
    if isinstance(error, pg.LockNotAvailableError):
        return StillRunning(headers={"Retry-After": "1"})
    if isinstance(error, pg.DeadlockDetectedError):
        return MetAnother(headers={"Retry-After": "1"})
    if isinstance(error, pg.UniqueViolationError):
        fields = _fields(error, "key")
        return Duplicate(details=[(field, "is taken already") for field in fields])
    if isinstance(error, pg.ForeignKeyViolationError):
        if "still referenced" in (error.detail or ""):
            return InUse()
        return Invalid(details=[(field, "names nothing that exists") for field in _fields(error, "fkey")])
    if isinstance(error, pg.CheckViolationError):
        said = error.hint or "is not an allowed value"  # the hint is from a trigger of ours
        return Invalid(details=[(field, said) for field in _fields(error, "check")])
    if isinstance(error, pg.NotNullViolationError):
        return Invalid(details=[(error.column_name or "body", "must not be empty")])
    if isinstance(error, asyncpg.DataError):  # the library's own: it would repeat the value
        return Invalid("A value does not fit what it is kept in.")
    if isinstance(error, pg.DataError):
        return Invalid(f"A value does not fit: {_plain(str(error))}.")
    return None


def _fields(error: pg.PostgresError, ending: str) -> list[str]:
    """The columns in a constraint's name, ``contacts_tenant_id_account_id_fkey``."""
    name = error.constraint_name or ""
    name = name.removeprefix(f"{error.table_name}_").removesuffix(f"_{ending}").removeprefix("tenant_id_")
    return [name or "body"]


def _plain(text: str) -> str:
    """Without the parts that are about our SQL."""
    line = text.partition("\n")[0]
    return re.sub(r"^invalid input for query argument \$\d+: |\(.*\)$", "", line).strip().rstrip(".")[:200]

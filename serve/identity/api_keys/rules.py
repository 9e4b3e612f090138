"""What is allowed for keys, and whether one would be let in."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal

from serve.kernel.errors import Invalid

LONGEST = timedelta(days=3660)

Status = Literal["active", "expired", "revoked"]
Reason = Literal["revoked", "expired", "person_inactive", "no_membership"]

WHY: dict[Reason, str] = {
    "revoked": "The key was revoked.",
    "expired": "The key has expired.",
    "person_inactive": "The account of its person is not active.",
    "no_membership": "Its person does not belong to the tenant any more.",
}


def check_scopes(scopes: Sequence[str], permissions: Collection[str]) -> None:
    """Nobody gives a key more than they have. Raises Invalid naming every scope that is foreign."""
    foreign = [
        (f"scopes[{n}]", f"you have no permission {scope!r}")
        for n, scope in enumerate(scopes)
        if scope not in permissions
    ]
    if foreign:
        raise Invalid(details=foreign)


def check_expiry(expires_at: datetime | None, now: datetime) -> None:
    """Raises Invalid for a moment that has passed, or one so far off that it means never."""
    if expires_at is None:
        return
    if expires_at <= now:
        raise Invalid(details=[("expires_at", "must lie in the future")])
    if expires_at > now + LONGEST:
        raise Invalid(
            details=[("expires_at", "must lie within ten years; leave it out for a key without an end")]
        )


def end_of_successor(key: Mapping[str, Any], now: datetime) -> datetime | None:
    """A key's successor lives as long as the key was meant to; one without an end has none either.

    >>> day = datetime(2026, 1, 1)
    >>> end_of_successor({"created_at": day, "expires_at": day + timedelta(days=90)}, day + timedelta(days=80))
    datetime.datetime(2026, 6, 20, 0, 0)
    """
    if key["expires_at"] is None:
        return None
    life: timedelta = key["expires_at"] - key["created_at"]
    return now + life


def status_of(key: Mapping[str, Any], now: datetime) -> Status:
    if key["revoked_at"] is not None:
        return "revoked"
    if key["expires_at"] is not None and key["expires_at"] <= now:
        return "expired"
    return "active"


def reason_against(
    key: Mapping[str, Any], *, is_active: bool, role: str | None, now: datetime
) -> Reason | None:
    """Why the key would be turned away now; ``role`` is its person's in the key's tenant, None without one."""
    status = status_of(key, now)
    if status != "active":
        return status
    if not is_active:
        return "person_inactive"
    return "no_membership" if role is None else None

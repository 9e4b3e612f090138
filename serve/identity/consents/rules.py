"""What a decision means for the use of somebody's data. No database, no clock."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from serve.identity.consents.errors import PurposeInUse


class Verdict(NamedTuple):
    """Whether a person's data may be used, and why (not)."""

    may: bool
    why: str


def verdict(
    lawful_basis: str, decision: str | None, *, is_active: bool = True, is_restricted: bool = False
) -> Verdict:
    """Consent asks for a yes; what rests on anything else ends with a no.

    >>> [verdict("consent", each).may for each in (None, "granted", "withdrawn")]
    [False, True, False]
    >>> [verdict("legitimate_interests", each).may for each in (None, "granted", "withdrawn")]
    [True, True, False]
    """
    if not is_active:
        return Verdict(False, "the purpose is not used any more")
    if is_restricted:
        return Verdict(False, "the use of the person's data is restricted, or the person was erased")
    if decision is not None:
        return Verdict(decision == "granted", decision)
    return Verdict(lawful_basis != "consent", "never asked" if lawful_basis == "consent" else lawful_basis)


def check_purpose(before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> None:
    """Raises PurposeInUse; ``is_used`` is what the service knows."""
    if before and before.get("is_used") and any(before[n] != after[n] for n in ("key", "lawful_basis")):
        raise PurposeInUse

"""How safe a tenant is set up: what is judged, what a check is, and what all of them come to. No database, no clock.

The checks themselves stand in ``posture_checks.py``. What nobody can know yet (nobody has tried isolation, say) is
unknown and counts for nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

Severity = Literal["low", "medium", "high", "critical"]
Verdict = Literal["passed", "failed", "unknown"]
Feature = Literal[
    "second_factor",
    "passwords",
    "sessions",
    "api_keys",
    "people",
    "log_in",
    "audit",
    "isolation",
    "installation",
]

WEIGHTS: Mapping[Severity, int] = {"low": 1, "medium": 3, "high": 6, "critical": 10}
FORMULA = (
    "100 times the weight of the checks that passed by the weight of all that passed or failed; a check weighs"
    f" {', '.join(f'{weight} when {severity}' for severity, weight in WEIGHTS.items())}"
)


@dataclass(frozen=True, slots=True)
class Person:
    user_id: UUID
    role: str
    member_since: datetime
    last_came_at: datetime | None
    open_session_count: int
    has_second_factor: bool


@dataclass(frozen=True, slots=True)
class Key:
    id: UUID
    scopes: frozenset[str]
    created_at: datetime
    last_used_at: datetime | None
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class Facts:
    """What is so now. ``settings`` are the tenant's on security, ``installation`` those of the service."""

    now: datetime
    people: Sequence[Person]  # at work: neither switched off nor suspended
    keys: Sequence[Key]  # neither revoked nor expired
    settings: Any
    installation: Any
    came_in_count: int  # in the last 30 days
    failed_count: int
    reused_count: int  # refresh tokens that came back
    open_threats: Sequence[UUID]
    broken_seals: int
    sealed_batches: int
    last_check: tuple[datetime, bool] | None  # when isolation was tried, and whether it held


@dataclass(frozen=True, slots=True)
class Found:
    """``count`` of ``of`` are not as they should be; ``ids`` are some of them."""

    verdict: Verdict
    said: str
    count: int | None = None
    of: int | None = None
    ids: Sequence[UUID] = field(default=())


@dataclass(frozen=True, slots=True)
class Check:
    name: str
    feature: Feature
    severity: Severity
    title: str
    to_do: str
    call: str | None
    look: Callable[[Facts], Found]


def score(found: Iterable[tuple[Check, Found]]) -> int | None:
    """By ``FORMULA``; None when nothing is known."""
    known = [(WEIGHTS[check.severity], each.verdict) for check, each in found if each.verdict != "unknown"]
    whole = sum(weight for weight, _ in known)
    passed = sum(weight for weight, verdict in known if verdict == "passed")
    return round(100 * passed / whole) if whole else None


def level(found: Iterable[tuple[Check, Found]]) -> Severity | Literal["good"]:
    """The worst of what failed."""
    failed = {check.severity for check, each in found if each.verdict == "failed"}
    return max(failed, key=lambda severity: WEIGHTS[severity]) if failed else "good"

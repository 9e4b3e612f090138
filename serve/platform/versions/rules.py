"""Which versions of the API there are, which of its calls go away, and when a tenant may give them up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any, Literal, NamedTuple

from fastapi.routing import APIRoute
from starlette.routing import BaseRoute

from serve.kernel.errors import Invalid
from serve.kernel.retirement import facts_of

Call = tuple[str, str]
"""Method and path."""


class Version(NamedTuple):
    version: str
    status: Literal["current", "deprecated"]
    base_path: str
    also_at: str | None


VERSIONS = (Version("v1", "current", "/api/v1", also_at="/api"),)
"""The newest first. Another one is a prefix of its own; what it lacks of the one before is deprecated there."""


class SunsetsInvalid(Invalid):
    code, message = (
        "SUNSETS_INVALID",
        "A tenant may give up a deprecated call sooner than all do, and no other.",
    )


def deprecated_calls(routes: Iterable[BaseRoute]) -> dict[Call, Mapping[str, Any]]:
    """Those that go away, with since when, until when and their successor."""
    return {
        (method, route.path): facts
        for route in routes
        if isinstance(route, APIRoute) and (facts := facts_of(route)) is not None
        for method in sorted(route.methods)
    }


def check_sunsets(
    asked: Sequence[tuple[Call, date]], known: Mapping[Call, Mapping[str, Any]], today: date
) -> None:
    """Raises SunsetsInvalid naming each line that cannot be."""
    wrong = []
    for place, (call, day) in enumerate(asked):
        if call not in known:
            wrong.append((f"sunsets[{place}].route", "names no deprecated call"))
        elif day > date.fromisoformat(known[call]["sunset"]):
            wrong.append(
                (f"sunsets[{place}].sunset_on", f"must not be after {known[call]['sunset']}, when it is gone")
            )
        elif day < today:
            wrong.append((f"sunsets[{place}].sunset_on", "must not be in the past"))
        if call in [each for each, _ in asked[:place]]:
            wrong.append((f"sunsets[{place}].route", "is named twice"))
    if wrong:
        raise SunsetsInvalid(details=wrong)

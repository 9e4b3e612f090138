"""Requests that the program makes of itself: how the layer knows them. No request from outside can carry this."""

from __future__ import annotations

from typing import NamedTuple

from starlette.types import Scope

_KEY = "throughline.inside"


class Inside(NamedTuple):
    """Beside the caller, who stands in the scope's state already."""

    is_limited: bool
    """Whether it counts against the caller's rates, as a request of their own would."""


def mark(scope: Scope, inside: Inside) -> None:
    scope[_KEY] = inside


def inside_of(scope: Scope) -> Inside | None:
    """None for a request from outside."""
    inside: Inside | None = scope.get(_KEY)
    return inside

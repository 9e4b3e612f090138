"""Which routes were proved to keep tenants apart, and when: what the surface tests have written down.

``make proofs`` asks every route what tests/surface asks, and writes ``proofs.json`` beside this file. A route that came
later has no proof until that is run again, and the report says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import orjson
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute

FILE = Path(__file__).with_name("proofs.json")

PROMISES = {
    "refuses_strangers": "Without a token, or with a forged one, nothing is answered.",
    "refuses_roles_without_the_permission": "Each role without the permission is refused, and nothing changes.",
    "hides_other_tenants": "A stranger's row is answered like one that is nowhere, and stays as it is.",
    "leaves_children_to_themselves": "An umbrella changes nothing of its children.",
    "lists_nothing_of_other_tenants": "What a stranger made appears nowhere in the answer.",
}
"""What is asked of a route that has to do with tenancy, by the name of the check in tests/surface/checks.py."""

OF_TENANCY = frozenset(
    {"hides_other_tenants", "leaves_children_to_themselves", "lists_nothing_of_other_tenants"}
)
"""Those that look at another tenant's rows. Who may ask at all says nothing of whose rows they get."""


@cache
def proofs() -> Mapping[str, Any]:
    """``commit``, ``proved_at``, ``roles``, ``tenants``, and by route whether each promise that was asked held."""
    written: Mapping[str, Any] = orjson.loads(FILE.read_bytes())
    return written


def route_names(routes: Iterable[BaseRoute], public: Iterable[str]) -> list[str]:
    """Every operation that asks for a permission, as ``GET /path``."""
    open_to_all = set(public)
    return sorted(
        name
        for route in routes
        if isinstance(route, APIRoute) and route.include_in_schema
        for name in (f"{method} {route.path_format}" for method in route.methods)
        if name not in open_to_all
    )


def proved(names: Iterable[str], written: Mapping[str, Any]) -> dict[str, list[str]]:
    """``proved``, ``broken``, ``not_asked`` (not about other tenants' rows) and ``unproved`` among these operations.

    >>> promises = {"GET /a": {"hides_other_tenants": True}, "GET /b": {"refuses_strangers": False}, "GET /gone": {}}
    >>> promises["POST /d"] = {"refuses_strangers": True}
    >>> proved(["GET /a", "GET /b", "GET /c", "POST /d"], {"routes": promises})
    {'proved': ['GET /a'], 'broken': ['GET /b'], 'not_asked': ['POST /d'], 'unproved': ['GET /c']}
    """
    found: dict[str, list[str]] = {"proved": [], "broken": [], "not_asked": [], "unproved": []}
    for name in names:
        found[_state(written["routes"].get(name))].append(name)
    return found


def _state(asked: Mapping[str, bool] | None) -> str:
    if not asked:
        return "unproved"
    if not all(asked.values()):
        return "broken"
    return "not_asked" if OF_TENANCY.isdisjoint(asked) else "proved"

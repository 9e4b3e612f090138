"""Operation ids: a name for each operation that outlives its path, ``contacts.create``.

It is the route's own name where that has a dot, else the folder of its domain and the name of its function. Several
paths or verbs of one endpoint are one operation; the shortest address under ``/api/v1`` that is no further one has its
id, the others one that says what they are another name of.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from fastapi.routing import APIRoute
from starlette.routing import BaseRoute

from serve.kernel.routing import FURTHER

_ID = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+")
_MOST_LETTERS = 64


class AmbiguousOperation(RuntimeError):
    """A programming mistake: no operation could be found by this id, or two."""


def canonical_routes(routes: Iterable[BaseRoute]) -> dict[object, APIRoute]:
    """The canonical route of each endpoint, whatever other addresses it has."""
    return {same[0].endpoint: min(same, key=_rank) for same in _by_endpoint(routes)}


def name_operations(routes: Iterable[BaseRoute]) -> dict[str, APIRoute]:
    """Give each route its operation id; the canonical route of each operation by it. Raises AmbiguousOperation."""
    named: dict[str, APIRoute] = {}
    for same in _by_endpoint(routes):
        canonical, *others = sorted(same, key=_rank)
        operation_id = _id_of(canonical)
        if operation_id in named:
            raise AmbiguousOperation(f"{operation_id} is {named[operation_id].path} and {canonical.path}")
        named[operation_id] = canonical
        canonical.operation_id = operation_id
        for other in others:
            (method,) = other.methods or ("",)
            path = re.sub(r"\W+", "_", other.path.removeprefix("/api/v1/")).strip("_")
            other.operation_id = f"{operation_id}.as_{method.lower()}_{path}"
    return named


def _by_endpoint(routes: Iterable[BaseRoute]) -> Iterable[list[APIRoute]]:
    groups: dict[object, list[APIRoute]] = {}
    for route in routes:
        if isinstance(route, APIRoute):
            if len(route.methods or ()) != 1:
                raise AmbiguousOperation(f"{route.path} takes several methods: register one route for each")
            groups.setdefault(route.endpoint, []).append(route)
    return groups.values()


def _rank(route: APIRoute) -> tuple[bool, bool, int, int]:
    return (
        hasattr(route, FURTHER),
        not route.path.startswith("/api/v1/"),
        route.path.count("/"),
        len(route.path),
    )


def _id_of(route: APIRoute) -> str:
    name = route.name
    if "." not in name:
        *_, domain, _ = route.endpoint.__module__.split(".")
        name = f"{domain}.{name}"
    if not _ID.fullmatch(name) or len(name) > _MOST_LETTERS:
        raise AmbiguousOperation(f"{name} of {route.path} is no operation id")
    return name

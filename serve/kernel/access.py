"""Refusal by default: a route that neither needs a permission nor stands in the public list stops the start."""

from __future__ import annotations

from collections.abc import Iterable

from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute, WebSocketRoute

from serve.kernel.caller import Guard


class UndeclaredRoute(RuntimeError):
    """A programming mistake: nobody said who may call this route."""


def permission_of(route: APIRoute) -> str | None:
    """The permission that the route needs, or None."""
    return _find(route.dependant)


def check_declared(routes: Iterable[BaseRoute], public: frozenset[str]) -> None:
    """Raises UndeclaredRoute naming every route that is open without being in ``public``.

    A route is ``"GET /path"`` there. A WebSocket is ``"WS /path"``: it may be told who listens once it is open, so each
    stands in the list and asks by itself.
    """
    open_routes = set()
    for route in routes:
        if isinstance(route, APIRoute) and permission_of(route) is not None:
            continue
        path: str = getattr(route, "path", repr(route))
        ways = {"WS"} if isinstance(route, WebSocketRoute) else {"GET"}
        methods: set[str] = getattr(route, "methods", None) or ways
        open_routes |= {f"{method} {path}" for method in methods if method != "HEAD"}
    if undeclared := sorted(open_routes - public):
        raise UndeclaredRoute(f"neither public nor guarded by a permission: {', '.join(undeclared)}")
    if gone := sorted(public - open_routes):
        raise UndeclaredRoute(f"the public list names what is not there or is guarded: {', '.join(gone)}")


def _find(dependant: Dependant) -> str | None:
    for inner in dependant.dependencies:
        if isinstance(inner.call, Guard):
            return inner.call.permission
        if (permission := _find(inner)) is not None:
            return permission
    return None

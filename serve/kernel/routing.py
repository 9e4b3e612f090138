"""How routes come into the application: one flat table with a tree of path segments in front of it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from fastapi import APIRouter, Depends, FastAPI
from fastapi.routing import APIRoute
from starlette._utils import get_route_path
from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute, Match
from starlette.types import ASGIApp, Receive, Scope, Send

from serve.kernel.many_models import make_room
from serve.kernel.params import refuse_unknown_parameters

make_room()

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"})
_ONE_SEGMENT = re.compile(r"\{\w+(?::(?:str|int|float|uuid))?\}")
_LITERAL, _PARAMETER, _REST = 0, 1, 2
FURTHER = "is_further"
"""Set on a route that ``also`` made."""


def area_router(prefix: str = "", **options: Any) -> APIRouter:
    """A router whose routes refuse parameters that they would ignore."""
    return APIRouter(prefix=prefix, dependencies=[Depends(refuse_unknown_parameters)], **options)


def also(router: APIRouter, name: str, *addresses: str) -> APIRouter:
    """Further addresses of a call: ``also(router, "leads.list", "GET /api/v1/crm/leads")`` gives their router.

    One handler, registered again; OpenAPI says whose other name each is.
    """
    (route,) = (each for each in router.routes if isinstance(each, APIRoute) and each.name == name)
    (method,) = route.methods or ("",)
    further = APIRouter(route_class=type(route), tags=route.tags)
    for address in addresses:
        verb, path = address.split(" ")
        further.add_api_route(
            path,
            route.endpoint,
            methods=[verb],
            status_code=route.status_code,
            response_model=route.response_model,
            response_class=route.response_class,
            dependencies=route.dependencies,
            responses=route.responses,
            description=f"{route.description}\n\nThe same as `{method} {route.path}`.",
            openapi_extra=route.openapi_extra,
            name=route.name,
        )
        setattr(further.routes[-1], FURTHER, True)
    return further


def add_routes(app: FastAPI, routers: Iterable[APIRouter]) -> None:
    """Put the routes themselves into the application's table.

    ``include_router`` would keep one lookup inside another: with 600 routes the last one ran at a tenth of the
    first one's speed.
    """
    for router in routers:
        app.router.routes.extend(router.routes)


def index_routes(app: FastAPI) -> None:
    """Put the tree in front of the table. Comes last: a route added later fails loudly instead of being unreachable."""
    router = app.router
    router.routes = tuple(router.routes)  # type: ignore[assignment]
    router.middleware_stack = RouteTree(router)


class RouteTree:
    """Narrows the table to the routes that could match a path; a small real router does everything else.

    Matching, conversion, 405 and redirects stay the router's. Two things differ from a plain table, both on purpose:
    a literal segment outranks a parameter whatever was registered first, so ``/contacts/stats`` is never taken for the
    contact named ``stats``; and ``Allow`` names the methods of all routes of the path, not only of the first.
    """

    def __init__(self, router: APIRouter) -> None:
        self._router, self._unindexed = router, router.middleware_stack
        placed = [(_places(route), route) for route in router.routes]
        placed.sort(
            key=lambda each: [place for place, _ in each[0]]
        )  # stable: equals stay as they were registered
        self._routes = [route for _, route in placed]
        self._root = _Node()
        for position, (places, _) in enumerate(placed):
            self._root.add(places, position)
        self._small: dict[tuple[str, tuple[int, ...]], ASGIApp] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._unindexed(scope, receive, send)
            return
        scope["router"] = self._router
        method = scope["method"] if scope["method"] in METHODS else ""
        key = (method, tuple(self._root.candidates(get_route_path(scope))))
        small = self._small.get(key)
        if small is None:
            small = self._small[key] = self._router_of(*key)
        await small(scope, receive, send)

    @property
    def routes(self) -> Sequence[BaseRoute]:
        return self._routes

    def route_of(self, scope: Scope) -> BaseRoute | None:
        """The route that would answer this request."""
        for position in self._root.candidates(get_route_path(scope)):
            if self._routes[position].matches(scope)[0] is Match.FULL:
                return self._routes[position]
        return None

    def _router_of(self, method: str, positions: Sequence[int]) -> ASGIApp:
        """A router for these candidates. There are no more of them than the table has shapes."""
        routes = [self._routes[position] for position in positions]
        methods_of = [getattr(route, "methods", None) for route in routes]
        taking = [
            route
            for route, methods in zip(routes, methods_of, strict=True)
            if not methods or method in methods
        ]
        return self._real(taking, default=_Refusal(routes, self._real(routes, self._router.redirect_slashes)))

    def _real(
        self, routes: list[BaseRoute], redirect_slashes: bool = False, default: ASGIApp | None = None
    ) -> APIRouter:
        router = APIRouter(
            routes=routes, redirect_slashes=redirect_slashes, default=default or self._router.default
        )
        router.form_limits = self._router.form_limits
        return router


class _Refusal:
    """What happens when no route takes the method: 404, a redirect, or 405 with all methods of the path."""

    def __init__(self, routes: Sequence[BaseRoute], router: APIRouter) -> None:
        self._routes, self._router = routes, router

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._router(scope, receive, send)
        except HTTPException as refusal:
            if refusal.status_code != 405:
                raise
            matching = [route for route in self._routes if route.matches(scope)[0] is not Match.NONE]
            allowed = {method for route in matching for method in getattr(route, "methods", None) or ()}
            if "GET" in allowed:
                allowed.add("HEAD")  # the layer answers it from GET
            raise HTTPException(405, headers={"Allow": ", ".join(sorted(allowed))}) from None


@dataclass(slots=True)
class _Node:
    """One segment: routes that end here, routes that take whatever follows, and the segments below."""

    ending: list[int] = field(default_factory=list)
    open_ended: list[int] = field(default_factory=list)
    literal: dict[str, _Node] = field(default_factory=dict)
    parameter: _Node | None = None

    def add(self, places: Sequence[tuple[int, str]], position: int) -> None:
        if not places:
            self.ending.append(position)
            return
        (place, segment), *rest = places
        if place == _REST:
            self.open_ended.append(position)
        elif place == _LITERAL:
            self.literal.setdefault(segment, _Node()).add(rest, position)
        else:
            self.parameter = self.parameter or _Node()
            self.parameter.add(rest, position)

    def candidates(self, path: str) -> list[int]:
        """Routes that could match, in order of rank. A slash at the end makes no difference here."""
        level, found = [self], list(self.open_ended)
        for segment in path.strip("/").split("/"):
            below = []
            for node in level:
                if (literal := node.literal.get(segment)) is not None:
                    below.append(literal)
                    found += literal.open_ended
                if node.parameter is not None:
                    below.append(node.parameter)
                    found += node.parameter.open_ended
            if not (level := below):
                break
        for node in level:
            found += node.ending
        found.sort()
        return found


def _places(route: BaseRoute) -> list[tuple[int, str]]:
    """The route's segments, each with its rank. What is no plain path is open-ended from there on."""
    path: str | None = getattr(route, "path", None)
    if path is None:
        return [(_REST, "")]
    is_mount = not hasattr(route, "endpoint")
    places = []
    for segment in path.strip("/").split("/") if path.strip("/") or not is_mount else ():
        if "{" not in segment:
            places.append((_LITERAL, segment))
        elif all(_ONE_SEGMENT.fullmatch(part) for part in re.findall(r"\{[^{}]*\}", segment)):
            places.append((_PARAMETER, segment))
        else:
            return [*places, (_REST, segment)]
    return [*places, (_REST, "")] if is_mount else places

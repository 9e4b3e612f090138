"""Calls that will go away: said in every answer and in the OpenAPI document, with dates."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime
from email.utils import format_datetime
from typing import Any, ClassVar
from uuid import UUID

from fastapi.routing import APIRoute
from starlette.routing import BaseRoute
from starlette.types import Receive, Scope, Send

from serve.kernel.caller import Caller
from serve.kernel.errors import Problem, problems

Headers = list[tuple[bytes, bytes]]
_KEY = "x-retirement"


def retiring(*, since: date, sunset: date, successor: str | None = None) -> dict[str, Any]:
    """The keywords of a route that is deprecated ``since`` a day and gone from the day ``sunset`` on.

    ``@router.get("/old", **retiring(since=date(2026, 1, 1), sunset=date(2027, 1, 1), successor="/api/v1/new"))``
    """
    if sunset <= since:
        raise ValueError("a call goes away after it was deprecated")
    facts = {"since": since.isoformat(), "sunset": sunset.isoformat(), "successor": successor}
    return {"deprecated": True, "openapi_extra": {_KEY: facts}}


class CallGone(Problem):
    status: ClassVar[int] = 410
    code, message = "CALL_GONE", "This call is gone. The page of the API's versions says what to use instead."


class Sunsets:
    """From which day on calls are gone: for all, and for tenants that give them up sooner."""

    def __init__(self) -> None:
        self._own: dict[tuple[int, str, str], date] = {}

    def set_own(self, tenant_id: UUID, method: str, path: str, day: date | None) -> None:
        """None: as for all."""
        if day is None:
            self._own.pop((tenant_id.int, method, path), None)
        else:
            self._own[tenant_id.int, method, path] = day

    def of(self, scope: Scope, route: Any) -> date | None:
        """The day for whoever sends the request; None for a route that stays."""
        facts = facts_of(route)
        if facts is None:
            return None
        for_all, caller = date.fromisoformat(facts["sunset"]), scope["state"].get("caller")
        if not isinstance(caller, Caller):
            return for_all
        return min(for_all, self._own.get((caller.tenant_id.int, scope["method"], route.path), for_all))


class Closing:
    """Around what answers for a route that goes away: from its last day on nothing is answered but that."""

    def __init__(self, route: APIRoute) -> None:
        self._route, self._app = route, route.app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        sunsets: Sunsets = scope["app"].state.manners.sunsets
        sunset = sunsets.of(scope, self._route)
        if sunset is not None and datetime.now(UTC).date() >= sunset:
            successor = (facts_of(self._route) or {})["successor"]
            raise CallGone(f"This call is gone. Use {successor} instead." if successor else None)
        await self._app(scope, receive, send)


def close_when_gone(routes: Iterable[BaseRoute]) -> None:
    """Put that around every route that goes away; the others know nothing of it."""
    for route in routes:
        if isinstance(route, APIRoute) and facts_of(route) is not None:
            route.app = Closing(route)


def headers_of(route: object, sunset: date | None = None) -> Headers:
    """``Deprecation`` (RFC 9745), ``Sunset`` (RFC 8594) and the successor's Link; nothing for a call that stays.

    ``sunset`` is the day for whoever asks, if it is another one than for all.
    """
    facts = facts_of(route)
    if facts is None:
        return []
    day = sunset.isoformat() if sunset else facts["sunset"]
    headers = [
        (b"deprecation", b"@%d" % _midnight(facts["since"]).timestamp()),
        (b"sunset", format_datetime(_midnight(day), usegmt=True).encode()),
    ]
    if facts["successor"]:
        headers.append((b"link", f'<{facts["successor"]}>; rel="successor-version"'.encode()))
    return headers


def describe(operation: dict[str, Any]) -> None:
    """Complete the operation of a call that goes away."""
    facts = operation.get(_KEY)
    if facts is None:
        return
    successor = facts.get("successor")  # FastAPI leaves out what is empty
    instead = f" Use `{successor}` instead." if successor else ""
    operation["description"] += (
        f"\n\nDeprecated since {facts['since']}, gone from {facts['sunset']} on.{instead}"
    )
    for status, gone in problems(CallGone).items():
        operation["responses"].setdefault(str(status), gone)
    for status, answer in operation["responses"].items():
        if status.startswith("2"):
            answer.setdefault("headers", {}).update(
                {
                    "Deprecation": {
                        "description": "The moment of deprecation, as @ and Unix seconds.",
                        "schema": {"type": "string"},
                    },
                    "Sunset": {
                        "description": "The moment from which on it is gone.",
                        "schema": {"type": "string"},
                    },
                }
            )


def facts_of(route: object) -> dict[str, Any] | None:
    extra = getattr(route, "openapi_extra", None)
    return extra.get(_KEY) if extra else None


def _midnight(day: str) -> datetime:
    return datetime.combine(date.fromisoformat(day), datetime.min.time(), UTC)

"""Calls that will go away: said in every answer and in the OpenAPI document, with dates."""

from __future__ import annotations

from datetime import UTC, date, datetime
from email.utils import format_datetime
from typing import Any

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


def headers_of(route: object) -> Headers:
    """``Deprecation`` (RFC 9745), ``Sunset`` (RFC 8594) and the successor's Link; nothing for a call that stays."""
    facts = facts_of(route)
    if facts is None:
        return []
    headers = [
        (b"deprecation", b"@%d" % _midnight(facts["since"]).timestamp()),
        (b"sunset", format_datetime(_midnight(facts["sunset"]), usegmt=True).encode()),
    ]
    if facts["successor"]:
        headers.append((b"link", f'<{facts["successor"]}>; rel="successor-version"'.encode()))
    return headers


def describe(operation: dict[str, Any]) -> None:
    """Complete the operation of a call that goes away."""
    facts = operation.get(_KEY)
    if facts is None:
        return
    instead = f" Use `{facts['successor']}` instead." if facts["successor"] else ""
    operation["description"] += (
        f"\n\nDeprecated since {facts['since']}, gone from {facts['sunset']} on.{instead}"
    )
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

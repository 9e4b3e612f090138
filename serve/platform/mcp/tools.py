"""Actions as tools: their names, their schemas, and what a client is told of their risk."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from serve.kernel.actions.action import Action
from serve.kernel.caller import Caller
from serve.platform.actions.catalogue import Schemas

CONFIRM, DRY_RUN, IDEMPOTENCY_KEY = "confirm", "dry_run", "idempotency_key"
_OWN = {
    CONFIRM: {
        "type": "string",
        "description": "The token that the first call without it answered; leave it out to learn what would happen.",
    },
    DRY_RUN: {"type": "boolean", "description": "Do everything, say what would happen, and undo it."},
    IDEMPOTENCY_KEY: {
        "type": "string",
        "minLength": 1,
        "maxLength": 255,
        "description": "A word of yours: the same call with it has one effect.",
    },
}
_CONFIRMATION = {
    "type": "object",
    "description": "Nothing has been done yet: call again with the same arguments and this token as `confirm`.",
    "properties": {
        "token": {"type": "string"},
        "expires_at": {"type": "string", "format": "date-time"},
        "message": {"type": "string"},
    },
    "required": ["token", "expires_at", "message"],
}


@dataclass(frozen=True, slots=True)
class Toolset:
    """What one client wants to see."""

    areas: frozenset[str] | None = None
    is_read_only: bool = False

    def admits(self, action: Action) -> bool:
        return (self.areas is None or action.area in self.areas) and (
            not self.is_read_only or action.risk == "read"
        )

    def of(self, actions: Iterable[Action], caller: Caller) -> Iterator[Action]:
        """Those of them that the caller may invoke, by id."""
        return (each for each in actions if self.admits(each) and each.permission in caller.permissions)


def name_of(action: Action) -> str:
    """Many clients take letters, digits, ``_`` and ``-`` alone; no id has a ``-``, so nothing is lost."""
    return action.id.replace(".", "-")


def operation_id_of(name: str) -> str:
    return name.replace("-", ".")


def own_words(action: Action) -> frozenset[str]:
    """Arguments of the tool that are no parameters of the action. Its own of that name, if it has one, goes before."""
    words = {
        CONFIRM: action.risk == "risky",
        DRY_RUN: action.risk != "read" and action.offers_dry_run,
        IDEMPOTENCY_KEY: action.is_repeatable,
    }
    taken = action.in_query | action.body_fields
    return frozenset(word for word, is_offered in words.items() if is_offered and word not in taken)


def described(action: Action, schemas: Schemas) -> dict[str, Any]:
    """The tool as the protocol writes it."""
    description = action.route.description
    if action.risk == "risky":
        description += "\n\nRisky: the first call only says what would happen and asks for confirmation."
    summary = description.partition("\n")[0].rstrip(".")
    return {
        "name": name_of(action),
        "title": summary,
        "description": description,
        "inputSchema": _input(action, schemas.input),
        "outputSchema": _output(action, schemas.output),
        "annotations": {
            "title": summary,
            "readOnlyHint": action.risk == "read",
            "destructiveHint": action.risk == "risky",
            "idempotentHint": action.risk == "read" or action.method in ("PUT", "DELETE"),
            "openWorldHint": False,
        },
    }


def _input(action: Action, schema: dict[str, Any]) -> dict[str, Any]:
    properties = {**schema["properties"], **{word: _OWN[word] for word in sorted(own_words(action))}}
    return {**schema, "properties": properties}


def _output(action: Action, schema: dict[str, Any]) -> dict[str, Any]:
    properties = {**schema["properties"], "dry_run": {"type": "boolean"}}
    if action.risk == "risky":
        properties["confirmation"] = _CONFIRMATION
    return {**{name: value for name, value in schema.items() if name != "required"}, "properties": properties}

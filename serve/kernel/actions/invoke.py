"""Any operation, called by its id as a given caller: the request that HTTP would have brought, without the network.

Permission, validation, tenancy, Idempotency-Key, events, time limits, logs and counters hold because it goes the same
way. Who asks must have identified the caller (``principal_of``, or a request that was let in).
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any
from uuid import UUID

from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.types import Message, Scope

from serve.kernel.actions.action import Action, Asked
from serve.kernel.actions.outcome import Outcome
from serve.kernel.caller import Caller
from serve.kernel.db import CAUSE, Transaction
from serve.kernel.errors import Conflict, Invalid, NotFound, Problem
from serve.kernel.inside import Inside, mark
from serve.kernel.risk import DryRunNotPossible
from serve.kernel.routing import RouteTree

MOST_LEVELS = 4
_LEVEL: ContextVar[int] = ContextVar("action_level", default=0)


class OperationNotFound(NotFound):
    code, message = "OPERATION_NOT_FOUND", "There is no operation with this id."


class NotAnAction(Invalid):
    code, message = "NOT_AN_ACTION", "Only a request from outside may ask for this operation."


class TooManyLevels(Conflict):
    code, message = "TOO_MANY_LEVELS", "Actions that begin actions nest too deeply here."


class CannotShare(Invalid):
    code, message = (
        "CANNOT_SHARE_TRANSACTION",
        "This operation does something that stands outside the common transaction.",
    )


class Actions:
    """The operations of an application (``app.state.actions``)."""

    def __init__(self, app: FastAPI, named: Mapping[str, APIRoute]) -> None:
        self._app = app
        self._tree = app.router.middleware_stack
        self._all = {operation_id: Action.of(operation_id, route) for operation_id, route in named.items()}

    def __iter__(self) -> Iterator[Action]:
        """Those that may be invoked, by id."""
        return (each for _, each in sorted(self._all.items()) if each.left_out is None)

    def operations(self) -> Iterator[Action]:
        """All of them, those too that are no actions."""
        return iter(self._all.values())

    def get(self, operation_id: str) -> Action:
        """Raises OperationNotFound or NotAnAction."""
        action = self._all.get(operation_id)
        if action is None:
            raise OperationNotFound(f"There is no operation {operation_id[:100]!r}.")
        if action.left_out is not None:
            raise NotAnAction(f"{operation_id} is no action: {action.left_out}.")
        return action

    async def invoke(
        self,
        operation_id: str,
        params: Mapping[str, Any],
        caller: Caller,
        *,
        idempotency_key: str | None = None,
        cause: UUID | None = None,
        request_id: str | None = None,
        dry_run: bool = False,
        is_limited: bool = False,
        within: Transaction | None = None,
    ) -> Outcome:
        """Do it as the caller. A refusal of any kind is an outcome too, never raised.

        Parameters
        ----------
        params : flat, whether they belong into path, query, header (``if_match``) or body. A body that is no object,
            or whose field has a name of the path or query as well, goes under ``body``.
        cause : what the events that come of it name as their cause: an event, a task, a schedule.
        dry_run : do everything, say what would happen, undo it; refused where that is not possible.
        is_limited : whether it counts against the caller's rates: for who asks from outside in another form (batch,
            MCP). The platform's own work has limits of its own.
        within : a transaction of the same caller, in which it is done; who gave it commits.
        """
        request_id = request_id or f"action-{secrets.token_hex(8)}"
        try:
            action = self.get(operation_id)
            if dry_run and not action.offers_dry_run:
                raise DryRunNotPossible
            if within is not None and not action.shares_transaction:
                raise CannotShare
            scope, body = self._request(action, action.asked(params), caller, request_id, within)
            if dry_run:
                scope["headers"].append((b"x-dry-run", b"true"))
            if idempotency_key is not None:
                scope["headers"].append((b"idempotency-key", _header("idempotency_key", idempotency_key)))
            mark(scope, Inside(is_limited))
            with _one_level_down(cause):
                return await self._call(scope, body)
        except Problem as problem:
            return Outcome.refused(problem, request_id)

    def _request(
        self, action: Action, asked: Asked, caller: Caller, request_id: str, within: Transaction | None
    ) -> tuple[Scope, bytes]:
        """Raises Invalid when the address that the parameters make is one of another operation."""
        body = asked.body or b""
        headers = [(b"host", b"inside"), (b"x-request-id", request_id.encode()), *asked.headers]
        if asked.body is not None:
            headers += [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
        state: dict[str, Any] = {"caller": caller}
        if within is not None:
            state["transaction"] = within
        scope: Scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": action.method,
            "scheme": "http",
            "path": asked.path,
            "raw_path": asked.raw_path,
            "root_path": "",
            "query_string": asked.query,
            "headers": headers,
            "client": None,
            "server": ("inside", 80),
            "state": state,
        }
        assert isinstance(self._tree, RouteTree)
        # Else the id `bulk` would make "change a contact" out of "change many of them".
        if self._tree.route_of(scope) is not action.route:
            raise Invalid(details=[(name, "is not valid here") for name in sorted(action.in_path)])
        return scope, body

    async def _call(self, scope: Scope, body: bytes) -> Outcome:
        parts: list[bytes] = []
        status, headers = 500, dict[str, str]()

        async def receive() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Message) -> None:
            nonlocal status, headers
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = {
                    name.decode("latin-1").lower(): value.decode("latin-1")
                    for name, value in message["headers"]
                }
            else:
                parts.append(message.get("body", b""))

        await self._app(scope, receive, send)
        return Outcome.of(status, headers, b"".join(parts))


@contextmanager
def _one_level_down(cause: UUID | None) -> Iterator[None]:
    """Raises TooManyLevels: an action that begins itself would never end."""
    level = _LEVEL.get()
    if level >= MOST_LEVELS:
        raise TooManyLevels
    level_before = _LEVEL.set(level + 1)
    cause_before = CAUSE.set(cause or CAUSE.get())
    try:
        yield
    finally:
        CAUSE.reset(cause_before)
        _LEVEL.reset(level_before)


def _header(name: str, value: str) -> bytes:
    if not value.isascii() or not value.isprintable():
        raise Invalid(details=[(name, "must have letters of ASCII only")])
    return value.encode()

"""One call of a tool: the action it stands for, and the confirmation of a risky one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from serve.kernel.actions import Actions, Outcome
from serve.kernel.actions.action import Action
from serve.kernel.caller import Caller
from serve.kernel.db import Database
from serve.kernel.errors import Invalid, Problem
from serve.platform.mcp.confirmations import LIFE_S, Confirmations
from serve.platform.mcp.tools import CONFIRM, DRY_RUN, IDEMPOTENCY_KEY, own_words


@dataclass(frozen=True, slots=True)
class Told:
    """What a tool answers: JSON for programs, the same as text for models."""

    content: dict[str, Any]
    is_error: bool = False


@dataclass(frozen=True, slots=True)
class Desk:
    """What calls of tools need of the service."""

    actions: Actions
    database: Database
    confirmations: Confirmations


@dataclass(frozen=True, slots=True)
class Call:
    """Arguments taken apart: those of the action, and those of the tool itself."""

    action: Action
    caller: Caller
    request_id: str
    params: Mapping[str, Any]
    confirm: str | None
    is_dry: bool
    idempotency_key: str | None

    @classmethod
    def of(cls, action: Action, arguments: Mapping[str, Any], caller: Caller, request_id: str) -> Call:
        """Raises Invalid for an argument of the tool that is not what it should be."""
        own = {word: arguments[word] for word in own_words(action) if arguments.get(word) is not None}
        kinds = {CONFIRM: str, DRY_RUN: bool, IDEMPOTENCY_KEY: str}
        if wrong := [word for word, value in own.items() if not isinstance(value, kinds[word])]:
            raise Invalid(details=[(word, f"must be a {kinds[word].__name__}") for word in wrong])
        params = {name: value for name, value in arguments.items() if name not in own_words(action)}
        return cls(
            action,
            caller,
            request_id,
            params,
            own.get(CONFIRM),
            own.get(DRY_RUN, False),
            own.get(IDEMPOTENCY_KEY),
        )

    @property
    def confirmed(self) -> dict[str, Any]:
        """What a confirmation is of."""
        return {"params": self.params, "idempotency_key": self.idempotency_key}


async def answer(
    desk: Desk, action: Action, arguments: Mapping[str, Any], caller: Caller, request_id: str
) -> Told:
    """Do it; of a risky one, say what would happen unless that is confirmed. A refusal is an answer too."""
    try:
        call = Call.of(action, arguments, caller, request_id)
        is_confirmed = call.action.risk != "risky" or call.is_dry
        if not is_confirmed and call.confirm is None and action.permission in caller.permissions:
            return await _shown(desk, call)
        if call.confirm is not None:
            await desk.confirmations.spend(desk.database, call.confirm, caller, action.id, call.confirmed)
        return _told(await _invoked(desk, call, dry_run=call.is_dry))
    except Problem as problem:
        return _told(Outcome.refused(problem, request_id))


async def _shown(desk: Desk, call: Call) -> Told:
    """What would happen, as far as it can be tried, and leave to do it."""
    would: dict[str, Any] = {}
    if call.action.offers_dry_run:
        tried = await _invoked(desk, call, dry_run=True)
        if not tried.succeeded:
            return _told(tried)
        would = {"data": tried.data, "meta": tried.meta}
    token, expires_at_s = desk.confirmations.issue(call.caller, call.action.id, call.confirmed)
    how = "This is what would happen." if would else "What it would do cannot be tried first."
    confirmation = {
        "token": token,
        "expires_at": datetime.fromtimestamp(expires_at_s, UTC).isoformat().replace("+00:00", "Z"),
        "message": f"Nothing has been done. {how} To do it, call again within {LIFE_S // 60} minutes with the same"
        " arguments and this token as `confirm`.",
    }
    return Told({"confirmation": confirmation, "dry_run": True, **would})


async def _invoked(desk: Desk, call: Call, *, dry_run: bool) -> Outcome:
    return await desk.actions.invoke(
        call.action.id,
        call.params,
        call.caller,
        idempotency_key=None if dry_run else call.idempotency_key,
        request_id=call.request_id,
        dry_run=dry_run,
        is_limited=True,
    )


def _told(outcome: Outcome) -> Told:
    if outcome.error is not None:
        return Told({"error": outcome.error}, is_error=True)
    etag = {"etag": outcome.headers["etag"]} if "etag" in outcome.headers else {}
    return Told({"data": outcome.data, "meta": outcome.meta, **etag, "dry_run": outcome.was_dry_run})

"""What an operation may do besides answering: its risk, whether it can be tried without effect, and be an action.

Most of it follows from the route; what does not is declared there: ``@router.post("/send", **acts(risk="risky"))``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute

from serve.kernel.access import permission_of
from serve.kernel.db import SHARING, TRANSACTION
from serve.kernel.errors import Invalid
from serve.kernel.idempotency import RepeatableRoute
from serve.kernel.ratelimit import READING_WORDS

Risk = Literal["read", "write", "risky"]
KEY = "x-action"
_RISKY_SEGMENTS = frozenset({"bulk", "clear-all", "settings", "api-keys", "permissions", "roles"})


class DryRunNotPossible(Invalid):
    code, message = (
        "DRY_RUN_NOT_POSSIBLE",
        "This cannot be tried without effect: not everything it does could be undone.",
    )


def acts(
    *, risk: Risk | None = None, dry_run: bool | None = None, left_out: str | None = None, **extra: Any
) -> dict[str, Any]:
    """The keywords of a route about which something does not follow from what it is.

    ``dry_run=False`` says that it does something that a rollback would not undo; ``left_out`` why it is no action:
    nothing but a request from outside may ask for it. ``extra`` is what else OpenAPI should say.
    """
    said = {"risk": risk, "dry_run": dry_run, "left_out": left_out}
    said = {name: value for name, value in said.items() if value is not None}
    return {"openapi_extra": {KEY: said, **extra}}


def risk_of(route: APIRoute) -> Risk:
    """``read`` changes nothing; ``risky`` takes away, changes much at once, reaches outside or changes who may what.

    What is under settings or API keys is risky whatever it does; so is every DELETE.
    """
    declared: Risk | None = _said(route).get("risk")
    if declared is not None:
        return declared
    *_, last = segments = route.path.strip("/").split("/")
    if route.methods == {"GET"} or last in READING_WORDS:
        return "read"
    return "risky" if route.methods == {"DELETE"} or _RISKY_SEGMENTS & {*segments} else "write"


def left_out(route: APIRoute) -> str | None:
    """Why the operation is no action, or None: it is one."""
    declared: str | None = _said(route).get("left_out")
    if declared is not None:
        return declared
    if permission_of(route) is None:
        return "open to everybody, so nobody's permission is asked for"
    if not route.include_in_schema:
        return "a page"
    if any(parameter.field_info.__class__.__name__ in ("Form", "File") for parameter in _bodies(route)):
        return "takes a file"
    if route.response_model is None:
        return "answers a file or a stream"
    return None


def shares_transaction(route: BaseRoute) -> bool:
    """Whether all that it reads and does stands in the transaction that the request brings along."""
    if not isinstance(route, APIRoute):
        return False
    if risk_of(route) != "read":
        return offers_dry_run(route)
    return any(call in SHARING for call in _calls(route.dependant))


def offers_dry_run(route: BaseRoute) -> bool:
    """Whether it can be done and undone: all its effects are in the transaction of the request."""
    if not isinstance(route, APIRoute):
        return False
    if risk_of(route) == "read":
        return True
    declared: bool | None = _said(route).get("dry_run")
    is_whole = TRANSACTION in _calls(route.dependant) if declared is None else declared
    return isinstance(route, RepeatableRoute) and is_whole


def _said(route: APIRoute) -> dict[str, Any]:
    said: dict[str, Any] = (route.openapi_extra or {}).get(KEY, {})
    return said


def _calls(dependant: Dependant) -> Iterator[Any]:
    for inner in dependant.dependencies:
        yield inner.call
        yield from _calls(inner)


def _bodies(route: APIRoute) -> Iterator[Any]:
    left = [route.dependant]
    while left:
        dependant = left.pop()
        yield from dependant.body_params
        left += dependant.dependencies

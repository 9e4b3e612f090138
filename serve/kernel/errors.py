"""How an action can fail, as HTTP tells it: one envelope, true status codes, never a stack trace.

A domain subclasses the problem that fits and gives it a ``code``. Clients that ask for
``application/problem+json`` get RFC 9457 instead of the envelope.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

import orjson
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.types import Scope

log = logging.getLogger("throughline.errors")
CATALOGUE = "/docs/errors"
"""Where every code is explained; a problem's ``type`` points there."""


class ErrorDetail(BaseModel):
    """What is wrong with one field."""

    model_config = ConfigDict(extra="forbid")

    field: str = Field(description="The field or parameter, as the client wrote it.")
    message: str


class ErrorBody(BaseModel):
    """Why the request failed."""

    model_config = ConfigDict(extra="forbid")

    code: str = Field(description="Stable word for programs.")
    message: str = Field(description="One sentence for people.")
    details: list[ErrorDetail] = []
    request_id: str = Field(description="Quote it when you ask for help; it is in the log too.")


class ErrorEnvelope(BaseModel):
    """The body of every answer that is not a success."""

    model_config = ConfigDict(extra="forbid")

    success: Literal[False] = False
    error: ErrorBody


class Problem(HTTPException):
    """Base of every failure that a client is told about."""

    status: ClassVar[int] = 500
    code: ClassVar[str] = "INTERNAL"
    message: ClassVar[str] = "Something went wrong on our side. The log has the cause under the request id."

    def __init__(
        self,
        message: str | None = None,
        *,
        details: Sequence[tuple[str, str]] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """``details`` are (field, message) pairs."""
        super().__init__(self.status, message or self.message, dict(headers or {}))
        self.details = details

    def note(self, request: Request) -> None:
        """What is remembered of it when it is answered: nothing, unless a problem says so."""


class Malformed(Problem):
    status, code, message = 400, "MALFORMED", "The request could not be read."


class Unauthenticated(Problem):
    status, code, message = 401, "UNAUTHENTICATED", "Log in first: send a valid access token."

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message, headers={"WWW-Authenticate": "Bearer"})


class Forbidden(Problem):
    status, code, message = 403, "FORBIDDEN", "Your role does not allow this."


class NotFound(Problem):
    status, code, message = 404, "NOT_FOUND", "There is nothing at this address."


class MethodNotAllowed(Problem):
    status, code, message = 405, "METHOD_NOT_ALLOWED", "This address does not take that method."


class NotAcceptable(Problem):
    status, code, message = 406, "NOT_ACCEPTABLE", "None of the formats in Accept can be produced here."


class Conflict(Problem):
    status, code, message = 409, "CONFLICT", "That does not go with the present state."


class PreconditionFailed(Problem):
    status, code, message = 412, "PRECONDITION_FAILED", "It is not in the state that you expected."


class BodyTooLarge(Problem):
    status, code, message = 413, "BODY_TOO_LARGE", "The request body is too large."


class UnsupportedMediaType(Problem):
    status, code, message = 415, "UNSUPPORTED_MEDIA_TYPE", "Send the body as application/json."


class Invalid(Problem):
    status, code, message = 422, "INVALID", "Some values are not valid."


class TooManyRequests(Problem):
    status, code, message = 429, "RATE_LIMITED", "Too many attempts. Wait a little."


class TooDeep(Malformed):
    code, message = "TOO_DEEP", "The JSON body nests objects and lists deeper than anything here does."


class OutsideFailed(Problem):
    status, code, message = 502, "OUTSIDE_FAILED", "An outside service that this needs has failed."

    def __init__(self, service: str, message: str | None = None, *, wait_s: float | None = None) -> None:
        """``service`` is its name as people know it; never its answer, which may hold anything."""
        super().__init__(
            message or f"{service} has failed or does not answer. Try again later.",
            headers=None if wait_s is None else {"Retry-After": str(max(1, round(wait_s)))},
        )


class OutsideSlow(OutsideFailed):
    status, code, message = 504, "OUTSIDE_SLOW", "An outside service that this needs does not answer in time."

    def __init__(self, service: str) -> None:
        super().__init__(service, f"{service} does not answer in time. Try again later.")


class Unavailable(Problem):
    status, code, message = 503, "UNAVAILABLE", "A part that this needs is not running."


class NotConfigured(Unavailable):
    """Raise it with the missing settings as details: ``details=[("smtp_host", "is not set")]``."""

    code, message = "INTEGRATION_NOT_CONFIGURED", "Settings are missing that this needs."


class ShuttingDown(Unavailable):
    code, message = "SHUTTING_DOWN", "This server is about to stop. Ask again: another one answers."

    def __init__(self) -> None:
        super().__init__(headers={"Connection": "close", "Retry-After": "1"})


class TimedOut(Problem):
    status, code, message = (
        504,
        "TIMED_OUT",
        "That took too long and was given up. Repeat it with the same Idempotency-Key, or look what was done.",
    )


_ENVELOPE = "#/components/schemas/ErrorEnvelope"
_BY_STATUS: dict[int, type[Problem]] = {
    problem.status: problem
    for problem in (
        Malformed,
        Unauthenticated,
        Forbidden,
        NotFound,
        MethodNotAllowed,
        NotAcceptable,
        BodyTooLarge,
    )
}


def problems(*kinds: type[Problem]) -> dict[int | str, dict[str, Any]]:
    """The ``responses=`` of a route for these failures, with an example of each for OpenAPI."""
    by_status: dict[int | str, dict[str, Any]] = {}
    for kind in kinds:
        entry = by_status.setdefault(
            kind.status,
            # By reference: given the model, FastAPI would make a validator of it for each failure of each route.
            {"description": kind.message, "content": {"application/json": {"schema": {"$ref": _ENVELOPE}}}},
        )
        examples = entry["content"]["application/json"].setdefault("examples", {})
        example = {"code": kind.code, "message": kind.message, "details": [], "request_id": "0b7c-1"}
        examples[kind.code] = {"value": {"success": False, "error": example}}
    return by_status


def respond(scope: Scope, problem: Problem) -> Response:
    """The problem as a response in the form that the client asks for."""
    request_id = scope.get("state", {}).get("request_id", "")
    details = [{"field": field, "message": message} for field, message in problem.details]
    accept = next((value for name, value in scope.get("headers", ()) if name == b"accept"), b"")
    body: dict[str, Any]
    if b"application/problem+json" in accept:
        media_type = "application/problem+json"
        body = {
            "type": f"{CATALOGUE}#{problem.code}",
            "title": problem.code,
            "status": problem.status_code,
            "detail": problem.detail,
            "errors": details,
            "request_id": request_id,
        }
    else:
        media_type = "application/json"
        error = {
            "code": problem.code,
            "message": problem.detail,
            "details": details,
            "request_id": request_id,
        }
        body = {"success": False, "error": error}
    headers = {**(problem.headers or {}), "Cache-Control": "no-store"}
    return Response(orjson.dumps(body), problem.status_code, headers, media_type)


def install(app: FastAPI) -> None:
    """Answer every exception of the application in the envelope."""
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _validation)


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if isinstance(error, Problem):
        error.note(request)
        return respond(request.scope, error)
    kind = _BY_STATUS.get(error.status_code, Problem)
    translated = kind() if kind is Unauthenticated else kind(headers=error.headers)
    translated.status_code = error.status_code
    return respond(request.scope, translated)


async def _validation(request: Request, error: Exception) -> Response:
    """Name the field; never repeat its value, which may be a password."""
    assert isinstance(error, RequestValidationError)
    written_as: dict[str, str] = request.scope.get("state", {}).get("written_as", {})
    found = error.errors()
    if any(item["type"] == "json_invalid" and isinstance(item["loc"][-1], int) for item in found):
        return respond(request.scope, Malformed("The body is not valid JSON."))
    if any(item["loc"] == ("body",) for item in found) and not _is_json(request):
        return respond(request.scope, UnsupportedMediaType())
    details = []
    for item in found:
        first, *rest = item["loc"][1:] or item["loc"]
        field = written_as.get(str(first), str(first))
        field += "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in rest)
        details.append((field, item["msg"].removeprefix("Value error, ")))
    return respond(request.scope, Invalid(details=details))


def _is_json(request: Request) -> bool:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    return kind == "application/json" or kind.endswith("+json")

"""The one ASGI layer around the application: what every request gets, done in one pass.

Request id, ``/api/x`` as another name of ``/api/v1/x``, trailing slash, camelCase parameters, size limit of bodies,
security headers, one line in the access log, and an answer instead of a stack trace.
"""

from __future__ import annotations

import itertools
import logging
import re
import secrets
import time

import orjson
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serve.kernel.errors import BodyTooLarge, Problem, respond
from serve.kernel.params import snake_query

access_log = logging.getLogger("throughline.access")
error_log = logging.getLogger("throughline.errors")

_OUTSIDE_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_COMMON = [
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), microphone=(), geolocation=()"),
]
_API = [*_COMMON, (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'")]
_PAGE = [
    *_COMMON,
    (
        b"content-security-policy",
        b"default-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    ),
]


class Layer:
    """Pure ASGI; about 10 us a request."""

    def __init__(self, app: ASGIApp, *, max_body_bytes: int) -> None:
        self.app, self.max_body_bytes = app, max_body_bytes
        self._prefix = secrets.token_hex(4)
        self._numbers = itertools.count(1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = time.perf_counter()
        headers = dict(scope["headers"])
        request_id = self._request_id(headers)
        state = scope.setdefault("state", {})
        state["request_id"] = request_id
        asked_path = scope["path"]
        _tidy(scope)
        added = [
            (b"x-request-id", request_id.encode()),
            *(_API if scope["path"].startswith("/api/") else _PAGE),
        ]
        status = 0
        # The server leaves the body of a HEAD away; its own scope must go on saying HEAD for that.
        inner = {**scope, "method": "GET"} if scope["method"] == "HEAD" else scope

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), *added]
            await send(message)

        try:
            if int(headers.get(b"content-length", b"0")) > self.max_body_bytes:
                raise self._too_large()
            await self.app(inner, self._limited(receive), send_with_headers)
        except Exception as error:
            if not isinstance(error, Problem):
                error_log.exception("request %s failed: %s %s", request_id, scope["method"], asked_path)
            if status:
                raise  # the answer has begun; only closing the connection tells the client that it is not whole
            problem = error if isinstance(error, Problem) else Problem()
            await respond(scope, problem)(scope, receive, send_with_headers)
        finally:
            if access_log.isEnabledFor(logging.INFO):
                caller = state.get("caller")
                line = {
                    "method": scope["method"],
                    "path": asked_path,
                    "status": status,
                    "duration_ms": round((time.perf_counter() - started) * 1000, 2),
                    "request_id": request_id,
                    "tenant_id": str(caller.tenant_id) if caller else None,
                }
                access_log.info(orjson.dumps(line).decode())

    def _request_id(self, headers: dict[bytes, bytes]) -> str:
        """The client's own id when it is harmless, else one that no other process gives."""
        given = headers.get(b"x-request-id", b"")
        if _OUTSIDE_ID.fullmatch(given):
            return given.decode()
        return f"{self._prefix}-{next(self._numbers)}"

    def _limited(self, receive: Receive) -> Receive:
        """Bodies without a declared length are counted as they come."""
        size = 0

        async def counting() -> Message:
            nonlocal size
            message = await receive()
            size += len(message.get("body", b""))
            if size > self.max_body_bytes:
                raise self._too_large()
            return message

        return counting

    def _too_large(self) -> BodyTooLarge:
        return BodyTooLarge(f"The request body is larger than {self.max_body_bytes:,} bytes.")


def _tidy(scope: Scope) -> None:
    """The canonical form of an API address; others are left alone."""
    path: str = scope["path"]
    if not path.startswith("/api/"):
        return
    if not path.startswith("/api/v1/"):
        path = "/api/v1/" + path.removeprefix("/api/")
    if path.endswith("/"):
        path = path.rstrip("/")
    if path != scope["path"]:
        scope["path"] = path
        scope["raw_path"] = path.encode()
    if scope["query_string"]:
        scope["query_string"], scope["state"]["written_as"] = snake_query(scope["query_string"])

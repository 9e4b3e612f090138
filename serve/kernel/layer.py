"""The one ASGI layer around the application: what every request gets, done in one pass.

Request id, ``/api/x`` as another name of ``/api/v1/x``, trailing slash, camelCase parameters, limits (size and depth of
bodies, rate, time), security headers, compression, one line in the access log, one row in the request log, counters,
and an answer instead of a stack trace.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import re
import secrets
import time
from dataclasses import dataclass, field
from functools import partial
from urllib.parse import quote

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serve.kernel.access_log import AccessLog, Line
from serve.kernel.bodies import Body
from serve.kernel.caller import COOKIE, Caller, identify_by
from serve.kernel.compression import Gzip, wants_gzip
from serve.kernel.errors import Problem, ShuttingDown, TimedOut, TooManyRequests, respond
from serve.kernel.inside import inside_of
from serve.kernel.metrics import Meters
from serve.kernel.params import snake_query
from serve.kernel.quick import ShortWays
from serve.kernel.ratelimit import AUTH_PATHS, Limits
from serve.kernel.request_log import RequestLog
from serve.kernel.retirement import Sunsets, headers_of
from serve.kernel.shutdown import Draining
from serve.kernel.sockets import SWITCHED, Opening
from serve.kernel.timeouts import Running

error_log = logging.getLogger("throughline.errors")

Headers = dict[bytes, bytes]

UNMATCHED = "unmatched"
_OUTSIDE_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
API_PATHS = ("/api/", "/auth/")
_COOKIE = COOKIE.encode()
_UNUSUAL = frozenset({b"origin", b"x-dry-run"})
"""What browsers of other sites are told is said by a middleware behind, and a try is undone by the route."""
_COMMON = [
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), microphone=(), geolocation=()"),
    (b"vary", b"Accept-Encoding"),
]
_API = [*_COMMON, (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'")]
_PAGE = [
    *_COMMON,
    (
        b"content-security-policy",
        b"default-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    ),
]


@dataclass
class Manners:
    """What the layer keeps between requests, and how much it lets pass."""

    max_body_bytes: int = 1_048_576
    max_upload_bytes: int = 104_857_600
    running: Running = field(default_factory=lambda: Running(timeout_s=30.0))
    limits: Limits = field(default_factory=lambda: Limits({}, tenant_factor=1))
    meters: Meters = field(default_factory=Meters)
    requests: RequestLog = field(default_factory=RequestLog)
    accesses: AccessLog = field(default_factory=AccessLog)
    short_ways: ShortWays = field(default_factory=ShortWays)
    draining: Draining = field(default_factory=Draining)
    sunsets: Sunsets = field(default_factory=Sunsets)


class Layer:
    """Pure ASGI."""

    def __init__(self, app: ASGIApp, manners: Manners) -> None:
        self.app, self.manners = app, manners
        self._prefix = secrets.token_hex(4)
        self._numbers = itertools.count(1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await self._open(scope, receive, send)
            return
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = time.perf_counter()
        manners, headers = self.manners, dict(scope["headers"])
        request_id = self._request_id(headers)
        state = scope.setdefault("state", {})
        state["request_id"] = request_id
        state["is_head"] = scope["method"] == "HEAD"
        asked_path = scope["path"]
        is_alias = _tidy(scope)
        is_api = scope["path"].startswith(API_PATHS)
        # The server leaves the body of a HEAD away; its own scope must go on saying HEAD for that.
        inner = scope
        if scope["method"] == "HEAD":
            inner, state["is_head"] = {**scope, "method": "GET"}, True
        if wants_gzip(headers.get(b"accept-encoding", b"")) and not scope["path"].startswith(AUTH_PATHS):
            send = Gzip(send)  # not around secrets: their length would tell something about them
        answer = _Answer(inner, send, manners)
        answer.headers = [(b"x-request-id", request_id.encode()), *(_API if is_api else _PAGE)]
        if is_alias:
            answer.headers.append((b"link", f'<{quote(scope["path"])}>; rel="canonical"'.encode()))
        body = self._body(inner, headers, receive, answer)
        rest: Receive | None = body or receive
        asking = inside_of(scope)
        manners.running.begin(answer)
        try:
            # What was begun before the end, with all that it asks of the service itself, is finished.
            if manners.draining.has_begun and asking is None and scope["path"] != "/health/live":
                raise ShuttingDown
            if is_api:
                if asking is None or asking.is_limited:
                    await self._admit(inner, headers, answer)
                if asking is None and not headers.keys() & _UNUSUAL:
                    rest = await manners.short_ways.answer(inner, body or receive, answer)
            if rest is not None:
                await self.app(inner, rest, answer)
        except asyncio.CancelledError:
            if answer.status or not manners.running.is_late(answer):
                raise
            if asyncio.current_task().uncancel():  # type: ignore[union-attr]
                raise  # so is the request that asks this one from inside
            error_log.warning("request %s took too long: %s %s", request_id, scope["method"], asked_path)
            await respond(scope, TimedOut())(scope, receive, answer)
        except Exception as error:
            if not isinstance(error, Problem):
                error_log.exception("request %s failed: %s %s", request_id, scope["method"], asked_path)
            if answer.status:
                raise  # the answer has begun; only closing the connection tells the client that it is not whole
            problem = error if isinstance(error, Problem) else Problem()
            await respond(scope, problem)(scope, receive, answer)
        finally:
            manners.running.end(answer)
            scope["route"] = inner.get("route")
            self._note(scope, asked_path, answer, body.size if body else 0, time.perf_counter() - started)

    async def _open(self, scope: Scope, receive: Receive, send: Send) -> None:
        """A WebSocket: request id, refusal when the process stops or somebody opens too many, a line in the log."""
        started, headers = time.perf_counter(), dict(scope["headers"])
        state = scope.setdefault("state", {})
        state["request_id"] = request_id = self._request_id(headers)
        opening = Opening(send, request_id)
        try:
            if self.manners.draining.has_begun:
                raise ShuttingDown
            verdict = await self.manners.limits.verdict({**scope, "method": "GET"}, None)
            if verdict is not None and not verdict.is_admitted:
                raise TooManyRequests(headers={"Retry-After": str(verdict.wait_s)})
            await self.app(scope, receive, opening)
        except Exception as error:
            if not isinstance(error, Problem):
                error_log.exception("request %s failed: WS %s", request_id, scope["path"])
            if opening.status == SWITCHED:
                raise  # the server closes the connection as one that failed
            problem = error if isinstance(error, Problem) else Problem()
            await opening.refuse(scope, receive, problem)
        finally:
            duration_s = time.perf_counter() - started
            route: str = getattr(scope.get("route"), "path", UNMATCHED)
            self.manners.meters.count("WS", route, opening.status, opening.opened_s or duration_s)
            caller: Caller | None = state.get("caller")
            tenant_id = str(caller.tenant_id) if caller else None
            measured = (opening.status, round(duration_s * 1000, 2), request_id, tenant_id)
            self.manners.accesses.add(Line("WS", scope["path"], route, *measured))

    def _body(self, scope: Scope, headers: Headers, receive: Receive, answer: _Answer) -> Body | None:
        """What watches over the request's body, where there is one."""
        declared = headers.get(b"content-length", b"")
        if not declared and b"transfer-encoding" not in headers:
            return None
        return Body(
            receive,
            scope,
            most_bytes=self.manners.max_body_bytes,
            most_upload_bytes=self.manners.max_upload_bytes,
            declared=declared,
            is_json=b"json" in headers.get(b"content-type", b""),
            go_on=partial(self.manners.running.prolong, answer),
        )

    async def _admit(self, scope: Scope, headers: Headers, answer: _Answer) -> None:
        """Count the request against the limits of whoever sends it. Raises TooManyRequests."""
        verdict = await self.manners.limits.verdict(scope, await _caller(scope, headers))
        if verdict is None:
            return
        answer.headers += verdict.headers()
        if not verdict.is_admitted:
            raise TooManyRequests(headers={"Retry-After": str(verdict.wait_s)})

    def _request_id(self, headers: Headers) -> str:
        """The client's own id when it is harmless, else one that no other process gives."""
        given = headers.get(b"x-request-id", b"")
        if _OUTSIDE_ID.fullmatch(given):
            return given.decode()
        return f"{self._prefix}-{next(self._numbers)}"

    def _note(self, scope: Scope, path: str, answer: _Answer, request_bytes: int, duration_s: float) -> None:
        """Counters and both logs."""
        route: str = getattr(scope["route"], "path", UNMATCHED)
        caller: Caller | None = scope["state"].get("caller")
        self.manners.meters.count(scope["method"], route, answer.status, duration_s)
        if caller is not None:
            measured = (answer.status, duration_s * 1000, request_bytes, answer.size, time.time())
            self.manners.requests.add(caller, (scope["method"], route, *measured))
        tenant_id = str(caller.tenant_id) if caller else None
        duration_ms, request_id = round(duration_s * 1000, 2), scope["state"]["request_id"]
        if "{token}" in route:
            path = route  # a secret has no place in a log
        line = Line(scope["method"], path, route, answer.status, duration_ms, request_id, tenant_id)
        self.manners.accesses.add(line)


class _Answer:
    """The way of one answer to its client. Call it as ``send``."""

    __slots__ = ("_manners", "_scope", "_send", "headers", "size", "status")

    def __init__(self, scope: Scope, send: Send, manners: Manners) -> None:
        self._scope, self._send, self._manners = scope, send, manners
        self.headers: list[tuple[bytes, bytes]] = []
        self.status = self.size = 0

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self._manners.running.exempt(self)
            message["headers"] = [*message.get("headers", ()), *self.headers]
            if getattr(route := self._scope.get("route"), "deprecated", None):
                message["headers"] += headers_of(route, self._manners.sunsets.of(self._scope, route))
        else:
            self.size += len(message.get("body", b""))
        await self._send(message)


async def _caller(scope: Scope, headers: Headers) -> Caller | None:
    """Who sends it, when somebody who may is named; whatever is wrong with that, the route itself refuses."""
    known: Caller | None = scope["state"].get("caller")
    if known is not None:
        return known
    named = b"authorization" in headers or b"x-api-key" in headers
    if not named and _COOKIE not in headers.get(b"cookie", b""):
        return None
    try:
        return await identify_by(scope, headers)
    except Problem:
        return None


def _tidy(scope: Scope) -> bool:
    """Give an API address its canonical form; others are left alone. Whether it was written without a version."""
    path: str = scope["path"]
    if not path.startswith("/api/"):
        return False
    is_alias = not path.startswith("/api/v1/")
    if is_alias:
        path = "/api/v1/" + path.removeprefix("/api/")
    if path.endswith("/"):
        path = path.rstrip("/")
    if path != scope["path"]:
        scope["path"] = path
        scope["raw_path"] = path.encode()
    if scope["query_string"]:
        scope["query_string"], scope["state"]["written_as"] = snake_query(scope["query_string"])
    return is_alias

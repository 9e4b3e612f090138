"""Who opens a WebSocket: what the opening request shows, and whether a page of another site sent it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from pydantic import ValidationError
from starlette.requests import cookie_parser
from starlette.types import Scope
from starlette.websockets import WebSocket

from serve.kernel.caller import COOKIE, Caller, identify_by
from serve.kernel.errors import Forbidden, Invalid
from serve.platform.realtime.schemas import ListenQuery

PROTOCOL = "throughline"
BESIDE_PROTOCOL = "bearer."

Verify = Callable[[], Awaitable[Caller]]
Headers = Mapping[bytes, bytes]


class OtherSite(Forbidden):
    """A browser sends the cookie with every WebSocket, whichever site's page opens it; the origin tells them apart."""

    code, message = (
        "OTHER_SITE",
        "The log-in cookie opens a WebSocket only from pages of this address. Send a token.",
    )


def verifier(scope: Scope, credentials: Headers) -> Verify:
    """Asks who these credentials stand for, each time anew. It raises Unauthenticated or TenantSuspended."""

    async def verify() -> Caller:
        caller = await identify_by({"app": scope["app"], "method": "GET"}, credentials)
        scope["app"].state.standings.check(caller)
        return caller

    return verify


def by_token(token: str) -> Headers:
    return {b"authorization": b"Bearer " + token.encode()}


def credentials_of(socket: WebSocket) -> Headers | None:
    """What the request shows: a header, a token beside the protocol, or the cookie. Raises OtherSite."""
    headers = dict(socket.scope["headers"])
    if b"authorization" in headers or b"x-api-key" in headers:
        return headers
    for word in socket.scope["subprotocols"]:
        if word.startswith(BESIDE_PROTOCOL):
            return by_token(word.removeprefix(BESIDE_PROTOCOL))
    if cookie_parser(headers.get(b"cookie", b"").decode("latin-1")).get(COOKIE):
        if not is_of_this_site(headers):
            raise OtherSite
        return headers
    return None


def is_of_this_site(headers: Headers) -> bool:
    """Whether the page that opens it is one of the address that it opens; programs say no origin, and need none."""
    origin = urlsplit(headers.get(b"origin", b"").decode("latin-1").lower())
    host = headers.get(b"host", b"").decode("latin-1").lower()
    return bool(host) and origin.scheme in ("http", "https") and origin.netloc == host


def asked_in(socket: WebSocket) -> ListenQuery:
    """The parameters of the address. Raises Invalid naming each that is wrong."""
    given: dict[str, Any] = {}
    wrong = []
    for name, value in socket.query_params.multi_items():
        if name not in ListenQuery.model_fields:
            wrong.append((name, "is not a parameter of this address"))
        elif name == "topics":
            given.setdefault(name, []).append(value)
        elif name in given:
            wrong.append((name, "is given more than once"))
        else:
            given[name] = value
    try:
        asked = ListenQuery.model_validate(given)
    except ValidationError as error:
        raise Invalid(details=wrong + details_of(error)) from error
    if wrong:
        raise Invalid(details=wrong)
    return asked


def details_of(error: ValidationError) -> list[tuple[str, str]]:
    """(field, message) pairs, without the values, which may be secrets."""
    return [
        (".".join(str(part) for part in item["loc"]), item["msg"].removeprefix("Value error, "))
        for item in error.errors(include_url=False, include_input=False)
    ]

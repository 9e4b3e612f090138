"""What a browser is sent to when somebody signs in by a provider, and what it brings back.

Open to everybody: nobody is known yet. A sign-in belongs to the browser that began it, by a cookie; it ends with the
cookies of a session and a redirect to a path of ours, or on a page that says why not (``steps.py``).
"""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Form, Path, Query, Request, Response

from serve.identity.auth.endpoints import session_answer
from serve.identity.auth.errors import NoMembership, SessionEnded
from serve.identity.auth.service import Client
from serve.identity.sso import saml
from serve.identity.sso.attempts import COOKIE, COOKIE_PATH, LIFE
from serve.identity.sso.errors import (
    SsoAnswerRefused,
    SsoConnectionNotFound,
    SsoNotAdmitted,
    SsoProviderRefused,
    SsoStateUnknown,
)
from serve.identity.sso.schemas import SsoAsked, SsoFound
from serve.identity.sso.sign_in import Back, SingleSignOn
from serve.identity.sso.steps import Step, lead
from serve.kernel.db import DatabaseUnavailable
from serve.kernel.envelope import Meta, Success, success
from serve.kernel.errors import (
    BodyTooLarge,
    Malformed,
    OutsideFailed,
    OutsideSlow,
    UnsupportedMediaType,
    problems,
)
from serve.kernel.routing import area_router

PATH = COOKIE_PATH
TAGS = ["single sign-on"]
router = area_router(prefix=PATH, tags=TAGS)
steps = area_router(prefix=PATH, tags=TAGS, route_class=Step)
"""Where we send people to ourselves."""
back = APIRouter(prefix=PATH, tags=TAGS, route_class=Step)
"""Where providers send people to: they add what they like, and that is no error."""

XML = "application/samlmetadata+xml"
FINISH = f"{PATH}/finish"
MOST_POSTED = saml.MOST_BYTES * 3 // 2
ConnectionId = Annotated[
    UUID, Path(description="The connection, as discovery and its administrator name it.")
]
VISIBLE = r"^[\x20-\x7e]*$"
State = Annotated[str | None, Query(max_length=200, pattern=VISIBLE, description="What we sent along.")]
Code = Annotated[
    str | None, Query(max_length=4000, pattern=VISIBLE, description="Without it the provider refuses.")
]
Issuer = Annotated[str | None, Query(max_length=1000, pattern=VISIBLE, description="Who answers (RFC 9207).")]
_LEADS_AWAY = {303: {"description": "Go on there.", "headers": {"Location": {"schema": {"type": "string"}}}}}
_ADMITS = (
    NoMembership,
    SessionEnded,
    SsoNotAdmitted,
    SsoConnectionNotFound,
    SsoStateUnknown,
    DatabaseUnavailable,
)
_ASKS = (OutsideFailed, OutsideSlow)


@router.post(
    "/discover",
    response_model=Success[SsoFound, Meta],
    responses=problems(DatabaseUnavailable, Malformed, UnsupportedMediaType),
    name="sso.discover",
)
async def discover(request: Request, asked: SsoAsked) -> Response:
    """How people with such a mail address sign in: by their organisation's provider, or with a password.

    It tells about the domain of the address, never whether there is an account.
    """
    found = await _sso(request).discover(asked.email)
    return Response(success(found, {}), 200, {"Cache-Control": "no-store"}, "application/json")


@steps.get(
    "/{connection_id}/start",
    status_code=303,
    response_class=Response,
    responses={**_LEADS_AWAY, **problems(SsoConnectionNotFound, DatabaseUnavailable, *_ASKS)},
    name="sso.start",
)
async def start(
    request: Request,
    connection_id: ConnectionId,
    return_to: Annotated[str | None, Query(max_length=1000, description="A path of this service.")] = None,
    login_hint: Annotated[
        str | None, Query(max_length=254, description="The mail address, if it is known.")
    ] = None,
) -> Response:
    """Begin to sign in: the browser is sent to the provider, and comes back within ten minutes.

    At this and all further steps, whoever asks for `text/html` and not for JSON is led to a page that says why not.
    """
    sent = await _sso(request).begin(connection_id, return_to, login_hint)
    response = lead(sent.url)
    response.set_cookie(COOKIE, sent.browser, max_age=int(LIFE.total_seconds()), **_cookie_manners(request))
    return response


@back.get(
    "/oidc/{connection_id}/callback",
    status_code=303,
    response_class=Response,
    responses={
        **_LEADS_AWAY,
        **problems(*_ADMITS, SsoAnswerRefused, SsoProviderRefused, *_ASKS),
    },
    name="sso.oidc_callback",
)
async def oidc_callback(
    request: Request,
    connection_id: ConnectionId,
    state: State = None,
    code: Code = None,
    iss: Issuer = None,
) -> Response:
    """Where an OpenID provider sends the browser back to: ends in a session, or says why not."""
    came = await _sso(request).code_came(
        connection_id, state or "", _browser(request), code, iss, Client.of(request)
    )
    return _in(request, came)


@router.get(
    "/saml/{connection_id}/metadata",
    response_class=Response,
    responses={
        200: {"description": "Our metadata.", "content": {XML: {"schema": {"type": "string"}}}},
        **problems(SsoConnectionNotFound, DatabaseUnavailable),
    },
    name="sso.saml_metadata",
)
async def saml_metadata(request: Request, connection_id: ConnectionId) -> Response:
    """Who we are to the provider of a SAML connection."""
    return Response(await _sso(request).describe(connection_id), media_type=XML)


@back.post(
    "/saml/{connection_id}/acs",
    status_code=303,
    response_class=Response,
    responses={
        **_LEADS_AWAY,
        **problems(*_ADMITS, SsoAnswerRefused, SsoProviderRefused, Malformed, BodyTooLarge),
    },
    name="sso.saml_acs",
)
async def saml_acs(
    request: Request,
    connection_id: ConnectionId,
    saml_response: Annotated[str, Form(alias="SAMLResponse", min_length=1, max_length=MOST_POSTED)],
) -> Response:
    """Where a SAML provider posts its answer: checked here. The next step is for the browser that began and posts."""
    came = await _sso(request).assertion_came(connection_id, saml_response, Client.of(request))
    return _in(request, came) if isinstance(came, Back) else lead(f"{FINISH}?{urlencode({'state': came})}")


@steps.get(
    "/finish",
    status_code=303,
    response_class=Response,
    responses={**_LEADS_AWAY, **problems(*_ADMITS)},
    name="sso.finish",
)
async def finish(request: Request, state: State = None) -> Response:
    """The last step of a sign-in by SAML: the browser that began it gets its session."""
    return _in(request, await _sso(request).browser_came(state or "", _browser(request), Client.of(request)))


def _sso(request: Request) -> SingleSignOn:
    found: SingleSignOn = request.app.state.sso
    return found


def _browser(request: Request) -> str:
    return request.cookies.get(COOKIE, "")


def _in(request: Request, came: Back) -> Response:
    """The session's cookies, and the way to where the person wanted to go."""
    response = lead(came.return_to)
    for name, value in session_answer(request, came.granted, by_cookie=True).headers.items():
        if name == "set-cookie":
            response.headers.append(name, value)
    response.delete_cookie(COOKIE, **_cookie_manners(request))
    return response


def _cookie_manners(request: Request) -> dict[str, object]:
    """Lax: the browser comes back from another site, by a link and never by a form."""
    is_secure = request.app.state.settings.cookie_is_secure or request.url.scheme == "https"
    return {"path": PATH, "httponly": True, "samesite": "lax", "secure": is_secure}

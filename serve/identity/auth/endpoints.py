"""Log-in, refresh, log-out, and who one is."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from fastapi import Body, Depends, Request, Response

from serve.identity.auth import cookies, profile
from serve.identity.auth.errors import (
    EmailTaken,
    NoMembership,
    SessionEnded,
    TooManyAttempts,
    WrongCredentials,
    WrongPassword,
)
from serve.identity.auth.people import Person, who
from serve.identity.auth.schemas import (
    LoggedOut,
    LoginRequest,
    MeChange,
    MeRead,
    RefreshRequest,
    SessionRead,
)
from serve.identity.auth.service import Client, Granted, Login
from serve.kernel.caller import COOKIE, NEVER_S, Caller, CrossSiteRequest, Needs, NeedsPerson, NotByKey
from serve.kernel.db import DatabaseUnavailable, TenantDb
from serve.kernel.envelope import Meta, Success, success
from serve.kernel.errors import Malformed, Unauthenticated, UnsupportedMediaType, problems
from serve.kernel.risk import acts
from serve.kernel.routing import area_router

PATH = "/api/v1/auth"
router = area_router(tags=["auth"])
Self = Annotated[Caller, Depends(Needs("self:read"))]
SelfPerson = Annotated[Caller, Depends(NeedsPerson("self:read"))]
SelfWriter = Annotated[Caller, Depends(NeedsPerson("self:write"))]
_BODY = (DatabaseUnavailable, Malformed, UnsupportedMediaType)


@router.post(
    f"{PATH}/login",
    response_model=Success[SessionRead, Meta],
    responses=problems(WrongCredentials, NoMembership, TooManyAttempts, *_BODY),
    name="auth.log_in",
)
@router.post(
    "/auth/api/auth/login",  # where Djobea's front end asks
    response_model=Success[SessionRead, Meta],
    responses=problems(WrongCredentials, NoMembership, TooManyAttempts, *_BODY),
    name="log_in_djobea",
)
async def log_in(request: Request, asked: LoginRequest) -> Response:
    """Exchange e-mail and password for an access token and a refresh token.

    The access token goes into `Authorization: Bearer …`; before it ends, exchange the refresh token for new ones.
    Browsers also get both as cookies that scripts cannot read; calls that change something with the cookie need the
    header `X-Requested-With`.
    """
    login: Login = request.app.state.login
    return _session(request, await login.enter(asked, Client.of(request)))


@router.post(
    f"{PATH}/refresh",
    response_model=Success[SessionRead, Meta],
    responses=problems(Unauthenticated, SessionEnded, NoMembership, CrossSiteRequest, *_BODY),
    name="auth.refresh",
)
async def refresh(request: Request, asked: Annotated[RefreshRequest | None, Body()] = None) -> Response:
    """Exchange a refresh token for a new access token and the next refresh token.

    A refresh token works once. Sent again within ten seconds it gives the same successor, so a lost answer costs
    nothing; sent again later it ends the session, because two parties hold it. Role and tenant are read anew each time.
    """
    login: Login = request.app.state.login
    asked = asked or RefreshRequest()
    token = asked.refresh_token
    by_cookie = token is None
    if token is None:
        token = request.cookies.get(cookies.REFRESH_COOKIE)
        if not token:
            raise Unauthenticated("Send a refresh token.")
        if "x-requested-with" not in request.headers:
            raise CrossSiteRequest
    granted = await login.carry_on(token, asked.tenant, Client.of(request))
    return _session(request, granted, by_cookie=by_cookie)


@router.post(
    f"{PATH}/logout",
    response_model=Success[LoggedOut, Meta],
    responses=problems(CrossSiteRequest, NotByKey, DatabaseUnavailable),
    name="auth.log_out",
    **acts(left_out="ends a session, and an action has none"),
)
async def log_out(request: Request, caller: SelfPerson, db: TenantDb) -> Response:
    """End the session: its refresh token is dead, this token ends now, and the cookies are cleared."""
    login: Login = request.app.state.login
    await login.leave(db, caller, Client.of(request))
    response = _private({"logged_out": True})
    cookies.take_back(response)
    return response


@router.get(
    f"{PATH}/me",
    response_model=Success[MeRead, Meta],
    responses=problems(DatabaseUnavailable),
    name="auth.me",
)
@router.get(
    f"{PATH}/profile",
    response_model=Success[MeRead, Meta],
    responses=problems(DatabaseUnavailable),
    name="profile",
)
async def me(caller: Self, db: TenantDb) -> Response:
    """The signed-in user, the tenant the token is for, and every membership."""
    return _me(caller, await who(db, caller))


@router.put(
    f"{PATH}/me",
    response_model=Success[MeRead, Meta],
    responses=problems(WrongPassword, EmailTaken, TooManyAttempts, NotByKey, CrossSiteRequest, *_BODY),
    name="auth.change_me",
    **acts(left_out="asks for the password"),
)
async def change_me(request: Request, caller: SelfWriter, asked: MeChange) -> Response:
    """Change your name, e-mail or password; the latter two need the current password.

    A new password ends all your other sessions.
    """
    login: Login = request.app.state.login
    return _me(caller, await profile.change(login, caller, asked, Client.of(request)))


def _me(caller: Caller, person: Person) -> Response:
    has_end = caller.expires_at_s < NEVER_S
    data = {
        "user": person.user(),
        "tenant": person.tenant,
        "memberships": person.memberships,
        "permissions": sorted(caller.permissions),
        "expires_at": datetime.fromtimestamp(caller.expires_at_s, UTC) if has_end else None,
    }
    return _private(data)


def _session(request: Request, granted: Granted, *, by_cookie: bool = False) -> Response:
    """A new access token beside the refresh token.

    Who came by cookie is answered by cookie: were the refresh token in the body, a script on the page could carry the
    session away.
    """
    login: Login = request.app.state.login
    person = granted.person
    token, expires_at_s = login.tokens.issue(
        person.user_id,
        email=person.email,
        tenant_id=person.tenant_id,
        tenant_ids=granted.readable_tenants,
        role=person.tenant["role"],
        session_id=granted.session_id,
    )
    data = {
        "access_token": token,
        "token_type": "Bearer",
        "expires_at": datetime.fromtimestamp(expires_at_s, UTC),
        "expires_in_s": login.tokens.life_s,
        "refresh_token": None if by_cookie else granted.refresh_token,
        "session_expires_at": datetime.now(UTC).replace(microsecond=0) + login.sessions.life,
        "user": person.user(),
        "tenant": person.tenant,
        "memberships": person.memberships,
    }
    response = _private(data)
    life_s = int(login.sessions.life.total_seconds())
    cookies.give(request, response, COOKIE, token, life_s=login.tokens.life_s)
    cookies.give(request, response, cookies.REFRESH_COOKIE, granted.refresh_token, life_s=life_s)
    return response


def _private(data: object) -> Response:
    return Response(success(data, {}), media_type="application/json", headers={"Cache-Control": "no-store"})

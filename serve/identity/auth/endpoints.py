"""Log-in, refresh, log-out, and who one is."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Annotated, get_args
from uuid import UUID

from fastapi import Body, Depends, Request, Response

from serve.identity.auth import cookies, profile
from serve.identity.auth.errors import (
    NoMembership,
    SessionEnded,
    TooManyAttempts,
    WrongCredentials,
    WrongPassword,
)
from serve.identity.auth.people import Membership, Person, profile_of, who
from serve.identity.auth.schemas import (
    LoggedOut,
    LoginRequest,
    MeChange,
    MeRead,
    RefreshRequest,
    SessionRead,
)
from serve.identity.auth.service import Client, Granted, Login
from serve.identity.factors.errors import SecondFactorNeeded, TooManyCodes, WrongCode
from serve.identity.impersonations.rules import EyesStay
from serve.identity.sso.errors import SsoOneTenant, SsoRequired
from serve.kernel.caller import (
    COOKIE,
    NEVER_S,
    PEOPLE_ALONE,
    PROOF,
    Caller,
    CrossSiteRequest,
    Needs,
    NeedsPerson,
)
from serve.kernel.db import DatabaseUnavailable, TenantDb, Transaction
from serve.kernel.envelope import Meta, Success, success
from serve.kernel.errors import Malformed, Unauthenticated, UnsupportedMediaType, problems
from serve.kernel.permissions import Only
from serve.kernel.risk import acts
from serve.kernel.routing import area_router

PATH = "/api/v1/auth"
router = area_router(tags=["auth"])
Self = Annotated[Caller, Depends(Needs("self:read"))]
SelfPerson = Annotated[Caller, Depends(NeedsPerson("self:read", also=get_args(Only)))]
SelfWriter = Annotated[Caller, Depends(NeedsPerson("self:write", also=("mobile", "customer")))]
_BODY = (DatabaseUnavailable, Malformed, UnsupportedMediaType)
_OF_CHANGE = (WrongPassword, TooManyAttempts, *PROOF, CrossSiteRequest, *_BODY)
_OF_LOG_IN = (
    *(
        WrongCredentials,
        SecondFactorNeeded,
        WrongCode,
        TooManyCodes,
        NoMembership,
        SsoRequired,
        TooManyAttempts,
    ),
    *_BODY,
)


@router.post(
    f"{PATH}/login",
    response_model=Success[SessionRead, Meta],
    responses=problems(*_OF_LOG_IN),
    name="auth.log_in",
)
@router.post(
    "/auth/api/auth/login",  # where Djobea's front end asks
    response_model=Success[SessionRead, Meta],
    responses=problems(*_OF_LOG_IN),
    name="log_in_djobea",
)
async def log_in(request: Request, asked: LoginRequest) -> Response:
    """Exchange e-mail and password for an access token and a refresh token.

    The access token goes into `Authorization: Bearer …`; before it ends, exchange the refresh token for new ones.
    Browsers also get both as cookies that scripts cannot read; calls that change something with the cookie need the
    header `X-Requested-With`.

    Who has a second factor sends a `code` too; without one the answer is `SECOND_FACTOR_NEEDED`, and its details are
    the ways that there are. Where the tenant asks for a second factor and there is none yet, the token is only good
    for setting one up; refresh it then.
    """
    login: Login = request.app.state.login
    return session_answer(request, await login.enter(asked, Client.of(request)))


@router.post(
    f"{PATH}/refresh",
    response_model=Success[SessionRead, Meta],
    responses=problems(
        *(Unauthenticated, SessionEnded, NoMembership, SsoOneTenant, SsoRequired, EyesStay),
        *(CrossSiteRequest, *_BODY),
    ),
    name="auth.refresh",
)
async def refresh(request: Request, asked: Annotated[RefreshRequest | None, Body()] = None) -> Response:
    """Exchange a refresh token for a new access token and the next refresh token.

    A refresh token works once. Sent again within ten seconds it gives the same successor, so a lost answer costs
    nothing; sent again later it ends the session, because two parties hold it. Role and tenant are read anew each time.
    With another `tenant` the session goes there, and its access tokens from before count no more.
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
    if asked.tenant is not None:  # tokens for the tenant of before count no more
        await request.app.state.revocations.look()
    return session_answer(request, granted, by_cookie=by_cookie)


@router.post(
    f"{PATH}/logout",
    response_model=Success[LoggedOut, Meta],
    responses=problems(CrossSiteRequest, *PEOPLE_ALONE, DatabaseUnavailable),
    name="auth.log_out",
    **acts(left_out="ends a session, and an action has none"),
)
async def log_out(request: Request, caller: SelfPerson, db: TenantDb) -> Response:
    """End the session: its refresh token is dead, this token ends now, and the cookies are cleared.

    So does the session of the browser's cookie end. Who looks with other eyes ends that alone.
    """
    login: Login = request.app.state.login
    await login.leave(db, caller, Client.of(request))
    response = _private({"logged_out": True})
    if caller.impersonator_id is None:
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
@router.get(
    "/api/v1/users/profile",
    response_model=Success[MeRead, Meta],
    responses=problems(DatabaseUnavailable),
    name="users_profile",
)
@router.get(
    "/api/v1/users/me",
    response_model=Success[MeRead, Meta],
    responses=problems(DatabaseUnavailable),
    name="users_me",
)
async def me(caller: Self, db: TenantDb) -> Response:
    """The signed-in user, the tenant the token is for, and every membership."""
    return await _me(caller, db)


@router.put(
    f"{PATH}/me",
    response_model=Success[MeRead, Meta],
    responses=problems(*_OF_CHANGE),
    name="auth.change_me",
    **acts(left_out="asks for the password"),
)
@router.put(
    "/api/v1/users/profile",
    response_model=Success[MeRead, Meta],
    responses=problems(*_OF_CHANGE),
    name="change_users_profile",
    **acts(left_out="asks for the password"),
)
async def change_me(request: Request, caller: SelfWriter, asked: MeChange) -> Response:
    """Change your name, phone, title, e-mail or password; the latter two need the current password.

    A new password ends all your other sessions. A new e-mail address counts once the link that goes there was opened:
    until then, and if it belongs to somebody else, all stays as it is, and the answer is the same.
    """
    login: Login = request.app.state.login
    await profile.change(login, request.app.state.accounts, caller, asked, Client.of(request))
    async with login.database.transaction(caller) as db:
        return await _me(caller, db)


async def _me(caller: Caller, db: Transaction) -> Response:
    person = await who(db, caller)
    has_end = caller.expires_at_s < NEVER_S
    is_key = caller.api_key_id is not None
    data = {
        "user": person.user(),
        "profile": await profile_of(db, caller.user_id),
        "session": {
            "id": caller.session_id,
            "kind": "api_key" if is_key else caller.only or "web",
            "methods": list(caller.methods),
            "authenticated_at": None if is_key else datetime.fromtimestamp(caller.authenticated_at_s, UTC),
            "impersonator_id": caller.impersonator_id,
            "cause_id": caller.cause,
        },
        "tenant": person.tenant,
        "memberships": _seen_memberships(person, caller.impersonator_id),
        "permissions": sorted(caller.permissions),
        "expires_at": datetime.fromtimestamp(caller.expires_at_s, UTC) if has_end else None,
    }
    return _private(data)


def session_answer(request: Request, granted: Granted, *, by_cookie: bool = False) -> Response:
    """A new access token beside the refresh token.

    Who came by cookie is answered by cookie: were the refresh token in the body, a script on the page could carry the
    session away.
    """
    login: Login = request.app.state.login
    person, standing = granted.person, granted.standing
    looker_id = standing.looker and standing.looker.user_id
    token, expires_at_s = login.tokens.issue(
        person.user_id,
        email=person.email,
        tenant_id=person.tenant_id,
        tenant_ids=granted.readable_tenants,
        role=standing.role,
        session_id=granted.session_id,
        own_permissions=standing.own_permissions,
        methods=standing.methods,
        authenticated_at_s=standing.authenticated_at_s,
        issued_at_s=standing.issued_at_s,
        ends_at_s=standing.ends_at_s,
        only=granted.only,
        impersonator_id=looker_id,
        cause=standing.cause,
    )
    life_s = max(1, expires_at_s - int(time.time()))
    data = {
        "access_token": token,
        "token_type": "Bearer",
        "expires_at": datetime.fromtimestamp(expires_at_s, UTC),
        "expires_in_s": life_s,
        "refresh_token": None if by_cookie else granted.refresh_token or None,
        "session_expires_at": standing.expires_at,
        "user": person.user(),
        "tenant": person.tenant,
        "memberships": _seen_memberships(person, looker_id),
    }
    response = _private(data)
    if granted.only == "impersonation":  # beside the session of who looks, not in its place
        return response
    cookies.give(request, response, COOKIE, token, life_s=life_s)
    if granted.refresh_token:
        session_life_s = max(1, round(standing.expires_at.timestamp() - time.time()))
        cookies.give(request, response, cookies.REFRESH_COOKIE, granted.refresh_token, life_s=session_life_s)
        device = login.attempts.cookie_for(person.email.lower())
        cookies.give(request, response, cookies.DEVICE_COOKIE, device, life_s=cookies.DEVICE_LIFE_S)
    return response


def _seen_memberships(person: Person, looker_id: UUID | None) -> list[Membership]:
    """Who looks with other eyes does not see where else their person works."""
    return person.memberships if looker_id is None else [person.tenant]


def _private(data: object) -> Response:
    return Response(success(data, {}), media_type="application/json", headers={"Cache-Control": "no-store"})

"""Log-in, log-out, and who one is."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request, Response

from serve.identity.auth import service
from serve.identity.auth.errors import NoMembership, TooManyAttempts, WrongCredentials
from serve.identity.auth.schemas import LoggedOut, LoginRequest, MeRead, SessionRead
from serve.kernel.caller import COOKIE, Caller, CrossSiteRequest, Needs, Tokens
from serve.kernel.db import DatabaseUnavailable, TenantDb
from serve.kernel.envelope import Meta, Success, success
from serve.kernel.errors import Malformed, UnsupportedMediaType, problems
from serve.kernel.routing import area_router

router = area_router(prefix="/api/v1/auth", tags=["auth"])
Self = Annotated[Caller, Depends(Needs("self:read"))]


@router.post(
    "/login",
    response_model=Success[SessionRead, Meta],
    responses=problems(
        WrongCredentials, NoMembership, TooManyAttempts, DatabaseUnavailable, Malformed, UnsupportedMediaType
    ),
)
async def log_in(request: Request, asked: LoginRequest) -> Response:
    """Exchange e-mail and password for an access token.

    The token goes into `Authorization: Bearer …`. Browsers also get it as a cookie that scripts cannot read;
    calls that change something with the cookie need the header `X-Requested-With`.
    """
    app = request.app
    login: service.Login = app.state.login
    tokens: Tokens = app.state.tokens
    person = await login.check(asked, request.client.host if request.client else "")
    tenant = person.tenant
    token, expires_at_s = tokens.issue(
        person.user_id,
        email=person.email,
        tenant_id=UUID(tenant["tenant_id"]),
        tenant_ids=person.readable_tenants,
        role=tenant["role"],
    )
    life_s = tokens.life_s
    data = {
        "access_token": token,
        "token_type": "Bearer",
        "expires_at": datetime.fromtimestamp(expires_at_s, UTC),
        "expires_in_s": life_s,
        "user": person.user(),
        "tenant": tenant,
        "memberships": person.memberships,
    }
    response = _private(data)
    response.set_cookie(
        COOKIE,
        token,
        max_age=life_s,
        path="/",
        httponly=True,
        samesite="strict",
        secure=app.state.settings.cookie_is_secure or request.url.scheme == "https",
    )
    return response


@router.post("/logout", response_model=Success[LoggedOut, Meta], responses=problems(CrossSiteRequest))
async def log_out(request: Request, caller: Self) -> Response:
    """End this token now and clear the cookie."""
    tokens: Tokens = request.app.state.tokens
    tokens.revoke(caller)
    response = _private({"logged_out": True})
    response.delete_cookie(COOKIE, path="/", httponly=True, samesite="strict")
    return response


@router.get("/me", response_model=Success[MeRead, Meta], responses=problems(DatabaseUnavailable))
async def me(caller: Self, db: TenantDb) -> Response:
    """The signed-in user, the tenant the token is for, and every membership."""
    person = await service.who(db, caller)
    data = {
        "user": person.user(),
        "tenant": person.tenant,
        "memberships": person.memberships,
        "permissions": sorted(caller.permissions),
        "expires_at": datetime.fromtimestamp(caller.expires_at_s, UTC),
    }
    return _private(data)


def _private(data: object) -> Response:
    return Response(success(data, {}), media_type="application/json", headers={"Cache-Control": "no-store"})

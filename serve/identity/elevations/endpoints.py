"""Elevation over HTTP."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request, Response
from pydantic import Field

from serve.identity.auth.endpoints import session_answer
from serve.identity.auth.errors import SessionEnded
from serve.identity.auth.schemas import SessionRead
from serve.identity.auth.service import Login
from serve.identity.elevations import service
from serve.identity.elevations.rules import (
    AlreadyElevated,
    ElevationNeedsFactor,
    ElevationNotAllowed,
    NotElevated,
)
from serve.kernel.caller import (
    PEOPLE_ALONE,
    Caller,
    CrossSiteRequest,
    NeedsPerson,
    NeedsRecent,
    StepUpNeeded,
)
from serve.kernel.db import DatabaseUnavailable
from serve.kernel.envelope import Input, Meta, Success
from serve.kernel.errors import Malformed, UnsupportedMediaType, problems
from serve.kernel.resources.schemas import Line
from serve.kernel.risk import acts
from serve.kernel.routing import area_router

router = area_router(prefix="/api/v1/auth/elevation", tags=["auth"])
_CHANGE = (*PEOPLE_ALONE, CrossSiteRequest, SessionEnded, DatabaseUnavailable)


class ElevationRequest(Input):
    reason: Line = Field(
        min_length=10,
        max_length=1000,
        description="For those who are told, and for the record.",
        examples=["The owner cannot be reached and a key has leaked."],
    )
    minutes: int = Field(30, ge=1, le=60, description="Until it ends by itself.")


@router.post(
    "",
    response_model=Success[SessionRead, Meta],
    responses=problems(
        *(AlreadyElevated, ElevationNotAllowed, ElevationNeedsFactor, StepUpNeeded),
        *(*_CHANGE, Malformed, UnsupportedMediaType),
    ),
    name="auth.elevate",
    **acts(left_out="is of a session, and an action has none"),
)
async def elevate(
    request: Request, caller: Annotated[Caller, Depends(NeedsRecent("self:write"))], asked: ElevationRequest
) -> Response:
    """Be an administrator for a while, where the company lets your role be raised.

    It needs a second factor and a reason. Owners and administrators are told at once, and everything done meanwhile
    names the elevation as its cause. The answer is a new access token for the same session.
    """
    login: Login = request.app.state.login
    request_id = request.state.request_id
    async with login.database.transaction(caller, request_id=request_id) as db:
        await service.begin(db, asked.reason, asked.minutes, request_id)
        granted = await login.go_on(db, caller)
    return session_answer(request, granted)


@router.delete(
    "",
    response_model=Success[SessionRead, Meta],
    responses=problems(NotElevated, *_CHANGE),
    name="auth.lower",
    **acts(left_out="is of a session, and an action has none"),
)
async def lower(request: Request, caller: Annotated[Caller, Depends(NeedsPerson("self:write"))]) -> Response:
    """Give the power back before its time: the raised access tokens count no more."""
    login: Login = request.app.state.login
    request_id = request.state.request_id
    async with login.database.transaction(caller, request_id=request_id) as db:
        db.afterwards.append(request.app.state.revocations.look)
        await service.end(db, request_id)
        granted = await login.go_on(db, caller)
    return session_answer(request, granted)

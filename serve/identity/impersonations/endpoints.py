"""Impersonation over HTTP."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Request, Response
from pydantic import Field

from serve.identity.auth.endpoints import session_answer
from serve.identity.auth.errors import SessionEnded
from serve.identity.auth.schemas import SessionRead
from serve.identity.auth.service import Client, Login
from serve.identity.impersonations import service
from serve.identity.impersonations.rules import (
    ImpersonationNotFound,
    ImpersonationOver,
    MayMoreThanYou,
    NotThemselves,
    PersonNotFound,
)
from serve.kernel.caller import (
    PEOPLE_ALONE,
    Caller,
    CrossSiteRequest,
    Needs,
    NeedsPerson,
    NeedsRecent,
    StepUpNeeded,
)
from serve.kernel.db import DatabaseUnavailable, TenantDb
from serve.kernel.envelope import Input, Meta, Output, PageMeta, Success
from serve.kernel.errors import Malformed, UnsupportedMediaType, problems
from serve.kernel.paging import Paged, page_meta
from serve.kernel.resources.schemas import Line
from serve.kernel.resources.words import Id, plain
from serve.kernel.risk import acts
from serve.kernel.routing import area_router

router = area_router(tags=["impersonations"])


class ImpersonationRequest(Input):
    reason: Line = Field(
        min_length=10,
        max_length=1000,
        description="The person reads it.",
        examples=["You told us that the list of vans is empty."],
    )
    minutes: int = Field(30, ge=1, le=60, description="Until it ends by itself.")


class ImpersonationRead(Output):
    id: UUID
    user_id: UUID = Field(description="Whose eyes.")
    impersonator_id: UUID = Field(description="Who looked.")
    reason: str = Field(examples=["You told us that the list of vans is empty."])
    began_at: datetime
    ends_at: datetime
    ended_at: datetime | None = Field(description="Null: by itself, or not yet.")


class ImpersonationEnded(Output):
    ended: bool


@router.post(
    "/api/v1/admin/users/{id}/impersonate",
    status_code=201,
    response_model=Success[SessionRead, Meta],
    responses=problems(
        *(PersonNotFound, NotThemselves, MayMoreThanYou, StepUpNeeded, *PEOPLE_ALONE, CrossSiteRequest),
        *(SessionEnded, DatabaseUnavailable, Malformed, UnsupportedMediaType),
    ),
    name="impersonations.begin",
    **acts(left_out="opens a session, and its answer shows a secret"),
)
async def begin(
    request: Request,
    id: Id,
    caller: Annotated[Caller, Depends(NeedsRecent("users:impersonate"))],
    asked: ImpersonationRequest,
) -> Response:
    """See the company as somebody of it does, who may do no more than you. They are told at once, with the reason.

    The answer's tokens are beside your own session, which stays. What is done with them is on record under your name,
    and nothing that would outlast them can be done: no keys, no people, no settings.
    """
    login: Login = request.app.state.login
    client = Client.of(request)
    async with login.database.transaction(caller, request_id=client.request_id) as db:
        granted = await service.begin(db, login, id, asked.reason, asked.minutes, client)
    response = session_answer(request, granted)
    response.status_code = 201
    return response


@router.delete(
    "/api/v1/admin/impersonations/{id}",
    response_model=Success[ImpersonationEnded, Meta],
    responses=problems(
        ImpersonationNotFound, ImpersonationOver, *PEOPLE_ALONE, CrossSiteRequest, DatabaseUnavailable
    ),
    name="impersonations.end",
    **acts(left_out="ends a session, and an action has none"),
)
async def end(
    request: Request,
    id: Id,
    caller: Annotated[Caller, Depends(NeedsPerson("self:write", also=("impersonation",)))],
    db: TenantDb,
) -> Response:
    """End it before its time: its tokens count no more, in every process."""
    db.afterwards.append(request.app.state.revocations.look)
    await service.end(db, id)
    return plain({"ended": True})


@router.get(
    "/api/v1/admin/impersonations",
    response_model=Success[list[ImpersonationRead], PageMeta],
    responses=problems(DatabaseUnavailable),
    name="impersonations.list",
)
async def list_impersonations(
    caller: Annotated[Caller, Depends(Needs("audit:read"))], asked: Annotated[Paged, Query()], db: TenantDb
) -> Response:
    """Who looked with whose eyes, and why, newest first."""
    limit, offset = asked.window()
    rows, total = await service.page(db, limit, offset)
    return plain(rows, page_meta((limit, offset), total))

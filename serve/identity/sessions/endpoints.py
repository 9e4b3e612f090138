"""One's own sessions: which are open, and the end of those that are not wanted."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request, Response

from serve.identity.auth.notes import Note, record
from serve.identity.sessions import service
from serve.identity.sessions.errors import SessionNotFound
from serve.identity.sessions.schemas import OpenSession, SessionsEnded
from serve.kernel.caller import PEOPLE_ALONE, Caller, CrossSiteRequest, NeedsPerson
from serve.kernel.db import DatabaseUnavailable, TenantDb, Transaction
from serve.kernel.envelope import Meta, Success
from serve.kernel.errors import problems
from serve.kernel.resources.words import Id, plain
from serve.kernel.risk import acts
from serve.kernel.routing import area_router

router = area_router(prefix="/api/v1/auth/sessions", tags=["sessions"])
Reader = Annotated[Caller, Depends(NeedsPerson("self:read", also=("mobile", "customer", "enrolment")))]
Writer = Annotated[Caller, Depends(NeedsPerson("self:write", also=("mobile", "customer", "enrolment")))]
_CHANGE = (*PEOPLE_ALONE, CrossSiteRequest, DatabaseUnavailable)


@router.get(
    "",
    response_model=Success[list[OpenSession], Meta],
    responses=problems(*PEOPLE_ALONE, DatabaseUnavailable),
    name="sessions.list",
)
async def list_sessions(caller: Reader, db: TenantDb) -> Response:
    """Your open sessions in all tenants, the one used last first."""
    rows = await service.open_ones(db, caller.user_id)
    return plain([{**row, "is_current": row["id"] == str(caller.session_id)} for row in rows])


@router.delete(
    "/{id}",
    response_model=Success[SessionsEnded, Meta],
    responses=problems(SessionNotFound, *_CHANGE),
    name="sessions.end",
    **acts(left_out="ends a session, and an action has none"),
)
async def end_one(request: Request, caller: Writer, id: Id, db: TenantDb) -> Response:
    """End one of your sessions: its refresh token is dead, its access token counts no more, in every process."""
    ended = await service.revoke(db, caller.user_id, session_id=id)
    if not ended:
        raise SessionNotFound
    await _record(request, caller, db, ended)
    return plain({"ended_count": 1})


@router.post(
    "/end-others",
    response_model=Success[SessionsEnded, Meta],
    responses=problems(*_CHANGE),
    name="sessions.end_others",
    **acts(left_out="ends sessions, and an action has none"),
)
async def end_others(request: Request, caller: Writer, db: TenantDb) -> Response:
    """End all your sessions but this one."""
    ended = await service.end_others(db, caller.user_id, kept=caller.session_id, because="revoked")
    await _record(request, caller, db, ended)
    return plain({"ended_count": len(ended)})


async def _record(request: Request, caller: Caller, db: Transaction, ended: list[UUID]) -> None:
    db.afterwards.append(request.app.state.revocations.look)
    if ended:
        detail = {"session_ids": [str(each) for each in ended]}
        await record(db, Note(caller.user_id, None, "sessions.ended", detail, request.state.request_id))

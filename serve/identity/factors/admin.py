"""When a phone is lost with all that was on it: an administrator takes somebody's second factors away.

Only of people who work for this tenant and for no other: the factors guard the other tenants too, and it is not for
this one's administrator to open their doors. And nobody does it to who may do more than they may (to an owner only an
owner), since whoever then got hold of the password could do as much. The person's sessions end, for the lost phone has
one.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request, Response
from pydantic import Field

from serve.identity.factors.telling import tell
from serve.identity.impersonations.rules import PersonNotFound
from serve.identity.roles.rules import MoreThanYours, check_grant
from serve.identity.roles.service import role_permissions
from serve.identity.sessions import service as sessions
from serve.kernel.caller import PEOPLE_ALONE, Caller, CrossSiteRequest, NeedsRecent, StepUpNeeded
from serve.kernel.db import DatabaseUnavailable, TenantDb
from serve.kernel.envelope import Meta, Output, Success, success
from serve.kernel.errors import Conflict, Forbidden, problems
from serve.kernel.resources.words import Id
from serve.kernel.risk import acts
from serve.kernel.routing import area_router

router = area_router(tags=["second factors"])
Administrator = Annotated[Caller, Depends(NeedsRecent("users:write"))]


class WorksElsewhereToo(Conflict):
    code, message = (
        "WORKS_ELSEWHERE_TOO",
        "This person works for other tenants as well, which their second factors guard too. They come in by a recovery"
        " code, or write to whoever runs this installation.",
    )


class OwnersAlone(Forbidden):
    code, message = "OWNERS_ALONE", "Only an owner may reset the second factors of an owner."


class FactorsReset(Output):
    removed: int = Field(description="How many second factors the person had.", examples=[1])
    ended_sessions: int = Field(examples=[2])


@router.delete(
    "/api/v1/admin/users/{id}/factors",
    response_model=Success[FactorsReset, Meta],
    responses=problems(
        *(PersonNotFound, WorksElsewhereToo, OwnersAlone, MoreThanYours, StepUpNeeded, *PEOPLE_ALONE),
        *(CrossSiteRequest, DatabaseUnavailable),
    ),
    name="users.reset_factors",
    **acts(left_out="asks who it is"),
)
async def reset_factors(request: Request, caller: Administrator, id: Id, db: TenantDb) -> Response:
    """Take all second factors from somebody who has lost them, and end their sessions.

    The person is told. Only for people who work for your tenant alone. Needs a recent proof of who you are.
    """
    member = await db.fetch_one("select role from staff_hold($1)", id)
    if member is None or member["role"] is None:
        raise PersonNotFound
    if member["role"] == "owner" and caller.role != "owner":
        raise OwnersAlone
    check_grant(caller, member["role"], await role_permissions(db, member["role"]) or (), field="id")
    row = await db.fetch_one("select reset_second_factors($1) as removed", id)
    if row is None or row["removed"] is None:
        raise PersonNotFound
    if row["removed"] < 0:
        raise WorksElsewhereToo
    ended = await sessions.end_others(db, id, kept=caller.session_id, because="revoked")
    await tell(db, id, "factors.reset", request.state.request_id, removed=row["removed"])
    db.afterwards.append(request.app.state.revocations.look)
    data = {"removed": row["removed"], "ended_sessions": len(ended)}
    return Response(success(data, {}), 200, {"Cache-Control": "no-store"}, "application/json")

"""How many calls the tenant may send, what is used of that, and its own limits."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Query, Request, Response

from serve.kernel.caller import Needs
from serve.kernel.db import DatabaseUnavailable, TenantDb
from serve.kernel.envelope import Meta, Success
from serve.kernel.errors import problems
from serve.kernel.resources.words import BODY, plain
from serve.kernel.risk import acts
from serve.kernel.routing import area_router
from serve.platform.limits import service
from serve.platform.limits.rules import LimitsInvalid
from serve.platform.limits.schemas import LimitsChange, LimitsQuery, LimitsRead

router = area_router(prefix="/api/v1/api/rate-limiting", tags=["API management"])


@router.get(
    "/advanced",
    response_model=Success[LimitsRead, Meta],
    dependencies=[Depends(Needs("settings:read"))],
    responses=problems(DatabaseUnavailable),
)
async def read_limits(asked: Annotated[LimitsQuery, Query()], request: Request, db: TenantDb) -> Response:
    """The limits of calls by class: what holds, what the caller and the tenant have used, who was refused.

    Where servers do not count together, what is used is as the one that answers has counted it.
    """
    limits, own = request.app.state.manners.limits, await service.own_limits(db)
    return plain(await service.shown(db, limits, own, endpoint=asked.endpoint))


@router.put(
    "/advanced",
    response_model=Success[LimitsRead, Meta],
    dependencies=[Depends(Needs("limits:write"))],
    responses=problems(*BODY, LimitsInvalid),
    **acts(risk="risky"),
)
async def change_limits(asked: LimitsChange, request: Request, db: TenantDb) -> Response:
    """Set the tenant's own limits, within those of the installation; every server keeps to them within two seconds.

    A tenant divides what it has: one key or user may get up to all of it.
    """
    limits = request.app.state.manners.limits
    return plain(await service.shown(db, limits, await service.change(db, asked, limits)))

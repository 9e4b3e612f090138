"""Joining and leaving an umbrella."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Query, Request, Response

from serve.identity.tenants.endpoints import PATH, REPEATED
from serve.identity.tenants.errors import NoUmbrella, TenantAtRest, TenantNotFound
from serve.identity.umbrellas import service
from serve.identity.umbrellas.errors import (
    AskedAlready,
    HasChildren,
    HasUmbrella,
    NoChild,
    RequestOver,
    TooManyAsked,
    UmbrellaGone,
    UmbrellaRequestNotFound,
)
from serve.identity.umbrellas.schemas import (
    UmbrellaLeft,
    UmbrellaRequestFields,
    UmbrellaRequestQuery,
    UmbrellaRequestRead,
)
from serve.kernel.caller import (
    Caller,
    CrossSiteRequest,
    LimitedToken,
    Needs,
    NeedsPerson,
    NeedsRecent,
    NotByKey,
    StepUpNeeded,
)
from serve.kernel.db import DatabaseUnavailable, TenantDb
from serve.kernel.envelope import Meta, PageMeta, Success
from serve.kernel.errors import problems
from serve.kernel.idempotency import RepeatableRoute
from serve.kernel.paging import page_meta
from serve.kernel.resources.schemas import RowMeta
from serve.kernel.resources.words import BODY, Id, one, plain
from serve.kernel.risk import acts
from serve.kernel.routing import area_router

Reader = Annotated[Caller, Depends(Needs("tenants:read"))]
Owner = Annotated[Caller, Depends(NeedsPerson("tenants:write"))]
RecentOwner = Annotated[Caller, Depends(NeedsRecent("tenants:write"))]
One = Success[UmbrellaRequestRead, RowMeta]
_CHANGING = (TenantNotFound, NotByKey, LimitedToken, CrossSiteRequest, DatabaseUnavailable, *REPEATED)
_BY_ITSELF = acts(risk="risky", left_out="nobody but an owner, who has just proved it, decides on umbrellas")

router = area_router(prefix=PATH, tags=["tenants"], route_class=RepeatableRoute)


@router.get(
    "/{id}/umbrella-requests",
    response_model=Success[list[UmbrellaRequestRead], PageMeta],
    responses=problems(TenantNotFound, DatabaseUnavailable),
    name="umbrellas.list",
)
async def list_requests(
    id: Id, asked: Annotated[UmbrellaRequestQuery, Query()], caller: Reader, db: TenantDb
) -> Response:
    """Whom your tenant has asked to become its child, and who has asked it, newest first."""
    rows, total = await service.page(db, id, asked)
    return plain(rows, page_meta(asked.window(), total))


@router.post(
    "/{id}/umbrella-requests",
    status_code=201,
    response_model=One,
    responses=problems(*_CHANGING, StepUpNeeded, NoUmbrella, AskedAlready, TooManyAsked, *BODY),
    name="umbrellas.ask",
    **_BY_ITSELF,
)
async def ask(id: Id, asked: UmbrellaRequestFields, caller: RecentOwner, db: TenantDb) -> Response:
    """Ask a tenant, by its slug, to become a child of yours: as an owner, with a recent proof.

    Its owners are told, and may accept or decline for 30 days. Whether there is such a tenant makes no difference here.
    """
    return one(await service.ask(db, id, asked), status=201)


@router.post(
    "/{id}/umbrella-requests/{request_id}/withdraw",
    response_model=One,
    responses=problems(*_CHANGING, UmbrellaRequestNotFound, RequestOver),
    name="umbrellas.withdraw",
    **acts(risk="risky"),
)
async def withdraw(id: Id, request_id: Id, caller: Owner, db: TenantDb) -> Response:
    """Ask no more, as an owner of the tenant that asked."""
    return one(await service.withdraw(db, id, request_id))


@router.post(
    "/{id}/umbrella-requests/{request_id}/accept",
    response_model=One,
    responses=problems(
        *_CHANGING, StepUpNeeded, UmbrellaRequestNotFound, RequestOver, HasUmbrella, HasChildren, UmbrellaGone
    ),
    name="umbrellas.accept",
    **_BY_ITSELF,
)
async def accept(request: Request, id: Id, request_id: Id, caller: RecentOwner, db: TenantDb) -> Response:
    """Become a child of the tenant that asks, as an owner with a recent proof.

    From their next refresh on its people may read what your tenant has, and change none of it; it may let your tenant
    stand still. Either of you may end it.
    """
    db.afterwards.append(request.app.state.tenants_watch.look)
    return one(await service.answer(db, id, request_id, is_accepted=True))


@router.post(
    "/{id}/umbrella-requests/{request_id}/decline",
    response_model=One,
    responses=problems(*_CHANGING, UmbrellaRequestNotFound, RequestOver),
    name="umbrellas.decline",
    **acts(risk="risky"),
)
async def decline(id: Id, request_id: Id, caller: Owner, db: TenantDb) -> Response:
    """Say no, as an owner. Who asked is told, and learns that there is your tenant; who says nothing tells nothing."""
    return one(await service.answer(db, id, request_id, is_accepted=False))


@router.post(
    "/{id}/leave-umbrella",
    response_model=Success[UmbrellaLeft, Meta],
    responses=problems(*_CHANGING, StepUpNeeded, NoChild, TenantAtRest),
    name="umbrellas.leave",
    **_BY_ITSELF,
)
async def leave(request: Request, id: Id, caller: RecentOwner, db: TenantDb) -> Response:
    """End that the tenant is a child: as an owner of it, or of its umbrella, with a recent proof.

    Within a second the umbrella reads nothing of it any more, by tokens of before neither. Who belongs to both stays
    what they are in each.
    """
    db.afterwards.append(request.app.state.tenants_watch.look)
    return plain(await service.leave(db, id))

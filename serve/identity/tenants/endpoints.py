"""Tenants of the caller: the own one, and for an umbrella its children."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query, Request, Response

from serve.identity.tenants import closing, first_owners, onboarding, service, suspending
from serve.identity.tenants.errors import (
    GraceOver,
    HasOwner,
    NotYourChild,
    NoUmbrella,
    SuspendedByInstallation,
    TenantAtRest,
    TenantHasChildren,
    TenantNotAtRest,
    TenantNotFound,
)
from serve.identity.tenants.export import ExportMissing
from serve.identity.tenants.schemas import (
    ChildFields,
    Closing,
    FirstOwner,
    Onboarding,
    Suspension,
    TenantPatch,
    TenantQuery,
    TenantRead,
)
from serve.kernel.caller import (
    PROOF,
    Caller,
    CrossSiteRequest,
    LimitedToken,
    Needs,
    NeedsPerson,
    NeedsRecent,
    NotByKey,
)
from serve.kernel.db import DatabaseUnavailable, TenantDb
from serve.kernel.envelope import Meta, PageMeta, Success
from serve.kernel.errors import problems
from serve.kernel.idempotency import KeyOfAnotherRequest, RepeatableRoute, StillRunning
from serve.kernel.paging import page_meta
from serve.kernel.resources.errors import Duplicate, LostUpdate
from serve.kernel.resources.schemas import RowMeta
from serve.kernel.resources.words import BODY, Id, IfMatch, one, plain
from serve.kernel.risk import acts
from serve.kernel.routing import area_router
from serve.kernel.tasks.answers import TaskStarted, started
from serve.platform.files import downloads
from serve.platform.files.errors import FileLost, RangeNotSatisfiable

PATH = "/api/v1/tenants"
Reader = Annotated[Caller, Depends(Needs("tenants:read"))]
Writer = Annotated[Caller, Depends(Needs("tenants:write"))]
PersonWriter = Annotated[Caller, Depends(NeedsPerson("tenants:write"))]
RecentWriter = Annotated[Caller, Depends(NeedsRecent("tenants:write"))]
REPEATED = (StillRunning, KeyOfAnotherRequest)
One = Success[TenantRead, RowMeta]

router: APIRouter = area_router(prefix=PATH, tags=["tenants"], route_class=RepeatableRoute)


@router.get(
    "",
    response_model=Success[list[TenantRead], PageMeta],
    responses=problems(DatabaseUnavailable),
    name="tenants.list",
)
async def list_tenants(asked: Annotated[TenantQuery, Query()], caller: Reader, db: TenantDb) -> Response:
    """Your tenant, and for an umbrella its children."""
    limit, offset = asked.window()
    rows, total = await service.page(db, asked, limit, offset)
    return plain(rows, page_meta((limit, offset), total))


@router.post(
    "",
    status_code=201,
    response_model=One,
    responses=problems(NoUmbrella, Duplicate, NotByKey, CrossSiteRequest, *REPEATED, *BODY),
    name="tenants.create",
    **acts(risk="risky"),
)
async def make_tenant(request: Request, asked: ChildFields, caller: PersonWriter, db: TenantDb) -> Response:
    """A child of your tenant, with you as its first owner; switch to it with your refresh token.

    Or name somebody else, who gets an invitation: you then have no seat there unless you want one, and until it is
    accepted the child is `awaiting_owner`: nothing is done there. Its rows are its own: you, as its umbrella, may read
    them from the next refresh on, and change none.
    """
    row = await first_owners.make_child(db, asked, request.app.state.settings.public_address)
    return one(row, status=201, headers={"Location": f"{PATH}/{row['id']}"})


@router.post(
    "/{id}/invite-owner",
    response_model=One,
    responses=problems(TenantNotFound, HasOwner, CrossSiteRequest, *PROOF, *REPEATED, *BODY),
    name="tenants.invite_owner",
    **acts(risk="risky"),
)
async def invite_owner(
    request: Request, id: Id, asked: FirstOwner, caller: RecentWriter, db: TenantDb
) -> Response:
    """Invite the first owner of a child that waits for one: once more, or somebody else; the link of before is dead."""
    return one(await first_owners.invite(db, id, asked, request.app.state.settings.public_address))


@router.get(
    "/{id}",
    response_model=One,
    responses=problems(TenantNotFound, DatabaseUnavailable),
    name="tenants.get",
)
async def read_tenant(id: Id, caller: Reader, db: TenantDb) -> Response:
    """Your tenant, or a child of it. The ETag names its version."""
    return one(await service.get(db, id))


@router.patch(
    "/{id}",
    response_model=One,
    responses=problems(TenantNotFound, Duplicate, LostUpdate, *REPEATED, *BODY),
    name="tenants.patch",
)
async def change_tenant(
    id: Id, asked: TenantPatch, caller: Writer, db: TenantDb, if_match: IfMatch = None
) -> Response:
    """Change how your own tenant is named and counts. `If-Match` prevents lost updates."""
    return one(await service.change(db, id, asked.model_dump(exclude_unset=True), if_match))


@router.get(
    "/{id}/onboarding",
    response_model=Success[Onboarding, Meta],
    responses=problems(TenantNotFound, DatabaseUnavailable),
    name="tenants.onboarding",
)
async def onboarding_of(id: Id, caller: Reader, db: TenantDb) -> Response:
    """How far your tenant has settled in, and which calls are next; found in its rows."""
    return plain(await onboarding.checklist(db, id))


@router.post(
    "/{id}/suspend",
    response_model=One,
    responses=problems(TenantNotFound, NotYourChild, TenantAtRest, *PROOF, *REPEATED, *BODY),
    name="tenants.suspend",
    **acts(risk="risky"),
)
async def suspend_tenant(id: Id, asked: Suspension, caller: RecentWriter, db: TenantDb) -> Response:
    """Let a child of your tenant stand still: every call of its people and keys is refused, its tasks wait.

    It holds in every process within a second. They can still see their account, export the data and log out.
    """
    return one(await suspending.suspend(db, id, asked.reason))


@router.post(
    "/{id}/resume",
    response_model=One,
    responses=problems(
        TenantNotFound,
        NotYourChild,
        TenantNotAtRest,
        SuspendedByInstallation,
        NotByKey,
        *REPEATED,
        DatabaseUnavailable,
    ),
    name="tenants.resume",
    **acts(risk="risky"),
)
async def resume_tenant(id: Id, caller: PersonWriter, db: TenantDb) -> Response:
    """Let a child of your tenant go on; what waited is done now. Not one whom the operator has suspended."""
    return one(await suspending.resume(db, id))


@router.post(
    "/{id}/export",
    status_code=202,
    response_model=Success[TaskStarted, Meta],
    responses=problems(TenantNotFound, *PROOF, *REPEATED, DatabaseUnavailable),
    name="tenants.ask_export",
    **acts(risk="risky"),
)
async def export_tenant(id: Id, caller: RecentWriter, db: TenantDb) -> Response:
    """Have everything of your tenant put into a ZIP: its rows as JSON lines, its files, a manifest with checksums."""
    await service.own(db, id)
    return started(await closing.ask_export(db))


@router.get(
    "/{id}/export",
    response_class=Response,
    responses={
        200: {
            "description": "The file.",
            "content": {"application/zip": {"schema": {"type": "string", "format": "binary"}}},
        },
        206: {
            "description": "The part that was asked for.",
            "content": {"application/zip": {"schema": {"type": "string", "format": "binary"}}},
        },
        304: {"description": "You have this content already."},
        **problems(TenantNotFound, ExportMissing, RangeNotSatisfiable, *PROOF, DatabaseUnavailable),
    },
    name="tenants.get_export",
)
async def exported_tenant(
    id: Id,
    request: Request,
    caller: RecentWriter,
    db: TenantDb,
    range: Annotated[str | None, Header(description="One range of bytes: `bytes=0-1023`.")] = None,
    if_range: Annotated[str | None, Header(description="The ETag that the range is of.")] = None,
) -> Response:
    """The newest export: kept for a day, and that of a tenant that is being closed until it is erased."""
    record = await closing.newest_export(db, id)
    try:
        return await downloads.answer(request, record)
    except FileLost as gone:
        raise ExportMissing from gone


@router.post(
    "/{id}/close",
    response_model=One,
    responses=problems(
        TenantNotFound,
        TenantHasChildren,
        TenantAtRest,
        *PROOF,
        *REPEATED,
        *BODY,
    ),
    name="tenants.close",
    **acts(risk="risky", left_out="nobody but the owner, who has just proved it, closes a tenant"),
)
async def close_tenant(id: Id, asked: Closing, caller: RecentWriter, db: TenantDb) -> Response:
    """Close your tenant, as its owner: it stands still at once, is exported, and is erased after 30 days.

    Until then an owner may open it again. What is erased is gone: rows, files, accounts of people who belong to nobody
    else, what has landed in the warehouse. Your books are yours to keep; they are in the export.
    """
    return one(await closing.close(db, id, asked))


@router.post(
    "/{id}/reopen",
    response_model=One,
    responses=problems(TenantNotFound, GraceOver, NotByKey, LimitedToken, *REPEATED, DatabaseUnavailable),
    name="tenants.reopen",
    **acts(risk="risky"),
)
async def reopen_tenant(id: Id, caller: PersonWriter, db: TenantDb) -> Response:
    """Open your tenant again, as its owner, while it is not erased yet; what waited is done now."""
    return one(await closing.reopen(db, id))

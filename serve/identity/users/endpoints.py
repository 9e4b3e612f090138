"""People of the tenant: ``/admin/users`` and ``/users`` are the same calls."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Query, Request, Response

from serve.identity.accounts.service import Accounts
from serve.identity.auth.errors import TooManyAttempts
from serve.identity.auth.service import Client
from serve.identity.impersonations.rules import PersonNotFound
from serve.identity.invitations.endpoints import INVITATIONS
from serve.identity.invitations.errors import InvitationOpen
from serve.identity.invitations.schemas import InvitationFields, InvitationRead
from serve.identity.invitations.service import invite
from serve.identity.roles.rules import MoreThanYours, OwnersAlone
from serve.identity.users import queries, service
from serve.identity.users.errors import AlreadyMember, BelongsElsewhere, LastOwner, OwnAccount
from serve.identity.users.schemas import (
    SignedOut,
    UserChange,
    UserChanges,
    UserFields,
    UserPatch,
    UserQuery,
    UserRead,
    UserRemoved,
    UserRows,
)
from serve.kernel.caller import PROOF, Caller, CrossSiteRequest, Needs, NeedsRecent
from serve.kernel.db import DatabaseUnavailable, TenantDb, Transaction
from serve.kernel.envelope import Meta, PageMeta, Success
from serve.kernel.errors import problems
from serve.kernel.idempotency import KeyOfAnotherRequest, RepeatableRoute, StillRunning
from serve.kernel.paging import page_meta
from serve.kernel.resources import Row, bulk
from serve.kernel.resources.bulk import BulkIds, BulkQuery
from serve.kernel.resources.errors import LostUpdate
from serve.kernel.resources.schemas import BulkResult, RowMeta
from serve.kernel.resources.words import BODY, Id, IfMatch, one, plain
from serve.kernel.risk import acts
from serve.kernel.routing import area_router

ADMIN, USERS = "/api/v1/admin/users", "/api/v1/users"
router = area_router(tags=["users"], route_class=RepeatableRoute)
Reader = Annotated[Caller, Depends(Needs("users:read"))]
Writer = Annotated[Caller, Depends(NeedsRecent("users:write"))]

_WRITING = (*BODY, OwnersAlone, MoreThanYours, *PROOF, CrossSiteRequest)
_CHANGING = (
    *(*_WRITING, PersonNotFound, OwnAccount, LastOwner, BelongsElsewhere, TooManyAttempts, LostUpdate),
)
_REPEATED = (StillRunning, KeyOfAnotherRequest)
_ONE: dict[str, Any] = {"response_model": Success[UserRead, RowMeta]}
_MANY: dict[str, Any] = {
    "response_model": Success[BulkResult, Meta],
    "responses": {
        207: {"model": Success[BulkResult, Meta], "description": "Some rows failed."},
        **problems(*_WRITING, *_REPEATED),
    },
}


def _counts_at_once(request: Request, db: Transaction) -> None:
    """Here as soon as it is committed; other processes follow within a second."""
    db.afterwards.append(request.app.state.revocations.look)


@router.get(
    ADMIN,
    response_model=Success[list[UserRead], PageMeta],
    responses=problems(DatabaseUnavailable),
    name="users.list",
)
@router.get(
    USERS,
    response_model=Success[list[UserRead], PageMeta],
    responses=problems(DatabaseUnavailable),
    name="users.list",
)
async def list_users(asked: Annotated[UserQuery, Query()], caller: Reader, db: TenantDb) -> Response:
    """Who works for the tenant, and as what; an umbrella sees those of its children too."""
    rows, total = await queries.page(db, asked)
    return plain(rows, page_meta(asked.window(), total))


@router.post(
    ADMIN,
    status_code=201,
    response_model=Success[InvitationRead, RowMeta],
    responses=problems(*_WRITING, AlreadyMember, InvitationOpen, *_REPEATED),
    name="users.create",
)
@router.post(
    USERS,
    status_code=201,
    response_model=Success[InvitationRead, RowMeta],
    responses=problems(*_WRITING, AlreadyMember, InvitationOpen, *_REPEATED),
    name="users.create",
)
async def create_user(request: Request, asked: UserFields, caller: Writer, db: TenantDb) -> Response:
    """Invite somebody by mail; once they accept they are a user. The answer is the invitation.

    Whether the address has an account elsewhere makes no difference to anything here.
    """
    row = await invite(db, _invitation(asked), request.app.state.settings.public_address)
    return one(row, status=201, headers={"Location": f"{INVITATIONS}/{row['id']}"})


@router.post(f"{ADMIN}/bulk", **_MANY, name="users.bulk_create")
async def create_users(
    request: Request,
    asked: Annotated[BulkQuery, Query()],
    body: UserRows,
    caller: Writer,
    db: TenantDb,
) -> Response:
    """Invite several people; each row fails for itself. The ids are those of the invitations."""
    link = request.app.state.settings.public_address

    async def each(given: Any) -> tuple[str, Any]:
        written = bulk.parsed(UserFields, given)
        return "created", (await invite(db, _invitation(written), link))["id"]

    return await bulk.run(db, body.rows, each, dry_run=asked.dry_run)


@router.patch(f"{ADMIN}/bulk", **_MANY, name="users.bulk_update")
async def change_users(
    request: Request,
    asked: Annotated[BulkQuery, Query()],
    body: UserChanges,
    caller: Writer,
    db: TenantDb,
) -> Response:
    """Give several people another role, or switch them off or on again; each row fails for itself."""
    _counts_at_once(request, db)

    async def each(given: Any) -> tuple[str, Any]:
        written = bulk.parsed(UserChange, given)
        row = await _change(request, db, written.id, written)
        return "updated", row["id"]

    return await bulk.run(db, body.rows, each, dry_run=asked.dry_run)


@router.delete(f"{ADMIN}/bulk", **_MANY, name="users.bulk_remove")
async def remove_users(
    request: Request, asked: Annotated[BulkQuery, Query()], body: BulkIds, caller: Writer, db: TenantDb
) -> Response:
    """Send several people away; each fails for themselves."""
    _counts_at_once(request, db)

    async def each(user_id: UUID) -> tuple[str, Any]:
        await service.remove(db, user_id)
        return "deleted", str(user_id)

    return await bulk.run(db, body.ids, each, dry_run=asked.dry_run)


@router.get(
    f"{ADMIN}/{{id}}", **_ONE, responses=problems(PersonNotFound, DatabaseUnavailable), name="users.get"
)
@router.get(
    f"{USERS}/{{id}}", **_ONE, responses=problems(PersonNotFound, DatabaseUnavailable), name="users.get"
)
async def get_user(id: Id, caller: Reader, db: TenantDb) -> Response:
    """One person of the tenant. The ETag names the version."""
    return one(await service.get(db, id))


@router.put(f"{ADMIN}/{{id}}", **_ONE, responses=problems(*_CHANGING), name="users.change")
@router.patch(f"{ADMIN}/{{id}}", **_ONE, responses=problems(*_CHANGING, *_REPEATED), name="users.change")
@router.patch(f"{USERS}/{{id}}", **_ONE, responses=problems(*_CHANGING, *_REPEATED), name="users.change")
async def change_user(
    request: Request, id: Id, asked: UserPatch, caller: Writer, db: TenantDb, if_match: IfMatch = None
) -> Response:
    """Another role or state, at once; what is not sent stays.

    Name and e-mail address only of somebody who belongs to no other tenant; an address counts once the link that goes
    there was opened. Nobody changes their own role, and nobody
    anything about a person who may do more than they may.
    """
    _counts_at_once(request, db)
    return one(await _change(request, db, id, asked, if_match))


@router.delete(
    f"{ADMIN}/{{id}}",
    response_model=Success[UserRemoved, Meta],
    responses=problems(
        PersonNotFound,
        LastOwner,
        LostUpdate,
        OwnersAlone,
        MoreThanYours,
        *PROOF,
        CrossSiteRequest,
        DatabaseUnavailable,
    ),
    name="users.remove",
)
async def remove_user(
    request: Request, id: Id, caller: Writer, db: TenantDb, if_match: IfMatch = None
) -> Response:
    """End the person's membership, and with it their sessions and keys here. Their account stays theirs."""
    _counts_at_once(request, db)
    await service.remove(db, id, if_match)
    return plain({"id": str(id), "removed": True})


@router.post(
    f"{ADMIN}/sign-out",
    response_model=Success[SignedOut, Meta],
    responses=problems(*PROOF, CrossSiteRequest, DatabaseUnavailable, *_REPEATED),
    name="users.sign_out_all",
    **acts(risk="risky"),
)
async def sign_out_everybody(request: Request, caller: Writer, db: TenantDb) -> Response:
    """End all sessions at work for your tenant, customers' and apps' too, but the one that asks; keys stay.

    It holds in every process within a second, and each person is told.
    """
    _counts_at_once(request, db)
    return plain(await service.sign_out(db, None, request.state.request_id))


@router.post(
    f"{ADMIN}/{{id}}/sign-out",
    response_model=Success[SignedOut, Meta],
    responses=problems(PersonNotFound, *PROOF, CrossSiteRequest, DatabaseUnavailable, *_REPEATED),
    name="users.sign_out",
    **acts(risk="risky"),
)
async def sign_out_user(request: Request, id: Id, caller: Writer, db: TenantDb) -> Response:
    """End all sessions that somebody has at work for your tenant; they may log in again. Keys stay.

    It holds in every process within a second, and the person is told. Sessions at work for another tenant are not
    yours to end.
    """
    _counts_at_once(request, db)
    return plain(await service.sign_out(db, id, request.state.request_id))


@router.post(
    f"{ADMIN}/{{id}}/deactivate", **_ONE, responses=problems(*_CHANGING, *_REPEATED), name="users.deactivate"
)
async def deactivate_user(request: Request, id: Id, caller: Writer, db: TenantDb) -> Response:
    """Nothing opens for this person here any more, from this moment on, until they are reactivated."""
    _counts_at_once(request, db)
    return one(await _change(request, db, id, UserPatch(state="suspended")))


@router.post(
    f"{ADMIN}/{{id}}/reactivate", **_ONE, responses=problems(*_CHANGING, *_REPEATED), name="users.reactivate"
)
async def reactivate_user(request: Request, id: Id, caller: Writer, db: TenantDb) -> Response:
    """The person may come in again, with the role that they had."""
    return one(await _change(request, db, id, UserPatch(state="active")))


async def _change(
    request: Request, db: Transaction, user_id: UUID, asked: UserPatch, if_match: str | None = None
) -> Row:
    row = await service.change(db, user_id, asked, if_match, request.state.request_id)
    if asked.email not in (None, row["email"]):
        accounts: Accounts = request.app.state.accounts
        tenant_id = db.caller.tenant_id
        await accounts.ask_new_address(db, user_id, asked.email, Client.of(request), tenant_id=tenant_id)
    return row


def _invitation(asked: UserFields) -> InvitationFields:
    return InvitationFields(email=asked.email, full_name=asked.full_name, role=asked.role)

"""Invitations: sent by those who may, accepted by whoever holds the link of the mail."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Depends, Path, Query, Request, Response

from serve.identity.auth.endpoints import session_answer
from serve.identity.auth.errors import TooManyAttempts, WrongCredentials
from serve.identity.auth.schemas import SessionRead
from serve.identity.auth.service import Client
from serve.identity.employees.schemas import EmployeeRead
from serve.identity.employees.service import employees
from serve.identity.invitations import acceptance, registration, service
from serve.identity.invitations.errors import (
    HasAccount,
    InvitationExpired,
    InvitationNotFound,
    InvitationOpen,
    InvitationOver,
    InvitationRevoked,
    InvitationUsed,
    InvitationUseless,
    LogInFirst,
    RoleGone,
    SentTooOften,
)
from serve.identity.invitations.schemas import (
    Acceptance,
    InvitationFields,
    InvitationLink,
    InvitationQuery,
    InvitationRead,
    InvitationRows,
    InvitationShown,
    Registration,
    Token,
)
from serve.identity.roles.rules import MoreThanYours, OwnersAlone
from serve.identity.users.errors import AlreadyMember
from serve.kernel.caller import PROOF, Caller, CrossSiteRequest, Needs, NeedsRecent, identify
from serve.kernel.db import DatabaseUnavailable, TenantDb
from serve.kernel.envelope import Meta, PageMeta, Success
from serve.kernel.errors import Forbidden, Unauthenticated, problems
from serve.kernel.idempotency import KeyOfAnotherRequest, RepeatableRoute, StillRunning
from serve.kernel.paging import page_meta
from serve.kernel.resources import bulk
from serve.kernel.resources.bulk import BulkQuery
from serve.kernel.resources.schemas import BulkResult, RowMeta
from serve.kernel.resources.words import BODY, Id, one, plain
from serve.kernel.routing import area_router
from serve.kernel.standing import TenantSuspended

PATH = "/api/v1/employees"
INVITATIONS = f"{PATH}/invitations"
router = area_router(prefix=PATH, tags=["invitations"], route_class=RepeatableRoute)
Reader = Annotated[Caller, Depends(Needs("invitations:read"))]
Writer = Annotated[Caller, Depends(NeedsRecent("invitations:write"))]
Revoker = Annotated[Caller, Depends(Needs("invitations:write"))]

_REPEATED = (StillRunning, KeyOfAnotherRequest)
_SENDING = (*BODY, OwnersAlone, MoreThanYours, *PROOF, *_REPEATED)
_INVITING: dict[str, Any] = {
    "status_code": 201,
    "response_model": Success[InvitationRead, RowMeta],
    "responses": problems(
        *_SENDING, AlreadyMember, InvitationOpen, HasAccount, employees.NotFound, CrossSiteRequest
    ),
    "name": "invitations.create",
}
_ONE: dict[str, Any] = {"response_model": Success[InvitationRead, RowMeta]}
_ENDED = (InvitationNotFound, InvitationUseless, InvitationUsed, InvitationRevoked, InvitationExpired)
_ACCEPTING = (
    *BODY,
    *_ENDED,
    WrongCredentials,
    LogInFirst,
    TooManyAttempts,
    AlreadyMember,
    RoleGone,
    TenantSuspended,
)


@router.post("/invite", **_INVITING)
@router.post("/invitations", **_INVITING)
async def invite(request: Request, asked: InvitationFields, caller: Writer, db: TenantDb) -> Response:
    """Invite somebody by mail, with a role that you could give.

    One open invitation for each address. Whether it has an account elsewhere makes no difference to anything here.
    """
    row = await service.invite(db, asked, request.app.state.settings.public_address)
    return one(row, status=201, headers={"Location": f"{INVITATIONS}/{row['id']}"})


@router.post(
    "/invitations/bulk",
    response_model=Success[BulkResult, Meta],
    responses={
        207: {"model": Success[BulkResult, Meta], "description": "Some rows failed."},
        **problems(*_SENDING, CrossSiteRequest),
    },
    name="invitations.bulk_create",
)
async def invite_several(
    request: Request,
    asked: Annotated[BulkQuery, Query()],
    body: InvitationRows,
    caller: Writer,
    db: TenantDb,
) -> Response:
    """Invite several people; each row fails for itself."""
    link = request.app.state.settings.public_address

    async def each(given: Any) -> tuple[str, Any]:
        return "created", (await service.invite(db, bulk.parsed(InvitationFields, given), link))["id"]

    return await bulk.run(db, body.rows, each, dry_run=asked.dry_run)


@router.get(
    "/invitations",
    response_model=Success[list[InvitationRead], PageMeta],
    responses=problems(DatabaseUnavailable),
    name="invitations.list",
)
async def list_invitations(
    asked: Annotated[InvitationQuery, Query()], caller: Reader, db: TenantDb
) -> Response:
    """Who was invited and what became of it, newest first."""
    rows, total = await service.page(db, asked)
    return plain(rows, page_meta(asked.window(), total))


@router.get(
    "/invitations/{id}",
    **_ONE,
    responses=problems(InvitationNotFound, DatabaseUnavailable),
    name="invitations.get",
)
async def get_invitation(id: Id, caller: Reader, db: TenantDb) -> Response:
    """One invitation; never its link."""
    return one(await service.get(db, id))


@router.post(
    "/invitations/{id}/resend",
    **_ONE,
    responses=problems(*_SENDING, InvitationNotFound, InvitationOver, SentTooOften, CrossSiteRequest),
    name="invitations.send_again",
)
async def send_again(request: Request, id: Id, caller: Writer, db: TenantDb) -> Response:
    """Send it once more with another link and all its time again; the link of before is dead."""
    return one(await service.send_again(db, id, request.app.state.settings.public_address))


@router.post(
    "/invitations/{id}/revoke",
    **_ONE,
    responses=problems(InvitationNotFound, InvitationOver, DatabaseUnavailable, CrossSiteRequest, *_REPEATED),
    name="invitations.revoke",
)
async def revoke(id: Id, caller: Revoker, db: TenantDb) -> Response:
    """Take it back: its link opens nothing any more."""
    return one(await service.revoke(db, id))


# Not repeatable: a second try finds the link used, and no stored answer holds a session.
public = area_router(prefix=PATH, tags=["invitations"])


@public.get(
    "/validate-invitation/{token}",
    response_model=Success[InvitationShown, Meta],
    responses=problems(*_ENDED, DatabaseUnavailable),
    name="invitations.validate",
)
async def validate(request: Request, token: Annotated[Token, Path(description="Of the mail.")]) -> Response:
    """What the invitation of this link is, for who holds it; nothing for everybody else."""
    return _private(plain(await acceptance.look(request.app.state.database, token)))


@public.post(
    "/validate-invitation",
    response_model=Success[InvitationShown, Meta],
    responses=problems(*_ENDED, *BODY),
    name="invitations.show",
)
async def show(request: Request, asked: InvitationLink) -> Response:
    """The same, with the token where no server on the way writes it down."""
    return _private(plain(await acceptance.look(request.app.state.database, asked.token)))


@public.post(
    "/accept-invitation",
    response_model=Success[SessionRead, Meta],
    responses=problems(*_ACCEPTING),
    name="invitations.accept",
)
async def accept(request: Request, asked: Acceptance) -> Response:
    """Come in, with a session for the tenant.

    Somebody new sends name and password. Whose address has an account is logged in to it, or sends its password; with
    a second factor, only the former. The employee is active, and the address is confirmed by it unless the mail went
    by the tenant's own server.
    """
    caller = await _whoever_it_is(request)
    state = request.app.state
    granted = await acceptance.accept(
        state.login, asked, caller, Client.of(request), afterwards=state.tenants_watch.look
    )
    return session_answer(request, granted)


@public.post(
    "/register",
    status_code=201,
    response_model=Success[EmployeeRead, RowMeta],
    responses=problems(
        *_ACCEPTING,
        InvitationOpen,
        HasAccount,
        Unauthenticated,
        Forbidden,
        OwnersAlone,
        MoreThanYours,
        CrossSiteRequest,
        employees.NotFound,
        *PROOF,
    ),
    name="employees.register",
)
async def register(request: Request, asked: Registration) -> Response:
    """An employee with an account, in one step.

    With the `token` of an invitation the person registers, as by accepting it, and logs in afterwards. Without one an
    administrator does it, who needs `employees:write`, `users:write` and a recent proof of who they are: the employee
    is there, and the person is invited. Nobody else registers here.
    """
    if asked.token is not None:
        row = await registration.by_the_person(request, asked, await _whoever_it_is(request))
    else:
        row = await registration.by_an_administrator(request, asked, await identify(request))
    return one(row, status=201, headers={"Location": f"{PATH}/{row['id']}"})


async def _whoever_it_is(request: Request) -> Caller | None:
    """Nobody, where another site may have asked. A session that is over is none: its person may well be invited."""
    try:
        return await identify(request)
    except (Unauthenticated, CrossSiteRequest):
        return None


def _private(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    return response

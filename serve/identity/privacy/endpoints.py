"""Requests of people about their data, holds, exports and one's own account, over HTTP."""

# No postponed annotations: FastAPI reads those of the endpoints, whose models are made by the resource.

from typing import Annotated

from fastapi import Depends, Header, Request, Response

from serve.identity.auth.cookies import take_back
from serve.identity.auth.errors import TooManyAttempts, WrongPassword
from serve.identity.auth.service import Client
from serve.identity.privacy import service
from serve.identity.privacy.errors import ExportGone, NoPerson, OnHold, OnlyOwner, RequestNotReady
from serve.identity.privacy.resource import holds, requests
from serve.identity.privacy.schemas import (
    AccountEnd,
    AccountEnded,
    Approved,
    ErasurePreview,
    Export,
    HoldFields,
    HoldRead,
    Refused,
    RegisteredTable,
    RequestFields,
    RequestRead,
    Verified,
)
from serve.identity.roles.rules import MoreThanYours, OwnersAlone
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
from serve.kernel.envelope import Meta, Success
from serve.kernel.errors import Invalid, problems
from serve.kernel.events import event
from serve.kernel.idempotency import KeyOfAnotherRequest, RepeatableRoute, StillRunning
from serve.kernel.resources.errors import Duplicate
from serve.kernel.resources.schemas import RowMeta
from serve.kernel.resources.words import BODY, Id, one, plain
from serve.kernel.risk import acts
from serve.kernel.routing import area_router
from serve.kernel.tasks.answers import LATER, started
from serve.platform.files import downloads
from serve.platform.files.errors import FileLost, RangeNotSatisfiable

for _name, _meaning in {
    "verified": "Somebody has made sure that it is the person who asks.",
    "approved": "It was decided that the person gets what they ask for.",
    "refused": "It was decided that the person does not get what they ask for.",
    "extended": "The answer takes longer than 30 days.",
    "withdrawn": "The person wants it no more, or a restriction was lifted.",
    "done": "The person has what they asked for.",
    "failed": "It could not be done, or an erasure has left something: `result` says what.",
}.items():
    event(f"privacy_request.{_name}", _meaning, permission="privacy:read")
event("privacy_hold.released", "The person's data may be erased again.", permission="privacy:read")

router = requests.router(tags=["privacy"])
hold_router = holds.router(tags=["privacy"])
own = area_router(prefix="/api/v1/privacy", tags=["privacy"], route_class=RepeatableRoute)

Reader = Annotated[Caller, Depends(Needs("privacy:read"))]
Writer = Annotated[Caller, Depends(Needs("privacy:write"))]
Decider = Annotated[Caller, Depends(NeedsRecent("privacy:write"))]
Myself = Annotated[Caller, Depends(Needs("self:read"))]
MyWord = Annotated[Caller, Depends(NeedsPerson("self:write", also=("mobile", "customer")))]
MyFile = Annotated[Caller, Depends(NeedsPerson("self:read", also=("mobile", "customer")))]
MyLastWord = Annotated[Caller, Depends(NeedsRecent("self:write"))]
REPEATED = (StillRunning, KeyOfAnotherRequest)
ANSWER = Success[RequestRead, RowMeta]
A_PERSON = "a person takes it upon themselves"


@router.post(
    "",
    status_code=201,
    response_model=ANSWER,
    responses=problems(*BODY, Duplicate, NoPerson, Invalid, *REPEATED),
    name="privacy_requests.create",
)
async def receive(asked: RequestFields, caller: Writer, db: TenantDb) -> Response:
    """Note what a person asks for. It is due 30 days after it was received."""
    row = await service.receive(db, asked)
    return one(row, status=201, headers={"Location": f"{requests.path}/{row['id']}"})


@router.get(
    "/{id}/preview",
    response_model=Success[ErasurePreview, Meta],
    responses=problems(requests.NotFound, NoPerson, DatabaseUnavailable),
    name="privacy_requests.preview",
)
async def preview(id: Id, caller: Writer, db: TenantDb) -> Response:
    """Whose rows it is about, and what an erasure would do with each table. Rows with the same e-mail address are taken
    for one person's: look before you approve."""
    return plain(await service.preview(db, id))


@requests.action(router, "verify", RequestNotReady, *BODY)
async def verify(id: Id, said: Verified, db: TenantDb) -> Response:
    """Say how you know that it is the person who asks."""
    return one(await service.verify(db, id, said.method))


@router.post(
    "/{id}/approve",
    response_model=ANSWER,
    responses=problems(
        *(
            requests.NotFound,
            RequestNotReady,
            OnHold,
            OnlyOwner,
            NoPerson,
            OwnersAlone,
            MoreThanYours,
            NotByKey,
            StepUpNeeded,
            *BODY,
            *REPEATED,
        )
    ),
    name="privacy_requests.approve",
    **acts(risk="risky", left_out=A_PERSON),
)
async def approve(id: Id, said: Approved, caller: Decider, db: TenantDb) -> Response:
    """Give the person what they ask for. An export or an erasure begins as a task, a restriction holds from now on.

    Erasing a colleague ends what they may do here: that takes `users:write` too, and is not done to who may do more.
    An erasure that has failed is tried again; what it has done stays done.
    """
    return one(await service.approve(db, id, said.reason, is_rebuilt=said.is_rebuilt))


@router.post(
    "/{id}/refuse",
    response_model=ANSWER,
    responses=problems(requests.NotFound, RequestNotReady, NotByKey, StepUpNeeded, *BODY, *REPEATED),
    name="privacy_requests.refuse",
    **acts(left_out=A_PERSON),
)
async def refuse(id: Id, said: Refused, caller: Decider, db: TenantDb) -> Response:
    """Refuse it, with the reason that the person is told."""
    return one(await service.refuse(db, id, said.reason))


@requests.action(router, "extend", RequestNotReady, *BODY)
async def extend(id: Id, said: Refused, db: TenantDb) -> Response:
    """Take 60 days more, once, with the reason that the person is told."""
    return one(await service.extend(db, id, said.reason))


@requests.action(router, "withdraw", RequestNotReady)
async def withdraw(id: Id, db: TenantDb) -> Response:
    """The person wants it no more; a restriction in force is lifted."""
    return one(await service.withdraw(db, id))


@hold_router.post(
    "",
    status_code=201,
    response_model=Success[HoldRead, RowMeta],
    responses=problems(*BODY, Duplicate, NoPerson, *REPEATED),
    name="privacy_holds.create",
)
async def hold(asked: HoldFields, caller: Writer, db: TenantDb) -> Response:
    """Keep a person's data from being erased, by anybody and by retention, until it is released."""
    row = await service.hold(db, asked)
    return one(row, status=201, headers={"Location": f"{holds.path}/{row['id']}"})


@holds.action(hold_router, "release")
async def release(id: Id, db: TenantDb) -> Response:
    """Let the person's data be erased again."""
    return one(await service.release(db, id))


@own.get(
    "/registry",
    response_model=Success[list[RegisteredTable], Meta],
    name="privacy.registry",
)
async def registry(caller: Reader) -> Response:
    """What every table of the platform knows of people, and what an erasure does with it."""
    return plain(service.registry())


@own.post(
    "/me/export",
    status_code=202,
    response_model=LATER[202]["model"],
    responses=problems(NotByKey, CrossSiteRequest, DatabaseUnavailable, *REPEATED),
    name="privacy.export_me",
)
async def export_me(caller: MyWord, db: TenantDb) -> Response:
    """All that this company's rows know of you, as a file: it is written in the background."""
    return started(await service.export_me(db))


@own.get(
    "/me/export",
    response_model=Success[Export, Meta],
    responses=problems(ExportGone, DatabaseUnavailable),
    name="privacy.my_export",
)
async def my_export(caller: Myself, db: TenantDb) -> Response:
    """How far your newest export is, and where to fetch it."""
    return plain(await service.my_export(db))


@own.get(
    "/exports/{id}",
    response_class=Response,
    responses={
        **downloads.ANSWER,
        **problems(ExportGone, NotByKey, LimitedToken, RangeNotSatisfiable, DatabaseUnavailable),
    },
    name="privacy.export_file",
)
async def export_file(
    id: Id,
    request: Request,
    caller: MyFile,
    db: TenantDb,
    range: Annotated[str | None, Header(description="One range of bytes: `bytes=0-1023`.")] = None,
    if_range: Annotated[str | None, Header(description="The ETag that the range is of.")] = None,
) -> Response:
    """The file of an export (by the id of its task), for whoever asked for it: one's own, or with `privacy:write`."""
    record = await service.file_of(db, id)
    try:
        return await downloads.answer(request, record)
    except FileLost as gone:
        raise ExportGone from gone


@own.delete(
    "/me",
    response_model=Success[AccountEnded, Meta],
    responses=problems(
        *(NotByKey, StepUpNeeded, CrossSiteRequest, WrongPassword, TooManyAttempts, OnlyOwner, OnHold),
        *BODY,
    ),
    name="privacy.erase_me",
    **acts(dry_run=False, left_out=A_PERSON),
)
async def erase_me(request: Request, said: AccountEnd, caller: MyLastWord) -> Response:
    """Erase your account, for ever. An only owner makes somebody else one first; a hold of a company stops it."""
    state = request.app.state
    ended = await service.end_account(state.database, state.login, caller, said.password, Client.of(request))
    response = plain(ended)
    take_back(response)
    return response

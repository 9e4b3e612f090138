"""Purposes and consents over HTTP."""

# No postponed annotations: FastAPI reads those of the endpoints, whose models are made by the resource.

from typing import Annotated

from fastapi import Depends, Query, Response

from serve.identity.consents import models, service
from serve.identity.consents.errors import PurposeInUse, PurposeUnknown, TextUnknown
from serve.identity.consents.rules import check_purpose
from serve.identity.consents.schemas import (
    ConsentFields,
    ConsentQuery,
    ConsentRead,
    Decided,
    PurposeFields,
    Standing,
    SubjectQuery,
    TextFields,
    TextRead,
)
from serve.identity.privacy.errors import NoPerson
from serve.kernel.caller import Caller, LimitedToken, Needs, NeedsPerson, NotByKey
from serve.kernel.db import DatabaseUnavailable, TenantDb
from serve.kernel.envelope import Meta, PageMeta, Success
from serve.kernel.errors import problems
from serve.kernel.idempotency import KeyOfAnotherRequest, RepeatableRoute, StillRunning
from serve.kernel.resources import Resource
from serve.kernel.resources.declaration import values_of
from serve.kernel.resources.errors import Duplicate, LostUpdate
from serve.kernel.resources.schemas import RowMeta
from serve.kernel.resources.store import check_version
from serve.kernel.resources.words import BODY, Id, IfMatch, one, plain
from serve.kernel.routing import area_router

purposes = Resource(
    models.consent_purposes,
    fields=PurposeFields,
    rule=check_purpose,
    calls=("list", "get", "create", "delete"),
    path="/api/v1/privacy/purposes",
    permission="privacy",
)
router = purposes.router(tags=["privacy"])
consents = area_router(prefix="/api/v1/privacy", tags=["privacy"], route_class=RepeatableRoute)

Patch = purposes.patch
Reader = Annotated[Caller, Depends(Needs("privacy:read"))]
Writer = Annotated[Caller, Depends(Needs("privacy:write"))]
Myself = Annotated[Caller, Depends(Needs("self:read"))]
MyWord = Annotated[Caller, Depends(NeedsPerson("self:write", also=("mobile", "customer")))]
REPEATED = (StillRunning, KeyOfAnotherRequest)
REFUSED = (NoPerson, PurposeUnknown, TextUnknown)


@router.patch(
    "/{id}",
    response_model=Success[purposes.read_model, RowMeta],
    responses=problems(*BODY, purposes.NotFound, Duplicate, LostUpdate, PurposeInUse, *REPEATED),
    name="consent_purposes.patch",
)
async def patch(id: Id, written: Patch, caller: Writer, db: TenantDb, if_match: IfMatch = None) -> Response:
    """Change some fields of the purpose; its key and basis stay once people have decided about it."""
    row = await purposes.get(db, id, lock=True)
    check_version(if_match, row)
    changes = values_of(written, sent_only=True)
    check_purpose({**row, "is_used": await service.is_used(db, id)}, {**row, **changes})
    return one(await purposes.update(db, row, changes))


@router.post(
    "/{id}/texts",
    status_code=201,
    response_model=Success[TextRead, Meta],
    responses=problems(*BODY, purposes.NotFound, *REPEATED),
    name="consent_purposes.add_text",
)
async def add_text(id: Id, written: TextFields, caller: Writer, db: TenantDb) -> Response:
    """A new version of the text that people agree to; what they agreed to before stays as it was."""
    await purposes.get(db, id, lock=True)
    return plain(await service.add_text(db, id, written.language, written.text), status=201)


@router.get(
    "/{id}/texts",
    response_model=Success[list[TextRead], Meta],
    responses=problems(purposes.NotFound, DatabaseUnavailable),
    name="consent_purposes.texts",
)
async def texts(id: Id, caller: Reader, db: TenantDb) -> Response:
    """Every version of the purpose's text, the newest first."""
    await purposes.get(db, id)
    return plain(await service.texts(db, id))


@consents.get(
    "/consents",
    response_model=Success[list[ConsentRead], PageMeta],
    responses=problems(DatabaseUnavailable),
    name="consents.list",
)
async def list_consents(asked: Annotated[ConsentQuery, Query()], caller: Reader, db: TenantDb) -> Response:
    """Who agreed to what and took it back, the newest first: the whole history."""
    rows, meta = await service.history(db, asked)
    return plain(rows, meta)


@consents.post(
    "/consents",
    status_code=201,
    response_model=Success[ConsentRead, Meta],
    responses=problems(*BODY, *REFUSED, *REPEATED),
    name="consents.create",
)
async def record(written: ConsentFields, caller: Writer, db: TenantDb) -> Response:
    """Write down that a person agreed, or took it back. What was decided before stays in the history."""
    return plain(await service.decide(db, written.subject_kind, written.subject_id, written), status=201)


@consents.get(
    "/consents/current",
    response_model=Success[list[Standing], Meta],
    responses=problems(NoPerson, DatabaseUnavailable),
    name="consents.current",
)
async def current(asked: Annotated[SubjectQuery, Query()], caller: Reader, db: TenantDb) -> Response:
    """How it stands with one person now: for each purpose and channel, whether their data may be used, and why."""
    await service.check_person(db, asked.subject_kind, asked.subject_id)
    return plain(await service.standing(db, asked.subject_kind, asked.subject_id))


@consents.get(
    "/me/consents",
    response_model=Success[list[Standing], Meta],
    responses=problems(DatabaseUnavailable),
    name="privacy.my_consents",
)
async def my_consents(caller: Myself, db: TenantDb) -> Response:
    """How it stands with one's own consents."""
    return plain(await service.standing(db, "user", caller.user_id))


@consents.post(
    "/me/consents",
    status_code=201,
    response_model=Success[ConsentRead, Meta],
    responses=problems(*BODY, *REFUSED, NotByKey, LimitedToken, *REPEATED),
    name="privacy.my_consent",
)
async def my_consent(written: Decided, caller: MyWord, db: TenantDb) -> Response:
    """Agree to something, or take it back: as easy the one as the other. Nobody else does it in your name."""
    return plain(await service.decide(db, "user", caller.user_id, written), status=201)

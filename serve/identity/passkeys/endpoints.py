"""Passkeys of one's own."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Depends, Request, Response

from serve.identity.passkeys import service
from serve.identity.passkeys.errors import (
    PasskeyKnown,
    PasskeyNotFound,
    PasskeyNotValid,
    TooManyPasskeys,
)
from serve.identity.passkeys.party import RelyingParty
from serve.identity.passkeys.schemas import (
    CreationOptions,
    PasskeyFields,
    PasskeyGone,
    PasskeyMade,
    PasskeyNew,
    PasskeyRead,
)
from serve.kernel.caller import Caller, CrossSiteRequest, NeedsPerson, NeedsRecent, NotByKey, StepUpNeeded
from serve.kernel.db import Database, DatabaseUnavailable, TenantDb
from serve.kernel.envelope import Meta, Success, success
from serve.kernel.errors import Malformed, Problem, UnsupportedMediaType, problems
from serve.kernel.resources.words import Id
from serve.kernel.risk import acts
from serve.kernel.routing import area_router

router = area_router(prefix="/api/v1/auth/passkeys", tags=["passkeys"])
Reader = Annotated[Caller, Depends(NeedsPerson("self:read", also=("enrolment",)))]
Person = Annotated[Caller, Depends(NeedsPerson("self:write", also=("enrolment",)))]
Prover = Annotated[Caller, Depends(NeedsRecent("self:write", also=("enrolment",)))]
_CHANGE = (NotByKey, CrossSiteRequest, DatabaseUnavailable)
_PROVEN = (StepUpNeeded, *_CHANGE)
_BODY = (Malformed, UnsupportedMediaType)
_DEVICE = acts(left_out="needs the person's device")


@router.get(
    "",
    response_model=Success[list[PasskeyRead], Meta],
    responses=problems(NotByKey, DatabaseUnavailable),
    name="passkeys.list",
)
async def list_passkeys(caller: Reader, db: TenantDb) -> Response:
    """Your passkeys, the oldest first."""
    return _private(await service.page(db, caller.user_id))


@router.post(
    "/options",
    response_model=Success[CreationOptions, Meta],
    responses=problems(TooManyPasskeys, *_PROVEN),
    name="passkeys.begin",
    **_DEVICE,
)
async def begin(request: Request, caller: Prover, db: TenantDb) -> Response:
    """What your browser needs to make a passkey: valid once, for five minutes.

    Give it to `PublicKeyCredential.parseCreationOptionsFromJSON`. Needs a recent proof of who you are.
    """
    return _private(await service.creation_options(db, party_of(request), caller.user_id))


@router.post(
    "",
    status_code=201,
    response_model=Success[PasskeyMade, Meta],
    responses=problems(PasskeyNotValid, PasskeyKnown, TooManyPasskeys, *_CHANGE, *_BODY),
    name="passkeys.create",
    **_DEVICE,
)
async def register(request: Request, caller: Person, asked: PasskeyNew) -> Response:
    """Register the passkey that your browser has made.

    From now on it signs you in by itself, and log-in with your password asks for a second factor. With your first one
    you get recovery codes, shown this once.
    """
    database: Database = request.app.state.database
    request_id: str = request.state.request_id
    async with database.transaction(caller, request_id=request_id) as db:
        made = await service.register(db, party_of(request), asked, request_id)
    if isinstance(made, Problem):
        raise made
    return _private(made.row | {"new_recovery_codes": made.recovery_codes}, status=201)


@router.patch(
    "/{id}",
    response_model=Success[PasskeyRead, Meta],
    responses=problems(PasskeyNotFound, *_CHANGE, *_BODY),
    name="passkeys.rename",
)
async def rename(caller: Person, id: Id, asked: PasskeyFields, db: TenantDb) -> Response:
    """Give a passkey of yours another name."""
    return _private(await service.rename(db, caller.user_id, id, asked.name))


@router.delete(
    "/{id}",
    response_model=Success[PasskeyGone, Meta],
    responses=problems(PasskeyNotFound, *_PROVEN),
    name="passkeys.remove",
    **acts(left_out="asks who it is"),
)
async def remove(request: Request, caller: Prover, id: Id, db: TenantDb) -> Response:
    """Remove a passkey of yours: it opens nothing any more.

    Without any second factor left, the recovery codes go too. Needs a recent proof of who you are.
    """
    return _private(await service.remove(db, caller.user_id, id, request.state.request_id))


def party_of(request: Request) -> RelyingParty:
    party: RelyingParty = request.app.state.relying_party
    return party


def _private(data: Any, *, status: int = 200) -> Response:
    return Response(success(data, {}), status, {"Cache-Control": "no-store"}, "application/json")

"""Second factors of one's own: one-time codes of an app, and recovery codes."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Depends, Request, Response

from serve.identity.factors import rules, service
from serve.identity.factors.errors import (
    NoSecondFactor,
    TooManyCodes,
    TotpExists,
    TotpNotConfirmed,
    TotpNotFound,
)
from serve.identity.factors.schemas import (
    CodeGiven,
    FactorsChanged,
    FactorsRead,
    RecoveryCodesMade,
    TotpBegun,
)
from serve.kernel.caller import Caller, CrossSiteRequest, NeedsPerson, NeedsRecent, NotByKey, StepUpNeeded
from serve.kernel.db import Database, DatabaseUnavailable, TenantDb
from serve.kernel.envelope import Meta, Success, success
from serve.kernel.errors import Malformed, Problem, UnsupportedMediaType, problems
from serve.kernel.risk import acts
from serve.kernel.routing import area_router

# Not repeatable by Idempotency-Key: the stored answers would hold secrets in the clear.
router = area_router(prefix="/api/v1/auth/factors", tags=["second factors"])
Reader = Annotated[Caller, Depends(NeedsPerson("self:read", also=("enrolment",)))]
Person = Annotated[Caller, Depends(NeedsPerson("self:write", also=("enrolment",)))]
Prover = Annotated[Caller, Depends(NeedsRecent("self:write", also=("enrolment",)))]
_SECRET = acts(left_out="its answer shows a secret")
_PROOF = acts(left_out="asks who it is")
_CHANGE = (NotByKey, CrossSiteRequest, DatabaseUnavailable)
_PROVEN = (StepUpNeeded, *_CHANGE)


@router.get(
    "",
    response_model=Success[FactorsRead, Meta],
    responses=problems(NotByKey, DatabaseUnavailable),
    name="factors.list",
)
async def list_factors(caller: Reader, db: TenantDb) -> Response:
    """What you prove who you are with, besides your password; never the secrets."""
    return _private((await service.held(db, caller.user_id)).shown())


@router.post(
    "/totp",
    response_model=Success[TotpBegun, Meta],
    responses=problems(TotpExists, *_PROVEN),
    name="factors.begin_totp",
    **_SECRET,
)
async def begin_totp(caller: Prover, db: TenantDb) -> Response:
    """Begin with one-time codes: a secret for your authenticator app.

    Nothing changes until a code of it was confirmed. Needs a recent proof of who you are.
    """
    secret = await service.begin_totp(db, caller.user_id)
    uri = rules.uri_of(secret, caller.email)
    return _private({"secret": secret, "uri": uri, "qr_svg": rules.picture_of(uri)})


@router.post(
    "/totp/confirm",
    response_model=Success[FactorsChanged, Meta],
    responses=problems(
        *(TotpExists, TotpNotFound, TotpNotConfirmed, TooManyCodes, *_CHANGE, Malformed),
        UnsupportedMediaType,
    ),
    name="factors.confirm_totp",
    **_SECRET,
)
async def confirm_totp(request: Request, caller: Person, asked: CodeGiven) -> Response:
    """Confirm the new secret with its code, within a quarter of an hour: from now on log-in asks for one.

    With your first second factor you get recovery codes, shown this once.
    """
    database: Database = request.app.state.database
    async with database.transaction(caller, request_id=request.state.request_id) as db:
        codes = await service.confirm_totp(db, asked.code, request.state.request_id)
        shown = (await service.held(db, caller.user_id)).shown()
    if isinstance(codes, Problem):
        raise codes
    return _private(shown | {"new_recovery_codes": codes})


@router.delete(
    "/totp",
    response_model=Success[FactorsRead, Meta],
    responses=problems(TotpNotFound, *_PROVEN),
    name="factors.remove_totp",
    **_PROOF,
)
async def remove_totp(request: Request, caller: Prover, db: TenantDb) -> Response:
    """Remove one-time codes. Without any second factor left, the recovery codes go too."""
    await service.remove_totp(db, caller.user_id, request.state.request_id)
    return _private((await service.held(db, caller.user_id)).shown())


@router.post(
    "/recovery-codes",
    response_model=Success[RecoveryCodesMade, Meta],
    responses=problems(NoSecondFactor, *_PROVEN),
    name="factors.make_recovery_codes",
    **_SECRET,
)
async def make_recovery_codes(request: Request, caller: Prover, db: TenantDb) -> Response:
    """Ten new recovery codes; the old ones stop working."""
    codes = await service.make_recovery_codes(db, caller.user_id, request.state.request_id)
    return _private({"recovery_codes": codes})


def _private(data: Any) -> Response:
    return Response(success(data, {}), media_type="application/json", headers={"Cache-Control": "no-store"})

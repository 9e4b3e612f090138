"""A tenant's own connections to identity providers, and the mail domains that they speak for."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Annotated

from fastapi import Depends, Query, Request, Response

from serve.identity.sso import domains, service, trial
from serve.identity.sso.errors import (
    SsoConnectionNotFound,
    SsoDomainNotFound,
    SsoDomainNotProven,
    SsoDomainTaken,
)
from serve.identity.sso.schemas import (
    SsoConnectionChange,
    SsoConnectionRead,
    SsoDomainChange,
    SsoDomainFields,
    SsoDomainGone,
    SsoDomainRead,
    SsoGone,
    SsoQuery,
    SsoSetup,
    SsoTest,
)
from serve.identity.sso.sign_in import SingleSignOn
from serve.kernel.caller import (
    Caller,
    CrossSiteRequest,
    LimitedToken,
    Needs,
    NeedsRecent,
    NotByKey,
    StepUpNeeded,
)
from serve.kernel.db import Database, DatabaseUnavailable, TenantDb, Transaction
from serve.kernel.envelope import Meta, PageMeta, Success, success
from serve.kernel.errors import OutsideFailed, OutsideSlow, problems
from serve.kernel.events import event
from serve.kernel.idempotency import KeyOfAnotherRequest, RepeatableRoute, StillRunning
from serve.kernel.paging import page_meta
from serve.kernel.resources.errors import Duplicate, LostUpdate
from serve.kernel.resources.schemas import RowMeta
from serve.kernel.resources.store import Row
from serve.kernel.resources.words import BODY, Id, IfMatch, plain
from serve.kernel.risk import acts
from serve.kernel.routing import area_router

event("sso_connection.enabled", "People may come in by the connection again.")
event("sso_connection.disabled", "Nobody comes in by the connection until it is switched on again.")
event("sso_domain.verified", "It was proven that the mail domain is the tenant's.")

PATH = "/api/v1/b2b/enterprise-sso"
router = area_router(prefix=PATH, tags=["single sign-on"], route_class=RepeatableRoute)
asking = area_router(prefix=PATH, tags=["single sign-on"])
"""Not repeatable: others are asked between two transactions, and asking them twice does no harm."""
Reader = Annotated[Caller, Depends(Needs("sso:read"))]
Writer = Annotated[Caller, Depends(NeedsRecent("sso:write"))]
_ASK = (NotByKey, LimitedToken, StepUpNeeded, CrossSiteRequest, DatabaseUnavailable)
_CHANGE = (*_ASK, StillRunning, KeyOfAnotherRequest)
RISKY = acts(risk="risky")  # it says who may come in


@router.post(
    "",
    status_code=201,
    response_model=Success[SsoConnectionRead, RowMeta],
    responses={
        200: {"model": Success[SsoConnectionRead, RowMeta], "description": "It took the place of one."},
        **problems(*BODY, *_CHANGE),
    },
    name="sso.set_up",
    **RISKY,
)
async def set_up(request: Request, caller: Writer, asked: SsoSetup, db: TenantDb) -> Response:
    """Let people come in by an identity provider: make a connection, or replace the one of that name.

    It speaks for mail domains, which have to be proven: until then nobody is found by their mail address, or made.
    """
    row, is_new = await service.set_up(db, asked, plain_too=_sso(request).plain_too)
    return _one(request, row, status=201 if is_new else 200)


@router.get(
    "/connections",
    response_model=Success[list[SsoConnectionRead], PageMeta],
    responses=problems(DatabaseUnavailable),
    name="sso.list",
)
async def list_connections(
    request: Request, caller: Reader, asked: Annotated[SsoQuery, Query()], db: TenantDb
) -> Response:
    """Your connections, the oldest first; never their secrets."""
    limit, offset = asked.window()
    rows, total = await service.page(db, limit, offset)
    address = _sso(request).address
    return plain([service.shown(row, address) for row in rows], page_meta((limit, offset), total))


@router.get(
    "/connections/{id}",
    response_model=Success[SsoConnectionRead, RowMeta],
    responses=problems(SsoConnectionNotFound, DatabaseUnavailable),
    name="sso.get",
)
async def get_connection(request: Request, caller: Reader, id: Id, db: TenantDb) -> Response:
    """One of your connections, with what its provider's administrator needs to know of us."""
    return _one(request, await service.get(db, id))


@router.patch(
    "/connections/{id}",
    response_model=Success[SsoConnectionRead, RowMeta],
    responses=problems(SsoConnectionNotFound, Duplicate, LostUpdate, *BODY, *_CHANGE),
    name="sso.change",
    **RISKY,
)
async def change_connection(
    request: Request,
    caller: Writer,
    id: Id,
    asked: SsoConnectionChange,
    db: TenantDb,
    if_match: IfMatch = None,
) -> Response:
    """Change a connection. What is not sent stays.

    With another issuer or entity it is another provider: the secret has to be sent anew, and nobody is known any more.
    """
    return _one(request, await service.change(db, id, asked, if_match, plain_too=_sso(request).plain_too))


@router.post(
    "/connections/{id}/enable",
    response_model=Success[SsoConnectionRead, RowMeta],
    responses=problems(SsoConnectionNotFound, *_CHANGE),
    name="sso.enable",
    **RISKY,
)
async def enable(request: Request, caller: Writer, id: Id, db: TenantDb) -> Response:
    """Let people come in by it again."""
    return _one(request, await service.switch(db, id, on=True))


@router.post(
    "/connections/{id}/disable",
    response_model=Success[SsoConnectionRead, RowMeta],
    responses=problems(SsoConnectionNotFound, *_CHANGE),
    name="sso.disable",
    **RISKY,
)
async def disable(request: Request, caller: Writer, id: Id, db: TenantDb) -> Response:
    """Let nobody come in by it; who is in stays in, and passwords count again where it was the only way."""
    return _one(request, await service.switch(db, id, on=False))


@asking.post(
    "/connections/{id}/test",
    response_model=Success[SsoTest, Meta],
    responses=problems(SsoConnectionNotFound, *_ASK),
    name="sso.test",
    **acts(risk="risky", dry_run=False),
)
async def test(request: Request, caller: Writer, id: Id) -> Response:
    """Look at everything about a connection that can be known before anybody signs in: what is right, what is not.

    The outcome is kept with the connection, unless that is changed meanwhile.
    """
    at_work, sso = _at_work(request, caller), _sso(request)
    async with at_work() as db:
        row = await service.get(db, id)
        has_secret = bool(service.secret_of(db.vault, row))
    findings = await trial.try_out(row, sso.oidc, has_secret=has_secret, plain_too=sso.plain_too)
    is_sound = all(each["is_right"] for each in findings)
    async with at_work() as db:
        await service.note_test(db, row, is_sound=is_sound)
    return plain({"is_sound": is_sound, "findings": findings})


@router.delete(
    "/connections/{id}",
    response_model=Success[SsoGone, Meta],
    responses=problems(SsoConnectionNotFound, LostUpdate, *_CHANGE),
    name="sso.delete",
    **RISKY,
)
async def delete_connection(caller: Writer, id: Id, db: TenantDb, if_match: IfMatch = None) -> Response:
    """Take a connection away, with its domains and with whom it knows. The people stay, with their roles."""
    await service.remove(db, id, if_match)
    return plain({"id": str(id)})


@router.get(
    "/domains",
    response_model=Success[list[SsoDomainRead], PageMeta],
    responses=problems(DatabaseUnavailable),
    name="sso_domains.list",
)
async def list_domains(caller: Reader, asked: Annotated[SsoQuery, Query()], db: TenantDb) -> Response:
    """Your mail domains, proven and not, with the DNS record that proves each."""
    limit, offset = asked.window()
    rows, total = await domains.page(db, limit, offset)
    return plain([domains.shown(row) for row in rows], page_meta((limit, offset), total))


@router.post(
    "/domains",
    status_code=201,
    response_model=Success[SsoDomainRead, RowMeta],
    responses=problems(Duplicate, *BODY, *_CHANGE),
    name="sso_domains.create",
    **RISKY,
)
async def claim_domain(caller: Writer, asked: SsoDomainFields, db: TenantDb) -> Response:
    """Say that a mail domain is yours. It counts once its DNS has the record that the answer names."""
    return _domain(await domains.claim(db, asked), status=201)


@router.patch(
    "/domains/{id}",
    response_model=Success[SsoDomainRead, RowMeta],
    responses=problems(SsoDomainNotFound, SsoDomainNotProven, LostUpdate, *BODY, *_CHANGE),
    name="sso_domains.change",
    **RISKY,
)
async def change_domain(
    caller: Writer, id: Id, asked: SsoDomainChange, db: TenantDb, if_match: IfMatch = None
) -> Response:
    """Give a domain to another connection, or say that its people come in only by the connection."""
    return _domain(await domains.change(db, id, asked, if_match))


@asking.post(
    "/domains/{id}/verify",
    response_model=Success[SsoDomainRead, RowMeta],
    responses=problems(
        SsoDomainNotFound, SsoDomainNotProven, SsoDomainTaken, OutsideFailed, OutsideSlow, *_ASK
    ),
    name="sso_domains.verify",
    **acts(risk="risky", dry_run=False),
)
async def verify_domain(request: Request, caller: Writer, id: Id) -> Response:
    """Look whether the domain's DNS has your record. Once it is proven it stays so, and nobody else can have it."""
    at_work = _at_work(request, caller)
    async with at_work() as db:
        domain = await domains.get(db, id)
    if domain["verified_at"] is not None:
        return _domain(domain)
    found = await _sso(request).records.of(domains.record_name(domain["domain"]))
    async with at_work() as db:
        return _domain(await domains.prove(db, id, found))


@router.delete(
    "/domains/{id}",
    response_model=Success[SsoDomainGone, Meta],
    responses=problems(SsoDomainNotFound, LostUpdate, *_CHANGE),
    name="sso_domains.delete",
    **RISKY,
)
async def delete_domain(caller: Writer, id: Id, db: TenantDb, if_match: IfMatch = None) -> Response:
    """Give a domain up: nobody new comes in by it, and passwords count again."""
    await domains.remove(db, id, if_match)
    return plain({"id": str(id)})


def _at_work(request: Request, caller: Caller) -> Callable[[], AbstractAsyncContextManager[Transaction]]:
    """Transactions of the caller's, for what asks others in between: nobody waits for them with a row locked."""
    database: Database = request.app.state.database
    return partial(database.transaction, caller, request_id=request.state.request_id)


def _sso(request: Request) -> SingleSignOn:
    found: SingleSignOn = request.app.state.sso
    return found


def _one(request: Request, row: Row, *, status: int = 200) -> Response:
    return _named(service.shown(row, _sso(request).address), row, status)


def _domain(row: Row, *, status: int = 200) -> Response:
    return _named(domains.shown(row), row, status)


def _named(data: object, row: Row, status: int) -> Response:
    headers = {"Cache-Control": "no-store", "ETag": row.etag}
    return Response(success(data, {}), status, headers, "application/json")

"""API keys of a person, and for who manages them those of everybody in the tenant."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Request, Response

from serve.identity.api_keys import service
from serve.identity.api_keys.errors import ApiKeyNotFound, ApiKeyRevoked
from serve.identity.api_keys.ring import KeyRing
from serve.identity.api_keys.schemas import (
    ApiKeyFields,
    ApiKeyGone,
    ApiKeyMade,
    ApiKeyQuery,
    ApiKeyRead,
    ApiKeyRotation,
    ApiKeyTest,
)
from serve.kernel.caller import (
    PEOPLE_ALONE,
    Caller,
    CrossSiteRequest,
    Lacks,
    Needs,
    NeedsPerson,
    NeedsRecent,
    StepUpNeeded,
)
from serve.kernel.db import Database, DatabaseUnavailable, TenantDb, Transaction
from serve.kernel.envelope import Meta, PageMeta, Success, success
from serve.kernel.errors import Malformed, UnsupportedMediaType, problems
from serve.kernel.paging import page_meta
from serve.kernel.resources.errors import LostUpdate
from serve.kernel.resources.words import Id, IfMatch, one
from serve.kernel.risk import acts
from serve.kernel.routing import area_router

# Not repeatable by Idempotency-Key: the stored answer would hold the key in the clear.
router = area_router(prefix="/api/v1/auth/api-keys", tags=["api keys"])
Reader = Annotated[Caller, Depends(Needs("self:read"))]
Writer = Annotated[Caller, Depends(NeedsRecent("self:write", in_tenant=True))]
Revoker = Annotated[Caller, Depends(NeedsPerson("self:write"))]  # at once: a key that leaked cannot wait
_CHANGE = (*PEOPLE_ALONE, CrossSiteRequest, DatabaseUnavailable)
_BODY = (Malformed, UnsupportedMediaType)


@router.get(
    "",
    response_model=Success[list[ApiKeyRead], PageMeta],
    responses=problems(DatabaseUnavailable),
    name="api_keys.list",
)
async def list_keys(caller: Reader, asked: Annotated[ApiKeyQuery, Query()], db: TenantDb) -> Response:
    """Your keys in this tenant, newest first, revoked ones too; never the key itself."""
    if asked.everyone and service.MANAGE not in caller.permissions:
        raise Lacks(caller, service.MANAGE)
    limit, offset = asked.window()
    rows, total = await service.page(
        db, user_id=None if asked.everyone else caller.user_id, limit=limit, offset=offset
    )
    return _private(rows, page_meta((limit, offset), total))


@router.post(
    "",
    status_code=201,
    response_model=Success[ApiKeyMade, Meta],
    responses=problems(StepUpNeeded, *_CHANGE, *_BODY),
    name="api_keys.create",
    **acts(left_out="its answer shows a secret"),
)
async def make_key(request: Request, caller: Writer, asked: ApiKeyFields, db: TenantDb) -> Response:
    """A new key of yours. This answer is the only one that shows it. Needs a recent proof of who you are."""
    row, key = await service.make(db, asked, request.state.request_id)
    return _private({**row, "key": key}, {}, status=201, etag=row.etag)


@router.put(
    "/{id}",
    response_model=Success[ApiKeyRead, Meta],
    responses=problems(ApiKeyNotFound, ApiKeyRevoked, LostUpdate, StepUpNeeded, *_CHANGE, *_BODY),
    name="api_keys.replace",
)
async def change_key(
    request: Request, caller: Writer, id: Id, asked: ApiKeyFields, if_match: IfMatch = None
) -> Response:
    """Give a key another name, other scopes or another end; the key itself stays."""
    async with _changing(request, caller, id) as db:
        row = await service.change(db, id, asked, if_match)
    return one(row)


@router.delete(
    "/{id}",
    response_model=Success[ApiKeyGone, Meta],
    responses=problems(ApiKeyNotFound, LostUpdate, *_CHANGE),
    name="api_keys.revoke",
)
async def revoke_key(request: Request, caller: Revoker, id: Id, if_match: IfMatch = None) -> Response:
    """Revoke a key: it opens nothing any more, and stays in the list as revoked."""
    async with _changing(request, caller, id) as db:
        row = await service.revoke(db, id, if_match, request.state.request_id)
    return _private({name: row[name] for name in ApiKeyGone.model_fields}, {})


@router.post(
    "/{id}/rotate",
    status_code=201,
    response_model=Success[ApiKeyMade, Meta],
    responses=problems(ApiKeyNotFound, ApiKeyRevoked, LostUpdate, StepUpNeeded, *_CHANGE, *_BODY),
    name="api_keys.rotate",
    **acts(left_out="its answer shows a secret"),
)
async def rotate_key(
    request: Request, caller: Writer, id: Id, asked: ApiKeyRotation, if_match: IfMatch = None
) -> Response:
    """A new key in the place of one of yours; both work for a while, so that nothing stops meanwhile.

    This answer is the only one that shows the new key.
    """
    async with _changing(request, caller, id) as db:
        row, key = await service.rotate(
            db, id, timedelta(hours=asked.overlap_h), if_match, request.state.request_id
        )
    return _private({**row, "key": key}, {}, status=201, etag=row.etag)


@router.post(
    "/{id}/test",
    response_model=Success[ApiKeyTest, Meta],
    responses=problems(ApiKeyNotFound, CrossSiteRequest, DatabaseUnavailable),
    name="api_keys.test",
)
async def try_key(caller: Reader, id: Id, db: TenantDb) -> Response:
    """Whether a request with the key would be let in now, as whom and with which permissions; why not, if not."""
    return _private(await service.try_out(db, id), {})


@asynccontextmanager
async def _changing(request: Request, caller: Caller, key_id: UUID) -> AsyncIterator[Transaction]:
    """A transaction after whose end this process asks anew about the key: earlier it would learn the old state."""
    database: Database = request.app.state.database
    keys: KeyRing = request.app.state.keys
    async with database.transaction(caller, request_id=request.state.request_id) as db:
        yield db
    keys.forget(key_id)


def _private(data: object, meta: object, *, status: int = 200, etag: str | None = None) -> Response:
    headers = {"Cache-Control": "no-store"} | ({"ETag": etag} if etag else {})
    return Response(success(data, meta), status, headers, "application/json")

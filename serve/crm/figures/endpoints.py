"""Figures of selling and customers over HTTP, and enterprise clients."""

# No postponed annotations: FastAPI reads those of the endpoints, whose models are made by the resource.

from typing import Annotated

from fastapi import Depends, Query, Response

from serve.crm.accounts.endpoints import accounts
from serve.crm.figures import service
from serve.crm.figures.schemas import Analytics, ClientFields, DaysAsked, EnterpriseStats, Health, Sales
from serve.kernel.asking import Asking
from serve.kernel.caller import Needs
from serve.kernel.db import DatabaseUnavailable, ReadDb, TenantDb
from serve.kernel.envelope import Meta, Success, around
from serve.kernel.errors import Invalid, problems
from serve.kernel.idempotency import KeyOfAnotherRequest, RepeatableRoute, StillRunning
from serve.kernel.resources.declaration import values_of
from serve.kernel.resources.errors import Duplicate
from serve.kernel.resources.schemas import ListMeta, RowMeta
from serve.kernel.resources.words import BODY, Id, one, plain, raw, reading, writing
from serve.kernel.routing import area_router

SEGMENT = "enterprise"
FIGURES = Depends(Needs("analytics:read"))
router = area_router(prefix="/api/v1", tags=["customers' figures"], route_class=RepeatableRoute)


@router.get(
    "/crm/sales",
    response_model=Success[Sales, Meta],
    dependencies=[FIGURES],
    responses=problems(DatabaseUnavailable),
    name="crm.sales",
)
async def sales(asked: Annotated[DaysAsked, Query()], db: TenantDb) -> Response:
    """What was won, quoted and billed in a period, by whom, and what is under way now; by currency."""
    return plain(await service.sales(db, asked))


@router.get(
    "/crm/analytics",
    response_model=Success[Analytics, Meta],
    dependencies=[FIGURES],
    responses=problems(DatabaseUnavailable),
    name="crm.analytics",
)
async def analytics(asked: Annotated[DaysAsked, Query()], db: TenantDb) -> Response:
    """Leads of a period from coming to winning, first replies, accounts, contacts and tickets."""
    return plain(await service.analytics(db, asked))


@router.get(
    "/enterprise/clients",
    response_model=Success[list[accounts.read_model | accounts.part_model], ListMeta],  # type: ignore[name-defined]
    dependencies=[reading(accounts)],
    responses=problems(DatabaseUnavailable),
    name="enterprise.clients",
)
async def clients(
    asked: Annotated[accounts.query, Depends(Asking(accounts.query))],  # type: ignore[name-defined]
    db: ReadDb,
) -> Response:
    """Accounts of segment enterprise, filtered, sorted and in pages like all accounts."""
    if asked.segment is not None and set(asked.segment) != {SEGMENT}:
        raise Invalid(details=[("segment", f"must be one of: {SEGMENT}")])
    listed = await accounts.listing.page(db, asked.model_copy(update={"segment": [SEGMENT]}))
    return raw(around(listed.data, listed.meta))


@router.post(
    "/enterprise/clients",
    status_code=201,
    response_model=Success[accounts.read_model, RowMeta],  # type: ignore[name-defined]
    dependencies=[writing(accounts)],
    responses=problems(*BODY, Duplicate, StillRunning, KeyOfAnotherRequest),
    name="enterprise.add_client",
)
async def add_client(written: ClientFields, db: TenantDb) -> Response:
    """A new account of segment enterprise."""
    row = await accounts.insert(db, accounts.settled(None, values_of(written, sent_only=False)))
    return one(row, status=201, headers={"Location": f"{accounts.path}/{row['id']}"})


@router.get(
    "/enterprise/stats",
    response_model=Success[EnterpriseStats, Meta],
    dependencies=[FIGURES],
    responses=problems(DatabaseUnavailable),
    name="enterprise.stats",
)
async def stats(db: TenantDb) -> Response:
    """How many enterprise clients there are, what hangs on them, and what they were billed in the last 365 days."""
    return plain(await service.enterprise(db))


@router.get(
    "/accounts/{id}/health",
    response_model=Success[Health, Meta],
    dependencies=[FIGURES, reading(accounts)],
    responses=problems(accounts.NotFound, DatabaseUnavailable),
    name="accounts.health",
)
async def health(id: Id, db: TenantDb) -> Response:
    """How the account does: its chance to leave with reasons, what it was billed and owes, and what is under way.

    `with_children` says the same of it and all accounts that stand below it, together.
    """
    return plain(await service.health_of(db, id))

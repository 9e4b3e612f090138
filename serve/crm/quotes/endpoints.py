"""Quotes, which a customer can accept, and estimates, which become quotes."""

# mypy: disable-error-code="valid-type"

from fastapi import Response

from serve.crm.quotes import service
from serve.crm.quotes.errors import EstimateNotOpen, QuoteDecided
from serve.crm.quotes.schemas import EstimateFields, EstimateRead, QuoteFields, QuoteRead
from serve.crm.quotes.service import estimates, quotes
from serve.kernel.db import TenantDb
from serve.kernel.envelope import Success
from serve.kernel.errors import problems
from serve.kernel.idempotency import KeyOfAnotherRequest, StillRunning
from serve.kernel.resources.errors import Duplicate, LostUpdate
from serve.kernel.resources.schemas import RowMeta
from serve.kernel.resources.words import BODY, Id, IfMatch, one, writing

router = quotes.router()
estimates_router = estimates.router()

QuotePatch, EstimatePatch = quotes.patch, estimates.patch
_REPEATED = (StillRunning, KeyOfAnotherRequest)
_WRITING = (*BODY, Duplicate, *_REPEATED)


@router.post(
    "",
    status_code=201,
    response_model=Success[QuoteRead, RowMeta],
    dependencies=[writing(quotes)],
    responses=problems(*_WRITING),
    name="quotes.create",
)
async def create_quote(written: QuoteFields, db: TenantDb) -> Response:
    """A new quote: numbered, and counted from its lines.

    Half a minor unit is rounded up: of a line, of a discount, of each rate's tax on all its lines, of the
    deposit.
    """
    row = await service.create(db, quotes, written)
    return one(row, status=201, headers={"Location": f"{quotes.path}/{row['id']}"})


@router.patch(
    "/{id}",
    response_model=Success[QuoteRead, RowMeta],
    dependencies=[writing(quotes)],
    responses=problems(*_WRITING, quotes.NotFound, LostUpdate, QuoteDecided),
    name="quotes.patch",
)
async def change_quote(id: Id, written: QuotePatch, db: TenantDb, if_match: IfMatch = None) -> Response:
    """Change some fields; `lines` are replaced as a whole. `If-Match` prevents lost updates.

    Of a quote that was sent this is the next version, which the customer sees once it is sent; until then their link
    shows what it was made for. What was accepted stays.
    """
    return one(await service.change(db, quotes, id, written, if_match))


@estimates_router.post(
    "",
    status_code=201,
    response_model=Success[EstimateRead, RowMeta],
    dependencies=[writing(estimates)],
    responses=problems(*_WRITING),
    name="estimates.create",
)
async def create_estimate(written: EstimateFields, db: TenantDb) -> Response:
    """A new estimate: what something may cost. It binds nobody."""
    row = await service.create(db, estimates, written)
    return one(row, status=201, headers={"Location": f"{estimates.path}/{row['id']}"})


@estimates_router.patch(
    "/{id}",
    response_model=Success[EstimateRead, RowMeta],
    dependencies=[writing(estimates)],
    responses=problems(*_WRITING, estimates.NotFound, LostUpdate, EstimateNotOpen),
    name="estimates.patch",
)
async def change_estimate(id: Id, written: EstimatePatch, db: TenantDb, if_match: IfMatch = None) -> Response:
    """Change some fields; `lines` are replaced as a whole. One that has become a quote stays as it is."""
    return one(await service.change(db, estimates, id, written, if_match))


@estimates_router.post(
    "/{id}/quote",
    status_code=201,
    response_model=Success[QuoteRead, RowMeta],
    dependencies=[writing(estimates)],
    responses=problems(*_WRITING, estimates.NotFound, EstimateNotOpen),
    name="estimates.quote",
)
async def quote_estimate(id: Id, db: TenantDb) -> Response:
    """Make the estimate a quote that says the same, and can be sent and accepted."""
    row = await service.quote_of(db, id)
    return one(row, status=201, headers={"Location": f"{quotes.path}/{row['id']}"})

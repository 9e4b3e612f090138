"""Quotes, which a customer can accept, and estimates, which become quotes."""

# mypy: disable-error-code="valid-type"

from typing import Annotated

from fastapi import Query, Request, Response

from serve.crm.quotes import converting, deciding, sending, service
from serve.crm.quotes.errors import (
    EstimateNotOpen,
    QuoteConverted,
    QuoteDecided,
    QuoteEmpty,
    QuoteNotAccepted,
    QuoteNotOpen,
    QuoteNotSendable,
    QuoteVersionNotFound,
)
from serve.crm.quotes.public import PDF
from serve.crm.quotes.schemas import (
    Acceptance,
    Conversion,
    EstimateFields,
    EstimateRead,
    QuoteFields,
    QuoteRead,
    Refusal,
    Sending,
    VersionRead,
)
from serve.crm.quotes.service import estimates, quotes
from serve.kernel.db import DatabaseUnavailable, TenantDb
from serve.kernel.envelope import Meta, Success
from serve.kernel.errors import NotConfigured, problems
from serve.kernel.idempotency import KeyOfAnotherRequest, StillRunning
from serve.kernel.resources.errors import Duplicate, LostUpdate
from serve.kernel.resources.schemas import RowMeta
from serve.kernel.resources.words import BODY, Id, IfMatch, one, plain, reading, writing
from serve.kernel.risk import acts
from serve.platform.files.names import attachment

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


@router.post(
    "/{id}/send",
    response_model=Success[QuoteRead, RowMeta],
    dependencies=[writing(quotes)],
    responses=problems(*_WRITING, quotes.NotFound, QuoteDecided, QuoteNotSendable, NotConfigured),
    name="quotes.send",
    **acts(risk="risky"),
)
async def send_quote(request: Request, id: Id, asked: Sending, db: TenantDb) -> Response:
    """Mail the customer a link under which they see it, choose options, accept or decline.

    What is sent is kept as a version with its PDF, and is what they accept. Links of versions before decide nothing
    more. It is valid until the end of `valid_until` where you are, or 30 days.
    """
    state = request.app.state
    row = await sending.send(
        db,
        id,
        message=asked.message,
        ways=state.mail,
        storage=state.files.storage,
        public_address=state.settings.public_address,
    )
    return one(row)


@router.get(
    "/{id}/versions",
    response_model=Success[list[VersionRead], Meta],
    dependencies=[reading(quotes)],
    responses=problems(quotes.NotFound, DatabaseUnavailable),
    name="quotes.versions",
)
async def list_versions(id: Id, db: TenantDb) -> Response:
    """What was sent so far, the newest first."""
    return plain(await sending.versions(db, id))


@router.get(
    "/{id}/pdf",
    dependencies=[reading(quotes)],
    response_class=Response,
    responses={200: PDF, **problems(quotes.NotFound, QuoteVersionNotFound, DatabaseUnavailable)},
    name="quotes.pdf",
)
async def quote_pdf(
    request: Request,
    id: Id,
    db: TenantDb,
    version: Annotated[int | None, Query(ge=1, le=2**31 - 1, description="One that was sent.")] = None,
) -> Response:
    """The quote as a PDF in your look: as it was accepted, else the very paper that was sent, or a draft of what was
    changed since. `version` asks for one that was sent.
    """
    return _paper(*await sending.pdf_of(db, quotes, id, version, request.app.state.files.storage))


@router.post(
    "/{id}/accept",
    response_model=Success[QuoteRead, RowMeta],
    dependencies=[writing(quotes)],
    responses=problems(*_WRITING, quotes.NotFound, QuoteNotOpen),
    name="quotes.accept",
)
async def accept_quote(id: Id, asked: Acceptance, db: TenantDb) -> Response:
    """Note that the customer has accepted what was sent, on the telephone or on paper."""
    return one(await deciding.accept(db, id, name=asked.name, positions=asked.chosen))


@router.post(
    "/{id}/decline",
    response_model=Success[QuoteRead, RowMeta],
    dependencies=[writing(quotes)],
    responses=problems(*_WRITING, quotes.NotFound, QuoteNotOpen),
    name="quotes.decline",
)
async def decline_quote(id: Id, asked: Refusal, db: TenantDb) -> Response:
    """Note that the customer does not want it. A change makes it a draft again, which can be sent anew."""
    return one(await deciding.decline(db, id, reason=asked.reason))


@router.post(
    "/{id}/convert",
    response_model=Success[QuoteRead, RowMeta],
    dependencies=[writing(quotes)],
    responses=problems(*_WRITING, quotes.NotFound, QuoteNotAccepted, QuoteConverted, QuoteEmpty),
    name="quotes.convert",
)
async def convert_quote(id: Id, asked: Conversion, db: TenantDb) -> Response:
    """Make the accepted quote a job, and the draft of an invoice of its deposit; both or nothing, and once.

    The price of the job is the net amount of the quote.
    """
    row = await converting.convert(
        db,
        id,
        service=asked.service,
        due_at=asked.due_at,
        zone_id=asked.zone_id,
        with_deposit=asked.with_deposit,
        due_date=asked.deposit_due_date,
    )
    return one(row)


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


@estimates_router.get(
    "/{id}/pdf",
    dependencies=[reading(estimates)],
    response_class=Response,
    responses={200: PDF, **problems(estimates.NotFound, DatabaseUnavailable)},
    name="estimates.pdf",
)
async def estimate_pdf(request: Request, id: Id, db: TenantDb) -> Response:
    """The estimate as a PDF in your look."""
    return _paper(*await sending.pdf_of(db, estimates, id, None, request.app.state.files.storage))


def _paper(name: str, made: bytes) -> Response:
    headers = {"Content-Disposition": attachment(name), "Cache-Control": "private, no-store"}
    return Response(made, 200, headers, "application/pdf")

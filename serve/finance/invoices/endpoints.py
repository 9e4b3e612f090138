"""Invoices: what was billed, and what of it is paid."""

# No postponed annotations: the models of a resource's calls are made while its routes are.

from fastapi import Response

from serve.finance.invoices.errors import InvoiceNotOpen
from serve.finance.invoices.schemas import InvoiceDetail, PaidInFull
from serve.finance.invoices.service import detailed, invoices
from serve.finance.payments.service import pay_the_rest
from serve.kernel.db import DatabaseUnavailable, TenantDb
from serve.kernel.envelope import Success
from serve.kernel.errors import problems
from serve.kernel.idempotency import KeyOfAnotherRequest, StillRunning
from serve.kernel.resources.errors import LostUpdate
from serve.kernel.resources.schemas import RowMeta
from serve.kernel.resources.words import BODY, Id, IfMatch, one, reading, writing
from serve.kernel.routing import also

router = invoices.router()


@router.get(
    "/{id}",
    response_model=Success[InvoiceDetail, RowMeta],
    dependencies=[reading(invoices)],
    responses=problems(invoices.NotFound, DatabaseUnavailable),
    name="invoices.get",
)
async def get_invoice(id: Id, db: TenantDb) -> Response:
    """One invoice with its lines, and what of it is paid and open. The ETag changes with each payment, too."""
    # The row first: a payment in between is then newer than the ETag, and nobody keeps an old sum under a new name.
    return one(await detailed(db, await invoices.get(db, id)))


@router.post(
    "/{id}/mark-paid",
    response_model=Success[InvoiceDetail, RowMeta],
    dependencies=[writing(invoices)],
    responses=problems(
        *BODY, StillRunning, KeyOfAnotherRequest, invoices.NotFound, InvoiceNotOpen, LostUpdate
    ),
    name="invoices.mark_paid",
)
async def mark_paid(id: Id, asked: PaidInFull, db: TenantDb, if_match: IfMatch = None) -> Response:
    """All that is still open was paid: a payment of it is recorded, and the invoice is `paid`.

    A draft may be paid too: a deposit is, before any paper goes out. `If-Match` prevents lost updates.
    """
    invoice = await pay_the_rest(db, id, method=asked.method, paid_at=asked.paid_at, if_match=if_match)
    return one(await detailed(db, invoice))


further = [also(router, "invoices.export", "GET /api/v1/export/invoices")]

"""Payments: recorded once, and never edited."""

# No postponed annotations: the models of a resource's calls are made while its routes are.

from fastapi import Response

from serve.finance.invoices.errors import InvoiceNotOpen
from serve.finance.payments.schemas import PaymentFields, PaymentRead
from serve.finance.payments.service import payments, record
from serve.kernel.db import TenantDb
from serve.kernel.envelope import Success
from serve.kernel.errors import problems
from serve.kernel.idempotency import KeyOfAnotherRequest, StillRunning
from serve.kernel.resources.errors import Duplicate
from serve.kernel.resources.schemas import RowMeta
from serve.kernel.resources.words import BODY, one, writing
from serve.kernel.routing import also

router = payments.router()


@router.post(
    "",
    status_code=201,
    response_model=Success[PaymentRead, RowMeta],
    dependencies=[writing(payments)],
    responses=problems(*BODY, InvoiceNotOpen, Duplicate, StillRunning, KeyOfAnotherRequest),
    name="payments.create",
)
async def record_payment(written: PaymentFields, db: TenantDb) -> Response:
    """Record money that has come in, for an invoice or in advance.

    Of an invoice never more than is open; with the last of it the invoice is `paid`, in the same moment. It stays as
    it is: send an Idempotency-Key, so that one sent twice is one.
    """
    row = await record(db, written)
    return one(row, status=201, headers={"Location": f"{payments.path}/{row['id']}"})


further = [
    also(router, "payments.list", "GET /api/v1/finance/payments"),
    also(router, "payments.create", "POST /api/v1/finance/payments"),
]

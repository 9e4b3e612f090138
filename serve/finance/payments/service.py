"""Payments as they come in. The invoice is locked before anything is looked at, so two of them never pay the same."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from serve.finance.invoices.rules import check_open, open_cents
from serve.finance.invoices.service import PAID, invoices, received
from serve.finance.payments.models import payments as table
from serve.finance.payments.rules import check_moment, settled
from serve.finance.payments.schemas import PaymentFields, PaymentRead
from serve.kernel.db import Transaction
from serve.kernel.errors import Invalid, NotFound
from serve.kernel.resources import Resource, Row
from serve.kernel.resources.store import check_version

payments = Resource(
    table,
    fields=PaymentFields,
    read=PaymentRead,
    # Its own create: the generated one's short way would not look at the invoice.
    calls=("list", "get", "history", "stats", "export"),
    filters=("external_id", "invoice_id", "account_id", "status", "paid_at"),
    sortable=("created_at", "paid_at", "id"),
)
_STANDS = "select from accounts where id = $1 and tenant_id = $2 and deleted_at is null"
_OWN_CURRENCY = "select currency from tenants where id = $1"
# No event: nothing of the invoice itself has changed, but whoever has read it has read less than is paid now.
_SEEN_ANEW = "update invoices set updated_at = now() where id = $1"


async def record(db: Transaction, written: PaymentFields) -> Row:
    """Money that has come in; with the last of it the invoice is paid. Raises Invalid or InvoiceNotOpen."""
    now = datetime.now(UTC)
    check_moment(written.paid_at, now)
    values: dict[str, Any] = {
        **written.model_dump(),
        "status": "succeeded",
        "paid_at": written.paid_at or now,
    }
    if written.invoice_id is None:
        return await payments.insert(db, await _in_advance(db, values))
    try:
        invoice = await invoices.get(db, written.invoice_id, lock=True)
    except NotFound as absent:
        raise Invalid(details=[("invoice_id", "names nothing that exists")]) from absent
    values = settled(values, invoice, (await received(db, invoice)).cents)
    payment = await payments.insert(db, values)
    await _close(db, invoice)
    return payment


async def pay_the_rest(
    db: Transaction, invoice_id: UUID, *, method: str, paid_at: datetime | None, if_match: str | None
) -> Row:
    """The invoice, paid: books and status never differ. Raises NotFound, LostUpdate, InvoiceNotOpen or Invalid."""
    now = datetime.now(UTC)
    check_moment(paid_at, now)
    invoice = await invoices.get(db, invoice_id, lock=True)
    check_version(if_match, invoice)
    check_open(invoice)
    left = open_cents(invoice, (await received(db, invoice)).cents)
    if left:
        payment = {
            "invoice_id": invoice["id"],
            "account_id": invoice["account_id"],
            "method": method,
            "status": "succeeded",
            "amount_cents": left,
            "currency": invoice["currency"],
            "paid_at": paid_at or now,
        }
        await payments.insert(db, payment)
    return await _close(db, invoice, paid_at or now)


async def _close(db: Transaction, invoice: Row, at: datetime | None = None) -> Row:
    """The invoice after a payment: paid with the last of it. ``at`` is for one of which nothing was ever to be paid."""
    paid = await received(db, invoice)
    if open_cents(invoice, paid.cents):
        await db.execute(_SEEN_ANEW, invoice["id"])
        return invoice
    return await invoices.change(db, invoice, event=PAID, status="paid", paid_at=paid.last_paid_at or at)


async def _in_advance(db: Transaction, values: dict[str, Any]) -> dict[str, Any]:
    """A payment that belongs to a customer alone. Raises Invalid."""
    if values["account_id"] is None:
        raise Invalid(details=[("account_id", "is needed where no invoice is named")])
    if not await db.fetch(_STANDS, values["account_id"], db.caller.tenant_id):
        raise Invalid(details=[("account_id", "names nothing that exists")])
    if values["currency"] is None:
        found = await db.fetch_one(_OWN_CURRENCY, db.caller.tenant_id)
        assert found is not None
        values["currency"] = found["currency"]
    return values

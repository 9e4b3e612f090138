"""Invoices as the others see them, and what others ask of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from serve.finance.invoices.models import invoices as table
from serve.finance.invoices.rules import check_invoice, open_cents
from serve.finance.invoices.schemas import InvoiceRead
from serve.kernel.db import Transaction
from serve.kernel.events import event
from serve.kernel.ids import uuid7
from serve.kernel.resources import Fields, Resource, Row
from serve.platform.numbers.service import next_number

SERIES = "INV"
PAID = event("invoice.paid", "All of the invoice is paid: `after` says since when.")
FILTERS = ("external_id", "number", "status", "account_id", "job_id", "issued_at", "due_date")
"""What invoices are asked for by; each has an index, because there may be very many of them."""
SORTABLE = ("created_at", "issued_at", "due_date", "number", "id")
invoices = Resource(
    table,
    fields=Fields,
    read=InvoiceRead,
    rule=check_invoice,
    # Written by what they follow from: nobody edits or removes one that a customer may have.
    calls=("list", "history", "stats", "export"),
    filters=FILTERS,
    sortable=SORTABLE,
)
_LINE = """
    insert into invoice_lines
        (id, tenant_id, invoice_id, line_no, description, quantity, unit_price_cents, net_cents, cost_cents)
    values ($1, $2, $3, $4, $5, 1, $6, $6, 0)
"""
_LINES = """
    select line_no, product_code, description, quantity, unit_price_cents, net_cents
    from invoice_lines where invoice_id = $1 order by line_no
"""
# What came in and stayed: `received_cents` of the warehouse's fct_payments.
_RECEIVED = """
    select coalesce(sum(amount_cents), 0)::bigint as cents, max(paid_at) as last_paid_at
    from payments where invoice_id = $1 and currency = $2 and status = 'succeeded' and deleted_at is null
"""


@dataclass(frozen=True, slots=True)
class BilledLine:
    """One piece of something, and the tax on it."""

    description: str
    net_cents: int
    tax_cents: int


@dataclass(frozen=True, slots=True)
class Received:
    """What has come in for an invoice, and when the last of it did."""

    cents: int
    last_paid_at: datetime | None


async def received(db: Transaction, invoice: Row) -> Received:
    """Lock the invoice before, where something follows from it."""
    found = await db.fetch_one(_RECEIVED, invoice["id"], invoice["currency"])
    assert found is not None
    return Received(found["cents"], found["last_paid_at"])


async def detailed(db: Transaction, invoice: Row) -> Row:
    """The invoice with its lines and with what is paid of it."""
    paid_cents = (await received(db, invoice)).cents
    more: dict[str, Any] = {
        "lines": [dict(line) for line in await db.fetch(_LINES, invoice["id"])],
        "paid_cents": paid_cents,
        "open_cents": open_cents(invoice, paid_cents),
    }
    invoice.update(more)
    return invoice


async def draft_invoice(
    db: Transaction,
    *,
    account_id: str | UUID,
    lines: Sequence[BilledLine],
    currency: str,
    job_id: UUID | None = None,
    due_date: date | None = None,
) -> UUID:
    """A numbered invoice of the caller's tenant that was not sent yet."""
    invoice_id = uuid7()
    net_cents, tax_cents = sum(line.net_cents for line in lines), sum(line.tax_cents for line in lines)
    values = {
        "account_id": account_id,
        "job_id": job_id,
        "number": await next_number(db, SERIES, among="invoices"),
        "status": "draft",
        "issued_at": datetime.now(UTC),
        "due_date": due_date,
        "net_cents": net_cents,
        "tax_cents": tax_cents,
        "total_cents": net_cents + tax_cents,
        "currency": currency,
    }
    await invoices.insert(db, values, row_id=invoice_id)
    for line_no, line in enumerate(lines, 1):
        await db.execute(
            _LINE, uuid7(), db.caller.tenant_id, invoice_id, line_no, line.description, line.net_cents
        )
    return invoice_id

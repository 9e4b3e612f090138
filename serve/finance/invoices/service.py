"""What others ask of invoices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from uuid import UUID

from serve.kernel.db import Transaction
from serve.kernel.ids import uuid7
from serve.platform.numbers.service import next_number

SERIES = "INV"
_INVOICE = """
    insert into invoices
        (id, tenant_id, account_id, job_id, number, status, issued_at, due_date, net_cents, tax_cents, total_cents,
        currency)
    values ($1, $2, $3, $4, $5, 'draft', $6, $7, $8, $9, $8::bigint + $9::bigint, $10)
"""
_LINE = """
    insert into invoice_lines
        (id, tenant_id, invoice_id, line_no, description, quantity, unit_price_cents, net_cents, cost_cents)
    values ($1, $2, $3, $4, $5, 1, $6, $6, 0)
"""


@dataclass(frozen=True, slots=True)
class BilledLine:
    """One piece of something, and the tax on it."""

    description: str
    net_cents: int
    tax_cents: int


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
    number = await next_number(db, SERIES, among="invoices")
    await db.execute(
        _INVOICE,
        *(invoice_id, db.caller.tenant_id, account_id, job_id, number, datetime.now(UTC), due_date),
        *(net_cents, tax_cents, currency),
    )
    for line_no, line in enumerate(lines, 1):
        await db.execute(
            _LINE, uuid7(), db.caller.tenant_id, invoice_id, line_no, line.description, line.net_cents
        )
    return invoice_id

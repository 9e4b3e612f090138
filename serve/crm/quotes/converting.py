"""An accepted quote becomes a job and, if asked, the invoice of its deposit: both or nothing, once."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from serve.crm.quotes.rules import check_convertible
from serve.crm.quotes.sending import language_of, sent_document
from serve.crm.quotes.service import quotes
from serve.crm.quotes.totals import RateSum, deposit
from serve.crm.quotes.words import WORDS
from serve.field.jobs.service import request_job
from serve.finance.invoices.service import BilledLine, draft_invoice
from serve.kernel.db import Transaction
from serve.kernel.errors import Invalid
from serve.kernel.events import event
from serve.kernel.resources import Row
from serve.kernel.speech import Speech

CONVERTED = event(
    "quote.converted", "The quote has become a job: `after` names it, and the invoice of the deposit."
)


async def convert(
    db: Transaction,
    row_id: UUID,
    *,
    service: str | None,
    due_at: datetime | None,
    zone_id: UUID | None,
    with_deposit: bool | None,
    due_date: date | None,
) -> Row:
    """``with_deposit`` unsaid: an invoice where the quote asks for a deposit.

    Raises NotFound, QuoteNotAccepted, QuoteConverted, QuoteEmpty or Invalid.
    """
    quote = await quotes.get(db, row_id, lock=True)
    check_convertible(quote)
    rates = [RateSum(**rate) for rate in quote["taxes"]]
    parts = deposit(rates, quote["deposit_basis_points"])
    if with_deposit and not parts:
        raise Invalid(details=[("with_deposit", "this quote asks for no deposit")])
    job_id = await request_job(
        db,
        account_id=quote["account_id"],
        zone_id=zone_id,
        service=service or quote["title"] or quote["lines"][0]["description"],
        channel="quote",
        price_cents=quote["net_cents"],
        currency=quote["currency"],
        due_at=due_at,
        attributes={"quote_id": quote["id"], "quote_number": quote["number"]},
    )
    changes: dict[str, Any] = {"job_id": job_id, "converted_at": datetime.now(UTC)}
    if parts and with_deposit is not False:
        said = Speech(await _language(db, quote), WORDS)
        changes["invoice_id"] = await draft_invoice(
            db,
            account_id=quote["account_id"],
            job_id=job_id,
            currency=quote["currency"],
            due_date=due_date,
            lines=[_line(part, quote, said) for part in parts],
        )
    return await quotes.update(db, quote, changes, event=CONVERTED)


async def _language(db: Transaction, quote: Row) -> str:
    """Of what the customer has accepted; what was accepted elsewhere has no version here."""
    if quote["accepted_version"] is None:
        return await language_of(db, quote)
    language: str = (await sent_document(db, quote["id"], quote["accepted_version"]))["language"]
    return language


def _line(part: RateSum, quote: Row, said: Speech) -> BilledLine:
    about = {"share": said.share(quote["deposit_basis_points"]), "number": quote["number"] or ""}
    if part.tax_cents:
        described = said("deposit_line_taxed", **about, tax=said.share(part.tax_basis_points))
    else:
        described = said("deposit_line", **about)
    return BilledLine(described, part.net_cents, part.tax_cents)

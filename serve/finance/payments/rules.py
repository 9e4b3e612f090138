"""What a payment must be; no database, no clock."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from serve.finance.invoices.rules import check_open, open_cents
from serve.kernel.errors import Invalid


def check_moment(paid_at: datetime | None, now: datetime) -> None:
    """Raises Invalid."""
    if paid_at is not None and paid_at > now:
        raise Invalid(details=[("paid_at", "lies in the future")])


def settled(values: Mapping[str, Any], invoice: Mapping[str, Any], paid_cents: int) -> dict[str, Any]:
    """The payment of an invoice: customer and currency are its own, the amount at most what is open.

    Raises InvoiceNotOpen, or Invalid naming all that does not fit.
    """
    check_open(invoice)
    wrong = []
    if values["account_id"] is not None and str(values["account_id"]) != str(invoice["account_id"]):
        wrong.append(("account_id", "is not the invoice's customer"))
    if values["currency"] not in (None, invoice["currency"]):
        wrong.append(("currency", f"is not the invoice's, which is {invoice['currency']}"))
    left = open_cents(invoice, paid_cents)
    if values["amount_cents"] > left:
        wrong.append(("amount_cents", f"is more than is open, which is {left}"))
    if wrong:
        raise Invalid(details=wrong)
    return {**values, "account_id": invoice["account_id"], "currency": invoice["currency"]}

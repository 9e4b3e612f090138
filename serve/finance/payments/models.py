"""Money received from customers, or tried to."""

from sqlalchemy import Text

from serve.kernel.schema import (
    Moment,
    asked_by,
    choice,
    currency,
    lookup,
    money,
    reference,
    required,
    resource_table,
)

payments = resource_table(
    "payments",
    reference("invoice_id", "invoices", empty=True),
    reference("account_id", "accounts"),
    required("method", Text),
    choice("status", "succeeded", "failed", "refunded"),
    money("amount_cents"),
    currency(),
    required("paid_at", Moment),
    lookup("paid_at"),
    asked_by("status"),
    entity="payment",
)

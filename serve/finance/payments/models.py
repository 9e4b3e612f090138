"""Money received from customers, or tried to."""

from sqlalchemy import Text

from serve.kernel.schema import Moment, choice, currency, lookup, money, reference, required, tenant_table

payments = tenant_table(
    "payments",
    reference("invoice_id", "invoices", empty=True),
    reference("account_id", "accounts"),
    required("method", Text),
    choice("status", "succeeded", "failed", "refunded"),
    money("amount_cents"),
    currency(),
    required("paid_at", Moment),
    lookup("paid_at"),
)

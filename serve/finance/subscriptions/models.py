"""Recurring contracts; ``mrr_cents`` is the monthly amount."""

from sqlalchemy import Date, Text

from serve.kernel.schema import (
    attributes,
    choice,
    currency,
    money,
    optional,
    reference,
    required,
    tenant_table,
)

subscriptions = tenant_table(
    "subscriptions",
    reference("account_id", "accounts"),
    required("plan", Text),
    choice("status", "active", "cancelled", "paused", default="active"),
    money("mrr_cents"),
    currency(),
    required("started_date", Date),
    optional("cancelled_date", Date),
    optional("snapshot_date", Date),
    attributes(),
)

"""Prices offered to customers before a job."""

from serve.kernel.schema import Moment, choice, currency, money, optional, reference, tenant_table

quotes = tenant_table(
    "quotes",
    reference("account_id", "accounts"),
    reference("job_id", "jobs", empty=True),
    choice("status", "draft", "sent", "accepted", "declined", "expired", default="draft"),
    money("total_cents"),
    currency(),
    optional("sent_at", Moment),
    optional("decided_at", Moment),
)

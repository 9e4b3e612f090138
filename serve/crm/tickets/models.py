"""Questions and complaints of customers."""

from sqlalchemy import Integer, Text

from serve.kernel.schema import Moment, between, choice, lookup, optional, reference, required, tenant_table

tickets = tenant_table(
    "tickets",
    reference("account_id", "accounts"),
    reference("contact_id", "contacts", empty=True),
    reference("job_id", "jobs", empty=True),
    required("subject", Text),
    choice("priority", "low", "normal", "high", "urgent", default="normal"),
    choice("status", "open", "pending", "resolved", "closed", default="open"),
    required("opened_at", Moment),
    optional("first_response_at", Moment),
    optional("resolved_at", Moment),
    between("satisfaction", Integer, 1, 5),
    lookup("status", "opened_at"),
)

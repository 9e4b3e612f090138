"""Messages exchanged with customers and leads; their text is not kept here."""

from sqlalchemy import Integer

from serve.kernel.schema import Moment, choice, lookup, optional, reference, required, tenant_table

messages = tenant_table(
    "messages",
    reference("account_id", "accounts", empty=True),
    reference("lead_id", "leads", empty=True),
    reference("job_id", "jobs", empty=True),
    choice("channel", "email", "sms", "whatsapp", "web", "phone"),
    choice("direction", "in", "out"),
    required("sent_at", Moment),
    required("length_chars", Integer),
    optional("replied_at", Moment),
    lookup("sent_at"),
)

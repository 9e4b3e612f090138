"""Customers who were asked what they think of the work, and what they said."""

from sqlalchemy import Index, Integer, Text, Uuid, text

from serve.kernel.schema import (
    Moment,
    between,
    choice,
    lookup,
    optional,
    own_table,
    reference,
    required,
    resource_table,
    unique,
)

STATUSES = ("queued", "sent", "opened", "answered", "expired", "cancelled")

review_requests = resource_table(
    "review_requests",
    reference("contact_id", "contacts"),
    reference("job_id", "jobs", empty=True),
    choice("channel", "email", default="email"),
    choice("status", *STATUSES, default="queued"),
    required("send_at", Moment),
    optional("message", Text),
    optional("sent_at", Moment),
    optional("opened_at", Moment),
    optional("expires_at", Moment),
    optional("answered_at", Moment),
    choice("answered_by", "customer", "staff", empty=True),
    between("rating", Integer, 1, 5),
    optional("comment", Text),
    optional("published_on", Text),
    optional("cancelled_at", Moment),
    optional("cancel_reason", Text),
    optional("mail_id", Uuid),
    lookup("status", "created_at"),
    entity="review_request",
    personal=("message", "comment"),
    search=("comment",),
)

# Jobs that are done, each once for ever: when its customer is to be asked, and what came of it.
review_turns = own_table(
    "review_turns",
    reference("job_id", "jobs", owned=True, indexed=False),
    required("done_at", Moment),
    optional("ask_at", Moment),
    optional("outcome", Text),
    unique("job_id"),
)
Index("review_turns_ask_at_idx", review_turns.c.ask_at, postgresql_where=text("ask_at is not null"))

"""Customers who were asked what they think of the work, and what they said."""

from sqlalchemy import Integer, Text, Uuid

from serve.kernel.schema import (
    Moment,
    between,
    choice,
    lookup,
    optional,
    reference,
    required,
    resource_table,
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

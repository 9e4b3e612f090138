"""Mails, and how far each is on its way."""

from sqlalchemy import Index, Integer, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB

from serve.kernel.schema import Moment, choice, optional, required, resource_table, unique

mails = resource_table(
    "mails",
    required("to_address", Text),
    optional("to_name", Text),
    required("from_address", Text),
    optional("from_name", Text),
    optional("reply_to", Text),
    required("subject", Text),
    required("text", Text),
    optional("html", Text),
    required("message_id", Text),
    choice("state", "queued", "sending", "sent", "failed", "uncertain", "cancelled", default="queued"),
    choice("transport", "smtp", "outbox", empty=True),
    required("attempts", Integer, default="0"),
    optional("error", Text),
    optional("not_before", Moment),
    optional("sending_since", Moment),
    optional("sent_at", Moment),
    optional("task_id", Uuid),
    optional("logo_id", Uuid),
    required("attachments", JSONB, default="'[]'::jsonb"),
    unique("message_id"),
    entity="mail",
    personal=("to_address", "to_name", "subject", "error"),
    search=("to_address", "to_name", "subject"),
    unrecorded=(
        "text",
        "html",
        "attempts",
        "not_before",
        "sending_since",
        "task_id",
        "logo_id",
        "attachments",
    ),
    extracted=False,
)
Index("mails_tenant_id_state_idx", mails.c.tenant_id, mails.c.state)

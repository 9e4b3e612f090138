"""Questions and complaints of customers: tickets, what was said in them, and which status they had when."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Computed,
    Index,
    Integer,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from serve.kernel.schema import (
    Moment,
    asked_by,
    between,
    choice,
    lookup,
    optional,
    own_table,
    ranged_by,
    reference,
    required,
    resource_table,
    searched,
    tenant_table,
    unique,
    word_index,
    words,
)

PRIORITIES = ("low", "normal", "high", "urgent")
STATUSES = ("open", "pending", "resolved", "closed")
CHANNELS = ("email", "phone", "web", "chat", "whatsapp", "portal", "visit")

tickets = resource_table(
    "tickets",
    reference("account_id", "accounts"),
    reference("contact_id", "contacts", empty=True),
    reference("job_id", "jobs", empty=True),
    required("subject", Text),
    choice("priority", *PRIORITIES, default="normal"),
    choice("status", *STATUSES, default="open"),
    required("opened_at", Moment),
    optional("first_response_at", Moment),
    optional("resolved_at", Moment),
    between("satisfaction", Integer, 1, 5),
    # The pipeline loads rows without the columns from here on: none of them may be needed.
    optional("number", BigInteger),
    optional("description", Text),
    choice("channel", *CHANNELS, empty=True),
    optional("assignee_id", Uuid),
    optional("resolution", Text),
    optional("closed_at", Moment),
    required("reopened_count", Integer, default="0"),
    # What was promised, worked out anew whenever something changes that it follows from.
    reference("sla_policy_id", "sla_policies", empty=True),
    optional("first_reply_due_at", Moment),
    optional("resolution_due_at", Moment),
    optional("first_reply_breached_at", Moment),
    optional("resolution_breached_at", Moment),
    Column(
        "is_breached",
        Boolean,
        Computed("first_reply_breached_at is not null or resolution_breached_at is not null", persisted=True),
    ),
    optional("check_at", Moment),
    reference("merged_into_id", "tickets", empty=True),
    optional("satisfaction_comment", Text),
    optional("satisfaction_at", Moment),
    words("tags"),
    *(asked_by(each) for each in ("status", "priority", "channel", "assignee_id", "is_breached")),
    *(ranged_by(each) for each in ("opened_at", "updated_at", "first_reply_due_at", "resolution_due_at")),
    unique("number"),
    word_index("tags"),
    searched(),
    entity="ticket",
    personal=("subject", "description", "resolution", "satisfaction_comment"),
    search=("number", "subject", "description"),
    unrecorded=("check_at",),
)
Index(
    "tickets_check_at_idx",
    tickets.c.check_at,
    postgresql_where=text("check_at is not null and deleted_at is null"),
)

ticket_replies = resource_table(
    "ticket_replies",
    reference("ticket_id", "tickets", owned=True, indexed=False),
    choice("kind", "public", "internal"),
    choice("author", "staff", "contact"),
    optional("author_id", Uuid),
    # Whom it was written to or by, at that time: what is erased with a person is found by these.
    reference("contact_id", "contacts", empty=True),
    reference("account_id", "accounts"),
    required("body", Text),
    optional("mail_id", Uuid),
    lookup("ticket_id", "created_at"),
    entity="ticket_reply",
    personal=("body",),
    unrecorded=("mail_id",),
)
ticket_replies.info["heard_with"] = "tickets:read"

ticket_status_changes = tenant_table(
    "ticket_status_changes",
    reference("ticket_id", "tickets", owned=True, indexed=False),
    choice("status", *STATUSES),
    required("changed_at", Moment),
    optional("changed_by", Uuid),
    lookup("ticket_id", "changed_at"),
)

# What was told of a ticket's clocks: each once until it is opened again, which the key keeps.
ticket_escalations = tenant_table(
    "ticket_escalations",
    reference("ticket_id", "tickets", owned=True, indexed=False),
    choice("clock", "first_reply", "resolution"),
    choice("level", "warning", "breach"),
    required("due_at", Moment),
    required("told_at", Moment),
    required("told_count", Integer),
    required("reopened_count", Integer, default="0"),
    UniqueConstraint(
        *("tenant_id", "ticket_id", "clock", "level", "reopened_count"), name="ticket_escalations_told_once"
    ),
)

# What a merge has moved and changed, so that it can be undone exactly.
ticket_merges = own_table(
    "ticket_merges",
    reference("source_id", "tickets", owned=True),
    reference("target_id", "tickets", owned=True),
    required("reply_ids", JSONB),
    choice("status", *STATUSES),
    optional("resolved_at", Moment),
    optional("closed_at", Moment),
    required("merged_at", Moment),
    optional("undone_at", Moment),
)

canned_replies = resource_table(
    "canned_replies",
    required("shortcut", Text),
    required("title", Text),
    required("body", Text),
    unique("shortcut"),
    entity="canned_reply",
    search=("shortcut", "title", "body"),
    extracted=False,
)
canned_replies.info["heard_with"] = "tickets:read"

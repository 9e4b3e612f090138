"""Mail about accounts on its way out: sealed, because there are secrets in it. Reached through functions alone."""

from sqlalchemy import (
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    Uuid,
    text,
)

from serve.kernel.schema import Moment, choice, created_at, metadata, optional, required, row_id

account_mails = Table(
    "account_mails",
    metadata,
    row_id(),
    required("kind", Text),
    Column("tenant_id", Uuid, ForeignKey("tenants.id"), nullable=True),
    Column("user_id", Uuid, ForeignKey("users.id", ondelete="CASCADE"), nullable=True),
    optional("content", LargeBinary),
    choice("state", "queued", "sent", "failed", "nobody"),
    required("attempts", Integer, default="0"),
    required("not_before", Moment, default="now()"),
    optional("error", Text),
    created_at(),
    optional("sent_at", Moment),
    PrimaryKeyConstraint("id"),
    Index(None, "not_before", postgresql_where=text("state = 'queued'")),
    Index(None, "created_at"),
    Index(None, "user_id"),
)

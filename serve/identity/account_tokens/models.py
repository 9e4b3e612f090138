"""Links that people get by mail; each works once. Reached through functions alone."""

from sqlalchemy import (
    Boolean,
    Column,
    ForeignKey,
    Index,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    Uuid,
    func,
)
from sqlalchemy.dialects.postgresql import JSONB

from serve.kernel.schema import Moment, created_at, metadata, optional, required

account_tokens = Table(
    "account_tokens",
    metadata,
    required("hash", LargeBinary),
    required("purpose", Text),
    Column("user_id", Uuid, ForeignKey("users.id", ondelete="CASCADE"), nullable=True),
    Column("tenant_id", Uuid, ForeignKey("tenants.id"), nullable=True),
    Column("subject_id", Uuid, nullable=True),
    optional("email", Text),
    required("detail", JSONB, default="'{}'"),
    created_at(),
    required("expires_at", Moment),
    optional("used_at", Moment),
    required("is_seen_by_tenant", Boolean, default="false"),
    PrimaryKeyConstraint("hash"),
    Index(None, "purpose", "subject_id"),
    Index(None, "user_id"),
    Index(None, "expires_at"),
)
Index("account_tokens_lower_idx", func.lower(account_tokens.c.email))

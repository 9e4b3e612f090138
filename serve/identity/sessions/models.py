"""Sessions of people and the refresh tokens that carry them on. Reached through functions alone."""

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    Uuid,
)
from sqlalchemy.dialects.postgresql import ARRAY

from serve.kernel.schema import (
    Moment,
    change_xid,
    choice,
    created_at,
    metadata,
    optional,
    required,
    row_id,
)

sessions = Table(
    "sessions",
    metadata,
    row_id(),
    Column("user_id", Uuid, ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("tenant_id", Uuid, ForeignKey("tenants.id"), nullable=False),
    optional("user_agent", Text),
    optional("address", Text),
    created_at(),
    required("used_at", Moment, default="now()"),
    required("expires_at", Moment),
    optional("ended_at", Moment),
    choice("ended_because", "logout", "reuse", "revoked", "password", "deactivated", empty=True),
    choice("kind", "web", "mobile", "customer", "impersonation", default="web"),
    required("methods", ARRAY(Text), default="'{password}'"),
    required("authenticated_at", Moment, default="now()"),
    optional("ends_at", Moment),
    Column("impersonation_id", Uuid, ForeignKey("impersonations.id", ondelete="CASCADE"), nullable=True),
    PrimaryKeyConstraint("id"),
    Index(None, "user_id"),
)

refresh_tokens = Table(
    "refresh_tokens",
    metadata,
    required("hash", LargeBinary),
    Column("session_id", Uuid, ForeignKey("sessions.id", ondelete="CASCADE"), nullable=False),
    required("issued_at", Moment, default="now()"),
    optional("used_at", Moment),
    PrimaryKeyConstraint("hash"),
    Index(None, "session_id"),
    Index(None, "issued_at"),
)

revocations = Table(
    "revocations",
    metadata,
    row_id(),
    Column("session_id", Uuid, nullable=True),
    Column("user_id", Uuid, nullable=True),
    Column("tenant_id", Uuid, nullable=True),
    optional("role", Text),
    Column("api_key_id", Uuid, nullable=True),
    required("goes_on", Boolean, default="false"),
    required("revoked_at", Moment, default="clock_timestamp()"),
    change_xid(),
    PrimaryKeyConstraint("id"),
    CheckConstraint("num_nonnulls(session_id, user_id, role, api_key_id) = 1", name="subject"),
    Index(None, "change_xid"),
)

"""Sessions of people and the refresh tokens that carry them on. Reached through functions alone."""

from sqlalchemy import Column, ForeignKey, Index, LargeBinary, PrimaryKeyConstraint, Table, Text, Uuid

from serve.kernel.schema import Moment, choice, created_at, metadata, optional, required, row_id

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
    choice("ended_because", "logout", "reuse", "revoked", "password", empty=True),
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

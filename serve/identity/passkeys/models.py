"""Passkeys, what authenticators know people by, and challenges that wait. Reached through functions alone."""

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
)

from serve.kernel.schema import Moment, created_at, metadata, optional, required, row_id

passkey_handles = Table(
    "passkey_handles",
    metadata,
    Column("user_id", Uuid, ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    required("handle", LargeBinary),
    PrimaryKeyConstraint("user_id"),
    UniqueConstraint("handle"),
)

passkeys = Table(
    "passkeys",
    metadata,
    row_id(),
    Column("user_id", Uuid, ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    required("credential_id", LargeBinary),
    required("public_key", LargeBinary),
    required("sign_count", BigInteger),
    required("name", Text),
    required("transports", ARRAY(Text)),
    required("is_synced", Boolean),
    created_at(),
    optional("last_used_at", Moment),
    PrimaryKeyConstraint("id"),
    UniqueConstraint("credential_id"),
    Index(None, "user_id"),
)

passkey_challenges = Table(
    "passkey_challenges",
    metadata,
    required("hash", LargeBinary),
    Column("user_id", Uuid, ForeignKey("users.id", ondelete="CASCADE"), nullable=True),
    required("expires_at", Moment),
    PrimaryKeyConstraint("hash"),
    Index(None, "expires_at"),
    Index(None, "user_id"),
)

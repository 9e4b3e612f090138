"""Secrets of one-time codes, and recovery codes. Rows of people; reached through functions alone."""

from sqlalchemy import BigInteger, Column, Double, ForeignKey, LargeBinary, PrimaryKeyConstraint, Table, Uuid

from serve.kernel.schema import Moment, created_at, metadata, optional, required

totp_secrets = Table(
    "totp_secrets",
    metadata,
    Column("user_id", Uuid, ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    required("sealed_secret", LargeBinary),
    created_at(),
    optional("confirmed_at", Moment),
    required("last_step", BigInteger, default="0"),
    optional("last_used_at", Moment),
    required("full_at_s", Double, default="0"),
    optional("told_at", Moment),
    PrimaryKeyConstraint("user_id"),
)

recovery_codes = Table(
    "recovery_codes",
    metadata,
    Column("user_id", Uuid, ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    required("hash", LargeBinary),
    created_at(),
    optional("used_at", Moment),
    PrimaryKeyConstraint("user_id", "hash"),
)

"""API keys: what a program may do as a person. The hashes are kept apart and reached through functions alone."""

from sqlalchemy import (
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
from sqlalchemy.dialects.postgresql import JSONB

from serve.kernel.schema import Moment, metadata, optional, own_table, required

api_keys = own_table(
    "api_keys",
    Column("user_id", Uuid, ForeignKey("users.id"), nullable=False),
    required("name", Text),
    required("prefix", Text),
    required("scopes", JSONB),
    optional("expires_at", Moment),
    optional("last_used_at", Moment),
    optional("revoked_at", Moment),
    CheckConstraint("jsonb_typeof(scopes) = 'array'", name="scopes"),
    Index(None, "tenant_id", "user_id"),
)

api_keys.info |= {"entity": "api_key", "personal": (), "unrecorded": ("last_used_at",)}

api_key_hashes = Table(
    "api_key_hashes",
    metadata,
    required("hash", LargeBinary),
    Column("api_key_id", Uuid, ForeignKey("api_keys.id", ondelete="CASCADE"), nullable=False),
    Column("tenant_id", Uuid, ForeignKey("tenants.id"), nullable=False),
    PrimaryKeyConstraint("hash"),
)

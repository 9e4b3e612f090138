"""Which user may act for which tenant, and as what."""

from sqlalchemy import Column, ForeignKey, Index, PrimaryKeyConstraint, Table, Text, UniqueConstraint, Uuid

from serve.kernel.schema import (
    change_index,
    change_xid,
    choice,
    created_at,
    metadata,
    required,
    row_id,
    updated_at,
)

memberships = Table(
    "memberships",
    metadata,
    row_id(),
    Column(
        "user_id",
        Uuid,
        ForeignKey("users.id", ondelete="CASCADE"),
        nullable=False,
    ),
    Column("tenant_id", Uuid, ForeignKey("tenants.id"), nullable=False),
    required("role", Text),
    created_at(),
    updated_at(),
    change_xid(),
    choice("state", "active", "suspended", default="active"),
    PrimaryKeyConstraint("id"),
    UniqueConstraint("user_id", "tenant_id"),
    Index(None, "tenant_id"),
    change_index(),
)

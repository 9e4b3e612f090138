"""Companies whose rows the platform keeps apart. Not a tenant table itself: its policy compares ``id``."""

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
)

from serve.kernel.schema import (
    change_index,
    change_xid,
    choice,
    created_at,
    currency,
    metadata,
    optional,
    required,
    row_id,
)

tenants = Table(
    "tenants",
    metadata,
    row_id(),
    required("slug", Text),
    required("name", Text),
    choice("kind", "fleet", "marketplace", "field_service", "source"),
    Column("parent_id", Uuid, ForeignKey("tenants.id"), nullable=True),
    required("country", Text),
    required("timezone", Text, default="'UTC'"),
    currency(),
    required("is_simulated", Boolean, default="false"),
    optional("data_from", Date),
    optional("data_until", Date),
    required("failure_horizon_h", Integer, default="336"),
    created_at(),
    change_xid(),
    PrimaryKeyConstraint("id"),
    UniqueConstraint("slug"),
    CheckConstraint("failure_horizon_h > 0", name="failure_horizon_h"),
    Index(None, "parent_id"),
    change_index(),
)

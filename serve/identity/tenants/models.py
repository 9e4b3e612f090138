"""Companies whose rows the platform keeps apart. Not a tenant table itself: its policy compares ``id``."""

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Computed,
    Date,
    ForeignKey,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from serve.kernel.schema import (
    Moment,
    change_index,
    change_xid,
    choice,
    created_at,
    currency,
    metadata,
    optional,
    own_table,
    required,
    row_id,
)

STATE = """case
    when closed_at is not null then 'closed'
    when closing_since is not null then 'closing'
    when suspended_at is not null then 'suspended'
    when awaiting_owner_since is not null then 'awaiting_owner'
    else 'active'
end"""

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
    optional("suspended_at", Moment),
    optional("suspended_because", Text),
    optional("closing_since", Moment),
    optional("erase_after", Moment),
    optional("closed_at", Moment),
    Column("state", Text, Computed(STATE, persisted=True), nullable=False),
    optional("awaiting_owner_since", Moment),
    required("suspended_by_installation", Boolean, default="false"),
    PrimaryKeyConstraint("id"),
    UniqueConstraint("slug"),
    CheckConstraint("failure_horizon_h > 0", name="failure_horizon_h"),
    CheckConstraint("(closing_since is null) = (erase_after is null)", name="erase_after"),
    Index(None, "parent_id"),
    change_index(),
)

tenant_slugs = Table(
    "tenant_slugs",
    metadata,
    required("slug", Text),
    Column("tenant_id", Uuid, ForeignKey("tenants.id"), nullable=False),
    required("retired_at", Moment, default="now()"),
    PrimaryKeyConstraint("slug", "tenant_id"),
    Index(None, "tenant_id"),
)

tenant_closings = own_table(
    "tenant_closings",
    required("reason", Text),
    optional("requested_by", Uuid),
    required("erase_after", Moment),
    optional("export_task_id", Uuid),
    optional("erase_task_id", Uuid),
    optional("reopened_at", Moment),
    optional("erased_at", Moment),
    required("row_counts", JSONB, default="'{}'::jsonb"),
    required("kept", JSONB, default="'{}'::jsonb"),
)
Index(
    "tenant_closings_open_key",
    tenant_closings.c.tenant_id,
    unique=True,
    postgresql_where=text("reopened_at is null"),
)

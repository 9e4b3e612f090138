"""What a person is told inside the product."""

from sqlalchemy import Column, ForeignKey, Index, Text, UniqueConstraint, Uuid, text

from serve.kernel.schema import Moment, choice, optional, own_table, required

notifications = own_table(
    "notifications",
    Column("user_id", Uuid, ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    optional("event_id", Uuid),
    required("kind", Text),
    choice("priority", "low", "normal", "high", "urgent", default="normal"),
    required("title", Text),
    optional("body", Text),
    optional("entity_type", Text),
    optional("entity_id", Uuid),
    optional("read_at", Moment),
    UniqueConstraint("tenant_id", "user_id", "event_id"),
    Index(None, "tenant_id", "user_id", "created_at"),
    Index(None, "tenant_id", "user_id", postgresql_where=text("read_at is null")),
)

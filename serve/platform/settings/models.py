"""Settings by category, of a tenant or of one of its people. Secrets among them are encrypted."""

from sqlalchemy import CheckConstraint, Column, ForeignKey, LargeBinary, Text, UniqueConstraint, Uuid
from sqlalchemy.dialects.postgresql import JSONB

from serve.kernel.schema import Moment, optional, own_table, required

settings = own_table(
    "settings",
    Column("user_id", Uuid, ForeignKey("users.id", ondelete="CASCADE"), nullable=True),
    required("category", Text),
    required("values", JSONB, default="'{}'::jsonb"),
    optional("secrets", LargeBinary),
    optional("secrets_changed_at", Moment),
    CheckConstraint("jsonb_typeof(\"values\") = 'object'", name="values"),
    UniqueConstraint("tenant_id", "user_id", "category", postgresql_nulls_not_distinct=True),
)

settings.info |= {"entity": "settings", "personal": (), "unrecorded": ("secrets",)}
settings.info |= {"heard_with": "events:read"}  # people's own settings are among them

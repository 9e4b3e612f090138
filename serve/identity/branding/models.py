"""Versions of how a tenant looks. Each change is a new row; at most one of a tenant's is published."""

from sqlalchemy import Boolean, CheckConstraint, Column, Index, Integer, Text, Uuid, text
from sqlalchemy.dialects.postgresql import JSONB

from serve.kernel.schema import Moment, optional, own_table, required, unique

brand_versions = own_table(
    "brand_versions",
    Column("number", Integer, CheckConstraint("number > 0", name="number"), nullable=False),
    required("content", JSONB),
    optional("note", Text),
    optional("made_by", Uuid),
    optional("restored_from", Integer),
    required("is_published", Boolean, default="false"),
    optional("published_at", Moment),
    unique("number"),
)
brand_versions.info |= {"entity": "brand_version", "personal": (), "unrecorded": ("content",)}
Index(
    "brand_versions_one_published_key",
    brand_versions.c.tenant_id,
    unique=True,
    postgresql_where=text("is_published"),
)

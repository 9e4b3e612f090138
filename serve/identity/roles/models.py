"""Roles of a tenant's own, beside those that every tenant has (``serve/kernel/permissions.py``)."""

from sqlalchemy import CheckConstraint, Text
from sqlalchemy.dialects.postgresql import JSONB

from serve.kernel.schema import optional, required, resource_table, unique

roles = resource_table(
    "roles",
    required("slug", Text),
    required("name", Text),
    optional("description", Text),
    required("permissions", JSONB, default="'[]'::jsonb"),
    CheckConstraint("jsonb_typeof(permissions) = 'array'", name="permissions"),
    unique("slug"),
    entity="role",
    search=("slug", "name"),
    extracted=False,
)

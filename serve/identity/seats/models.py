"""Who had a seat when: written by a trigger of ``memberships``, which keep only what is so now."""

from sqlalchemy import Column, Text, Uuid

from serve.kernel.schema import Moment, choice, required, tenant_table, unique

seat_changes = tenant_table(
    "seat_changes",
    Column("user_id", Uuid, nullable=False),
    required("happened_at", Moment),
    required("role", Text),
    choice("state", "active", "suspended", "gone"),
    unique("user_id", "happened_at"),
)

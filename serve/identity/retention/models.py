"""How long a tenant keeps what, by kind."""

from sqlalchemy import Boolean, CheckConstraint, Column, Index, Integer, Text, text

from serve.kernel.schema import Moment, optional, required, resource_table

retention_rules = resource_table(
    "retention_rules",
    required("kind", Text),
    Column(
        "keep_days",
        Integer,
        CheckConstraint("keep_days between 1 and 36500", name="keep_days"),
        nullable=False,
    ),
    required("is_active", Boolean, default="false"),
    optional("last_run_at", Moment),
    optional("last_count", Integer),
    entity="retention_rule",
    unrecorded=("last_run_at", "last_count"),
    extracted=False,
)
Index(
    "retention_rules_active_key",
    *(retention_rules.c.tenant_id, retention_rules.c.kind),
    unique=True,
    postgresql_where=text("is_active and deleted_at is null"),
)

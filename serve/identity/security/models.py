"""What the security page remembers: live checks of isolation, what looked like an attack, what people vouch for."""

from sqlalchemy import Date, Index, Integer, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB

from serve.kernel.schema import Moment, choice, optional, required, resource_table, unique

EMPTY = "'[]'::jsonb"

isolation_checks = resource_table(
    "isolation_checks",
    required("task_id", Uuid),
    optional("user_id", Uuid),
    choice("outcome", "held", "broken"),
    required("held_count", Integer),
    required("broken_count", Integer),
    required("not_tried_count", Integer),
    required("held", JSONB, default=EMPTY),
    required("findings", JSONB, default=EMPTY),
    required("program", Text),
    required("started_at", Moment),
    required("finished_at", Moment),
    unique("task_id"),
    entity="isolation_check",
    unrecorded=("held", "findings"),
    extracted=False,
)

threats = resource_table(
    "threats",
    choice("kind", "impossible_travel", "new_country", "attacked_account", "credential_stuffing"),
    choice("severity", "low", "medium", "high"),
    optional("user_id", Uuid),
    required("key", Text),
    required("first_at", Moment),
    required("last_at", Moment),
    required("evidence", JSONB, default="'{}'::jsonb"),
    optional("acknowledged_at", Moment),
    optional("acknowledged_by", Uuid),
    unique("kind", "key"),
    Index(None, "tenant_id", "last_at"),
    entity="threat",
    unrecorded=("evidence", "key"),
    extracted=False,
)

control_attestations = resource_table(
    "control_attestations",
    required("control", Text),
    choice("verdict", "met", "not_met", "not_applicable"),
    required("statement", Text),
    optional("evidence", Text),
    required("valid_until", Date),
    required("user_id", Uuid),
    Index(None, "tenant_id", "control"),
    entity="control_attestation",
    unrecorded=("statement", "evidence"),
    extracted=False,
)

for _table in (isolation_checks, threats, control_attestations):
    _table.info["heard_with"] = "security:read"

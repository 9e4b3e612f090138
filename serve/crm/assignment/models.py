"""Rules by which leads get owners, and whose turn it was."""

from sqlalchemy import BigInteger, Boolean, Integer, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB

from serve.kernel.schema import choice, own_table, reference, required, resource_table, unique, words

lead_assignment_rules = resource_table(
    "lead_assignment_rules",
    required("name", Text),
    required("position", Integer, default="100"),
    required("is_active", Boolean, default="true"),
    words("sources"),
    words("countries"),
    words("any_tags"),
    required("zone_ids", JSONB, default="'[]'::jsonb"),
    choice("method", "round_robin", "least_open", "user"),
    required("members", JSONB),
    unique("name"),
    entity="lead_assignment_rule",
    search=("name",),
    extracted=False,
)
lead_assignment_rules.info["heard_with"] = "lead_rules:read"

lead_assignment_turns = own_table(
    "lead_assignment_turns",
    reference("rule_id", "lead_assignment_rules", owned=True, indexed=False),
    required("user_id", Uuid),
    required("last_turn", BigInteger),
    required("assigned_count", BigInteger, default="0"),
    unique("rule_id", "user_id"),
)

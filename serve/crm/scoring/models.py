"""Answers of the model about leads: each with its version, its reasons and what it looked at."""

from sqlalchemy import Column, ForeignKey, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB

from serve.kernel.schema import Moment, choice, lookup, optional, own_table, reference, required, share

lead_analyses = own_table(
    "lead_analyses",
    reference("lead_id", "leads", owned=True, indexed=False),
    share("score"),
    required("reasons", JSONB, default="'[]'::jsonb"),
    required("features", JSONB, default="'{}'::jsonb"),
    optional("model", JSONB),
    optional("unscored_because", Text),
    optional("as_of_at", Moment),
    optional("facts", JSONB),
    choice("cause", "asked", "changed"),
    Column("user_id", Uuid, ForeignKey("users.id", ondelete="SET NULL"), nullable=True),
    lookup("lead_id", "created_at"),
)

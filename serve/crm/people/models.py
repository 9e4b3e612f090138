"""Two rows that were put together, and everything that this has changed."""

from sqlalchemy import Column, Double, ForeignKey, Index, Integer, Text, Uuid, text
from sqlalchemy.dialects.postgresql import JSONB

from serve.kernel.schema import (
    Moment,
    choice,
    lookup,
    optional,
    own_table,
    reference,
    required,
    resource_table,
    words,
)

merges = resource_table(
    "merges",
    choice("entity_type", "contact", "lead", "account"),
    required("survivor_id", Uuid),
    required("merged_id", Uuid),
    Column("merged_by", Uuid, ForeignKey("users.id", ondelete="SET NULL"), nullable=True),
    words("taken_fields"),
    # What the survivor had and has got: personal values are sealed with its own key, as in events.
    required("taken", JSONB, default="'{}'::jsonb"),
    required("moved", JSONB, default="'{}'::jsonb"),
    required("moved_count", Integer),
    required("chance", Double),
    required("evidence", JSONB, default="'[]'::jsonb"),
    optional("undone_at", Moment),
    Column("undone_by", Uuid, ForeignKey("users.id", ondelete="SET NULL"), nullable=True),
    required("left_as_changed", JSONB, default="'[]'::jsonb"),
    optional("erased_at", Moment),
    lookup("survivor_id"),
    lookup("merged_id"),
    Index(
        "merges_standing_key",
        "tenant_id",
        "entity_type",
        "merged_id",
        unique=True,
        postgresql_where=text("undone_at is null"),
    ),
    entity="merge",
    unrecorded=("taken",),
    extracted=False,
)

merge_moves = own_table(
    "merge_moves",
    reference("merge_id", "merges", owned=True),
    required("table_name", Text),
    required("column_name", Text),
    required("row_id", Uuid),
)

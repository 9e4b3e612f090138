"""Two rows that were put together, and everything that this has changed; and rows that may be one person."""

from sqlalchemy import (
    CheckConstraint,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
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

PERSONS = ("contact", "lead", "user", "employee", "provider")
"""What may be a person: who drives is a provider, and a customer's user is a user."""
IS_EVIDENCE = (
    "jsonb_typeof(evidence) = 'object'"
    " and evidence - array['name', 'email', 'phone', 'company', 'city', 'others'] = '{}'::jsonb"
    """ and not jsonb_path_exists(evidence, '$.* ? (@.type() <> "number" || @ > 1000 || @ < -1000)')"""
)
"""Bits by field and of other rows, and nothing that somebody's name or number could stand in."""

# Two rows that the matching takes for one person, and what somebody said of it. The row with the smaller id is left.
person_links = resource_table(
    "person_links",
    choice("left_kind", *PERSONS),
    required("left_id", Uuid),
    choice("right_kind", *PERSONS),
    required("right_id", Uuid),
    Column(
        "probability",
        Double,
        CheckConstraint("probability between 0 and 1", name="probability"),
        nullable=False,
    ),
    Column(
        "evidence",
        JSONB,
        CheckConstraint(IS_EVIDENCE, name="evidence"),
        nullable=False,
        server_default=text("'{}'::jsonb"),
    ),
    required("model_version", Text),
    required("found_at", Moment),
    choice("state", "proposed", "confirmed", "refused", default="proposed"),
    Column("decided_by", Uuid, ForeignKey("users.id", ondelete="SET NULL"), nullable=True),
    optional("decided_at", Moment),
    # Of what both rows were compared by: a refused pair is proposed again when it is not that any more.
    optional("keys", LargeBinary),
    CheckConstraint("left_id < right_id", name="in_order"),
    Index("person_links_pair_key", "tenant_id", "left_id", "right_id", unique=True),
    lookup("right_id"),
    Index(None, "tenant_id", "state", "probability", "id", postgresql_where=text("deleted_at is null")),
    entity="person_link",
    unrecorded=("keys",),
    extracted=False,
)

# The last matching of each tenant.
person_matchings = own_table(
    "person_matchings",
    required("matched_at", Moment),
    required("people_count", Integer),
    required("pair_count", Integer),
    required("model_version", Text),
    optional("digest", LargeBinary),
    optional("not_matched_because", Text),
    UniqueConstraint("tenant_id"),
)

"""Flags, the groups of people that their rules name, and what is noted of their use."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    Double,
    ForeignKey,
    Index,
    Integer,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from serve.kernel.schema import (
    Moment,
    between,
    choice,
    optional,
    own_table,
    reference,
    required,
    resource_table,
    unique,
)

EMPTY = "'[]'::jsonb"


def percent() -> Column[float]:
    """A part of a hundred."""
    return Column(
        "percent",
        Double,
        CheckConstraint("percent between 0 and 100", name="percent"),
        nullable=False,
        server_default=text("100"),
    )


flags = resource_table(
    "flags",
    required("key", Text),
    required("name", Text),
    optional("description", Text),
    choice("kind", "boolean", "variants", default="boolean"),
    required("variants", JSONB, default=EMPTY),
    required("default_variant", Text, default="'off'"),
    required("is_enabled", Boolean, default="false"),
    required("rules", JSONB, default=EMPTY),
    percent(),
    required("steps", JSONB, default=EMPTY),
    optional("starts_at", Moment),
    optional("ends_at", Moment),
    between("stale_after_days", Integer, 1, 3650),
    optional("archived_at", Moment),
    optional("stale_since", Moment),
    choice("stale_because", "unused", "on_for_all", "off_for_all", "ended", empty=True),
    unique("key"),
    entity="flag",
    search=("key", "name"),
    extracted=False,
)

flag_segments = resource_table(
    "flag_segments",
    required("key", Text),
    required("name", Text),
    optional("description", Text),
    required("conditions", JSONB, default=EMPTY),
    unique("key"),
    entity="flag_segment",
    search=("key", "name"),
    extracted=False,
)

flag_exposures = own_table(
    "flag_exposures",
    reference("flag_id", "flags"),
    reference("experiment_id", "experiments", empty=True, indexed=False),
    required("subject", Text),
    required("variant", Text),
    required("first_seen_at", Moment),
)
Index(
    "flag_exposures_experiment_id_key",
    *(flag_exposures.c.tenant_id, flag_exposures.c.experiment_id, flag_exposures.c.subject),
    unique=True,
    postgresql_where=text("experiment_id is not null"),
)
Index(
    "flag_exposures_flag_id_key",
    *(
        flag_exposures.c.tenant_id,
        flag_exposures.c.flag_id,
        flag_exposures.c.subject,
        flag_exposures.c.variant,
    ),
    unique=True,
    postgresql_where=text("experiment_id is null"),
)

flag_uses = own_table(
    "flag_uses",
    reference("flag_id", "flags", indexed=False),
    required("variant", Text),
    required("used_on", Date),
    required("use_count", BigInteger),
    unique("flag_id", "used_on", "variant"),
)

flag_feedback = own_table(
    "flag_feedback",
    reference("flag_id", "flags", indexed=False),
    Column("user_id", Uuid, ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    optional("variant", Text),
    Column("rating", Integer, CheckConstraint("rating between 1 and 5", name="rating"), nullable=False),
    optional("comment", Text),
    unique("flag_id", "user_id"),
)
flag_feedback.info |= {"entity": "flag_feedback", "personal": (), "unrecorded": ("comment",)}

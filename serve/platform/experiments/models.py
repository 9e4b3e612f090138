"""Experiments on flags, and the people who get what others do not yet."""

from sqlalchemy import Column, ForeignKey, Index, Text, Uuid, text
from sqlalchemy.dialects.postgresql import JSONB

from serve.kernel.schema import (
    Moment,
    choice,
    optional,
    own_table,
    reference,
    required,
    resource_table,
    unique,
)
from serve.platform.flags.models import EMPTY, percent

experiments = resource_table(
    "experiments",
    reference("flag_id", "flags"),
    required("name", Text),
    required("hypothesis", Text),
    required("primary_metric", Text),
    required("variants", JSONB),
    required("conditions", JSONB, default=EMPTY),
    percent(),
    choice("status", "draft", "running", "stopped", default="draft"),
    optional("started_at", Moment),
    optional("stopped_at", Moment),
    optional("conclusion", Text),
    entity="experiment",
    search=("name",),
    extracted=False,
)
Index(
    "experiments_flag_id_key",
    *(experiments.c.tenant_id, experiments.c.flag_id),
    unique=True,
    postgresql_where=text("status = 'running' and deleted_at is null"),
)

beta_users = own_table(
    "beta_users",
    Column("user_id", Uuid, ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    choice("source", "self", "team"),
    unique("user_id"),
)
beta_users.info |= {"entity": "beta_user", "personal": (), "unrecorded": ()}

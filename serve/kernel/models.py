"""Tables between the rooms: deletions for the extraction, scores coming back, requests to the pipeline."""

from sqlalchemy import (
    CheckConstraint,
    Column,
    Double,
    ForeignKey,
    Index,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from serve.kernel.schema import (
    Moment,
    change_index,
    change_xid,
    choice,
    created_at,
    metadata,
    optional,
    required,
    row_id,
)

tombstones = Table(
    "tombstones",
    metadata,
    row_id(),
    required("table_name", Text),
    required("row_id", Uuid),
    required("tenant_id", Uuid),
    required("deleted_at", Moment, default="now()"),
    change_xid(),
    PrimaryKeyConstraint("id"),
    change_index(),
)

score_batches = Table(
    "score_batches",
    metadata,
    row_id(),
    required("tenant_id", Uuid),
    choice("entity", "lead", "account", "vehicle"),
    required("entity_id", Uuid),
    required("score", Double),
    required("reasons", JSONB),
    required("model_version", Text),
    required("release_id", Text),
    created_at(),
    optional("applied_at", Moment),
    PrimaryKeyConstraint("id"),
    UniqueConstraint("release_id", "tenant_id", "entity", "entity_id"),
    CheckConstraint("score between 0 and 1", name="score"),
)

pipeline_requests = Table(
    "pipeline_requests",
    metadata,
    row_id(),
    Column("tenant_id", Uuid, ForeignKey("tenants.id"), nullable=True),
    choice("kind", "refresh", "train", "report"),
    required("params", JSONB, default="'{}'::jsonb"),
    choice("status", "queued", "running", "done", "failed", default="queued"),
    optional("requested_by", Uuid),
    required("requested_at", Moment, default="now()"),
    optional("started_at", Moment),
    optional("finished_at", Moment),
    optional("run_id", Text),
    optional("error", Text),
    PrimaryKeyConstraint("id"),
    Index(None, "tenant_id", "requested_at"),
)
Index(
    "pipeline_requests_open_idx",
    pipeline_requests.c.requested_at,
    postgresql_where=text("status in ('queued', 'running')"),
)

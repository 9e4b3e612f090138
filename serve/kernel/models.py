"""Tables between the rooms (deletions, scores, requests to the pipeline), events, and what the manners keep."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Double,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
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
    lookup,
    metadata,
    optional,
    own_table,
    reference,
    required,
    row_id,
    unique,
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
    choice("kind", "refresh", "train", "report", "erase"),
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

events = Table(
    "events",
    metadata,
    row_id(),
    required("tenant_id", Uuid),
    Column("position", BigInteger, Identity(always=True), nullable=False),
    required("name", Text),
    choice("category", "change", "read", "security", default="change"),
    required("entity_type", Text),
    optional("entity_id", Uuid),
    optional("before", JSONB),
    optional("after", JSONB),
    required("actor_kind", Text),
    optional("actor_id", Uuid),
    optional("request_id", Text),
    optional("cause_id", Uuid),
    required("happened_at", Moment, default="clock_timestamp()"),
    change_xid(),
    optional("redacted_hash", LargeBinary),
    PrimaryKeyConstraint("id"),
    Index(None, "tenant_id", "change_xid", "position"),
    Index(None, "tenant_id", "entity_type", "entity_id", "position"),
    Index(None, "tenant_id", "happened_at"),
    Index(None, "tenant_id", "actor_id", "happened_at"),
    Index(None, "change_xid", "position"),
)
Index(
    "events_apart_idx",
    *(events.c.tenant_id, events.c.category, events.c.happened_at),
    postgresql_where=text("category <> 'change'"),
)

event_seals = Table(
    "event_seals",
    metadata,
    Column("tenant_id", Uuid, ForeignKey("tenants.id"), nullable=False),
    required("number", Integer),
    required("until_xid", BigInteger),
    required("until_position", BigInteger),
    required("event_count", Integer),
    required("previous_hash", LargeBinary),
    required("hash", LargeBinary),
    required("sealed_at", Moment, default="now()"),
    PrimaryKeyConstraint("tenant_id", "number"),
    CheckConstraint("number > 0", name="number"),
    CheckConstraint("event_count > 0", name="event_count"),
)

event_readers = Table(
    "event_readers",
    metadata,
    required("name", Text),
    required("after_xid", BigInteger),
    required("after_position", BigInteger),
    required("moved_at", Moment, default="now()"),
    PrimaryKeyConstraint("name"),
)

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    required("id", Uuid),
    required("tenant_id", Uuid),
    required("request_hash", Uuid),
    optional("status", Integer),
    optional("headers", JSONB),
    optional("body", LargeBinary),
    optional("record", JSON),
    optional("version", BigInteger),
    created_at(),
    PrimaryKeyConstraint("id"),
    Index(None, "created_at", postgresql_using="brin"),
)

rate_limits = Table(
    "rate_limits",
    metadata,
    required("key", Text),
    required("full_at_s", Double, default="0"),
    PrimaryKeyConstraint("key"),
    prefixes=["UNLOGGED"],
)

imports = own_table(
    "imports",
    required("resource", Text),
    optional("filename", Text),
    choice("format", "csv", "xlsx", "jsonl"),
    optional("encoding", Text),
    optional("delimiter", Text),
    required("ignored_columns", JSONB, default="'[]'::jsonb"),
    optional("user_id", Uuid),
    choice("mode", "create", "upsert", "update"),
    required("is_dry_run", Boolean, default="false"),
    choice("status", "running", "done", "failed", default="running"),
    required("row_count", Integer),
    required("done_count", Integer, default="0"),
    required("created_count", Integer, default="0"),
    required("updated_count", Integer, default="0"),
    required("unchanged_count", Integer, default="0"),
    required("failed_count", Integer, default="0"),
    optional("error", Text),
    optional("finished_at", Moment),
    optional("undo_task_id", Uuid),
    optional("undone_at", Moment),
    required("removed_count", Integer, default="0"),
    required("reverted_count", Integer, default="0"),
    required("left_count", Integer, default="0"),
    lookup("created_at"),
)
imports.info |= {
    "entity": "import",
    "personal": (),
    "unrecorded": (
        "done_count",
        "created_count",
        "updated_count",
        "unchanged_count",
        "failed_count",
        "removed_count",
        "reverted_count",
        "left_count",
    ),
}

import_leftovers = own_table(
    "import_leftovers",
    reference("import_id", "imports", owned=True, indexed=False),
    required("row_id", Uuid),
    required("reason", Text),
    unique("import_id", "row_id"),
)

import_rejects = own_table(
    "import_rejects",
    reference("import_id", "imports", owned=True, indexed=False),
    required("line", Integer),
    required("mistakes", JSONB),
    unique("import_id", "line"),
)

"""Tasks: work that outlives the request that asked for it, and the steps of it that are done."""

from sqlalchemy import BigInteger, Column, Index, Integer, PrimaryKeyConstraint, Table, Text, Uuid, text
from sqlalchemy.dialects.postgresql import JSONB

from serve.kernel.schema import Moment, choice, metadata, optional, required, resource_table

STATUSES = ("queued", "running", "paused", "succeeded", "failed", "cancelled")

tasks = resource_table(
    "tasks",
    required("kind", Text),
    required("queue", Text),
    required("title", Text),
    optional("operation_id", Text),
    optional("entity_type", Text),
    optional("entity_id", Uuid),
    choice("status", *STATUSES, default="queued"),
    required("params", JSONB, default="'{}'::jsonb"),
    optional("result", JSONB),
    optional("error", JSONB),
    required("done_count", BigInteger, default="0"),
    optional("total_count", BigInteger),
    optional("message", Text),
    required("run", Integer, default="1"),
    required("round", Integer, default="1"),
    required("attempt", Integer, default="1"),
    required("most_attempts", Integer),
    optional("not_before", Moment),
    optional("user_id", Uuid),
    optional("api_key_id", Uuid),
    optional("request_id", Text),
    optional("cause_id", Uuid),
    optional("worker", Text),
    optional("started_at", Moment),
    optional("finished_at", Moment),
    optional("dismissed_at", Moment),
    entity="task",
    search=("title", "kind", "operation_id"),
    unrecorded=(
        *("params", "result", "error", "done_count", "total_count", "message", "run", "attempt"),
        *("not_before", "worker", "most_attempts", "queue", "request_id", "cause_id"),
    ),
    extracted=False,
)
Index("tasks_tenant_id_entity_id_idx", tasks.c.tenant_id, tasks.c.entity_id)
Index("tasks_running_idx", tasks.c.worker, postgresql_where=text("status = 'running'"))

task_steps = Table(
    "task_steps",
    metadata,
    required("tenant_id", Uuid),
    required("task_id", Uuid),
    required("round", Integer),
    required("name", Text),
    optional("output", JSONB),
    required("attempt", Integer, default="1"),
    optional("worker", Text),
    required("started_at", Moment),
    optional("finished_at", Moment),
    PrimaryKeyConstraint("tenant_id", "task_id", "round", "name"),
)

task_workers = Table(
    "task_workers",
    metadata,
    Column("name", Text, primary_key=True),
    required("version", Text),
    required("started_at", Moment, default="now()"),
    required("seen_at", Moment, default="now()"),
)

"""Tasks: durable work and what became of it. The queue itself is DBOS's, made beside the migrations (``migrate``)."""

from pathlib import Path

from serve.kernel.migrations.guards import create_resource, run, secure

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

SQL = Path(__file__).with_suffix("")
UNRECORDED = (
    *("params", "result", "error", "done_count", "total_count", "message", "run", "attempt"),
    *("not_before", "worker", "most_attempts", "queue", "request_id", "cause_id"),
)
COLUMNS = """
    kind text not null, queue text not null, title text not null, operation_id text,
    entity_type text, entity_id uuid,
    status text not null default 'queued'
        check (status in ('queued', 'running', 'paused', 'succeeded', 'failed', 'cancelled')),
    params jsonb not null default '{}'::jsonb, result jsonb, error jsonb,
    done_count bigint not null default 0, total_count bigint, message text,
    run integer not null default 1, round integer not null default 1, attempt integer not null default 1,
    most_attempts integer not null, not_before timestamptz,
    user_id uuid, api_key_id uuid, request_id text, cause_id uuid,
    worker text, started_at timestamptz, finished_at timestamptz, dismissed_at timestamptz
"""


def upgrade() -> None:
    create_resource(
        "tasks",
        COLUMNS,
        entity="task",
        search=("title", "kind", "operation_id"),
        unrecorded=UNRECORDED,
        extracted=False,
    )
    run("create index tasks_tenant_id_entity_id_idx on tasks (tenant_id, entity_id)")
    run("create index tasks_running_idx on tasks (worker) where status = 'running'")
    run((SQL / "tasks.sql").read_text())
    secure("task_steps", tenant_column="tenant_id")
    run("grant select on task_steps to throughline_api")
    run("grant select, insert, update, delete on task_steps to throughline_worker")
    # The worker takes over what a process that died has left, and looks for what is old.
    run("create policy worker_all on tasks to throughline_worker using (true) with check (true)")
    run(
        "create trigger enqueue_task after insert or update of run on tasks"
        " for each row when (new.status = 'queued') execute function enqueue_task()"
    )
    run(
        "create trigger end_import after update of status on tasks for each row"
        " when (new.kind = 'resources.import' and new.status <> old.status) execute function end_import()"
    )


def downgrade() -> None:
    run("drop table tasks, task_steps, task_workers cascade")
    run("drop function enqueue_task()")
    run("drop function end_import()")
    run("drop schema if exists dbos cascade")

"""Schedules: actions at a time."""

from serve.kernel.migrations.guards import create_resource, guard_tenant_table, run

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

COLUMNS = """
    name text not null, description text, operation_id text not null, params jsonb not null default '{}'::jsonb,
    cron text, run_at timestamptz, timezone text not null,
    overlap text not null check (overlap in ('skip', 'queue', 'allow', 'cancel_previous')),
    catch_up_s integer not null, ends_at timestamptz,
    status text not null default 'active' check (status in ('active', 'paused', 'finished')),
    next_run_at timestamptz, waiting_since timestamptz, user_id uuid, api_key_id uuid,
    constraint schedules_one_time_check check ((cron is null) <> (run_at is null))
"""
RUNS = """
create table schedule_runs (
    id uuid primary key default uuidv7(),
    tenant_id uuid not null references tenants,
    schedule_id uuid not null,
    due_at timestamptz not null,
    trigger text not null check (trigger in ('schedule', 'person')),
    outcome text not null check (outcome in ('started', 'skipped', 'waiting', 'missed')),
    reason text,
    missed_count integer not null default 0,
    task_id uuid,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    change_xid bigint not null default (pg_current_xact_id()::text)::bigint,
    unique (tenant_id, id),
    foreign key (tenant_id, schedule_id) references schedules (tenant_id, id)
)
"""


def upgrade() -> None:
    create_resource(
        "schedules",
        COLUMNS,
        entity="schedule",
        search=("name", "description", "operation_id"),
        unrecorded=("next_run_at", "waiting_since", "params"),
        extracted=False,
    )
    run("create index schedules_due_idx on schedules (next_run_at) where status = 'active' and deleted_at is null")
    run(RUNS)
    run("create index on schedule_runs (tenant_id, schedule_id, due_at)")
    guard_tenant_table("schedule_runs", extracted=False)
    # The worker's clock looks at the schedules of all tenants.
    run("create policy worker_all on schedules to throughline_worker using (true) with check (true)")


def downgrade() -> None:
    run("drop table schedule_runs, schedules cascade")

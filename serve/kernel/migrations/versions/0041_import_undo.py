"""Imports are undone: by which task, how many rows went or are as before, and which ones were left, and why."""

from serve.kernel.migrations.guards import guard_tenant_table, record_events, run

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None

PROGRESS = ("done_count", "created_count", "updated_count", "unchanged_count", "failed_count")
UNDOING = ("removed_count", "reverted_count", "left_count")


def upgrade() -> None:
    run(
        "alter table imports add undo_task_id uuid, add undone_at timestamptz,"
        " add removed_count integer not null default 0, add reverted_count integer not null default 0,"
        " add left_count integer not null default 0"
    )
    guard_tenant_table("imports", extracted=False)
    record_events("imports", entity="import", unrecorded=(*PROGRESS, *UNDOING))
    run(
        "create table import_leftovers ("
        " id uuid primary key default uuidv7(), tenant_id uuid not null references tenants, import_id uuid not null,"
        " row_id uuid not null, reason text not null,"
        " created_at timestamptz not null default now(), updated_at timestamptz not null default now(),"
        " change_xid bigint not null default (pg_current_xact_id()::text)::bigint,"
        " unique (tenant_id, id), unique (tenant_id, import_id, row_id),"
        " foreign key (tenant_id, import_id) references imports (tenant_id, id) on delete cascade)"
    )
    guard_tenant_table("import_leftovers", extracted=False)


def downgrade() -> None:
    run("drop table import_leftovers")
    run("drop trigger stamp_change on imports")  # it names the columns
    run(
        "alter table imports drop column undo_task_id, drop column undone_at, drop column removed_count,"
        " drop column reverted_count, drop column left_count"
    )
    guard_tenant_table("imports", extracted=False)
    record_events("imports", entity="import", unrecorded=PROGRESS)

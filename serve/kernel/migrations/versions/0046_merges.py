"""Contacts, leads and accounts that were put together, with all that is needed to take them apart again."""

from serve.kernel.migrations.guards import create_resource, guard_tenant_table, run

revision = "0046"
down_revision = "0045"
branch_labels = None
depends_on = None

MERGES = """
    entity_type text not null check (entity_type in ('contact', 'lead', 'account')),
    survivor_id uuid not null, merged_id uuid not null, merged_by uuid references users on delete set null,
    taken_fields text[] not null default '{}', taken jsonb not null default '{}', moved jsonb not null default '{}',
    moved_count integer not null, chance double precision not null, evidence jsonb not null default '[]',
    undone_at timestamptz, undone_by uuid references users on delete set null,
    left_as_changed jsonb not null default '[]', erased_at timestamptz
"""
MOVES = """
create table merge_moves (
    id uuid primary key default uuidv7(),
    tenant_id uuid not null references tenants,
    merge_id uuid not null,
    table_name text not null,
    column_name text not null,
    row_id uuid not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    change_xid bigint not null default (pg_current_xact_id()::text)::bigint,
    unique (tenant_id, id),
    foreign key (tenant_id, merge_id) references merges (tenant_id, id) on delete cascade
);
create index on merge_moves (tenant_id, merge_id);
"""


def upgrade() -> None:
    create_resource("merges", MERGES, entity="merge", unrecorded=("taken",), extracted=False)
    run("create index on merges (tenant_id, survivor_id)")
    run("create index on merges (tenant_id, merged_id)")
    run(
        "create unique index merges_standing_key on merges (tenant_id, entity_type, merged_id) where undone_at is null"
    )
    run(MOVES)
    guard_tenant_table("merge_moves", extracted=False)


def downgrade() -> None:
    run("drop table merge_moves, merges")

"""What is wrong with the rows of a file, for all of them that were rejected and not only the first."""

from serve.kernel.migrations.guards import guard_tenant_table, record_events, run

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None

PROGRESS = ("done_count", "created_count", "updated_count", "unchanged_count", "failed_count")


def upgrade() -> None:
    run(
        "create table import_rejects ("
        " id uuid primary key default uuidv7(), tenant_id uuid not null references tenants, import_id uuid not null,"
        " line integer not null, mistakes jsonb not null,"
        " created_at timestamptz not null default now(), updated_at timestamptz not null default now(),"
        " change_xid bigint not null default (pg_current_xact_id()::text)::bigint,"
        " unique (tenant_id, id), unique (tenant_id, import_id, line),"
        " foreign key (tenant_id, import_id) references imports (tenant_id, id) on delete cascade)"
    )
    guard_tenant_table("import_rejects", extracted=False)
    run(
        "insert into import_rejects (tenant_id, import_id, line, mistakes)"
        " select i.tenant_id, i.id, (e.said ->> 'line')::integer, jsonb_agg(e.said - 'line' order by e.place)"
        " from imports i, jsonb_array_elements(i.errors) with ordinality e (said, place) group by 1, 2, 3"
    )
    run("drop trigger stamp_change on imports")  # it names the column
    run("alter table imports drop column errors")
    guard_tenant_table("imports", extracted=False)
    record_events("imports", entity="import", unrecorded=PROGRESS)


def downgrade() -> None:
    run("alter table imports add errors jsonb not null default '[]'::jsonb")
    run(
        "update imports i set errors = said.errors from ("
        " select r.import_id, jsonb_agg(jsonb_build_object('line', r.line) || m.mistake order by r.line, m.place) as errors"
        " from import_rejects r, jsonb_array_elements(r.mistakes) with ordinality m (mistake, place) group by 1"
        ") said where said.import_id = i.id"
    )
    run("drop table import_rejects")
    guard_tenant_table("imports", extracted=False)
    record_events("imports", entity="import", unrecorded=(*PROGRESS, "errors"))

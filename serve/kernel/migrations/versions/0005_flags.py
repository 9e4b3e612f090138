"""Feature flags with what is noted of their use, experiments and beta users, a tenant's own limits and sunsets."""

from pathlib import Path

from serve.kernel.migrations.guards import create_resource, guard_tenant_table, record_events, run

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

SQL = Path(__file__).with_suffix("")
TABLES = (
    *("flag_exposures", "flag_uses", "flag_feedback", "beta_users", "experiments", "flag_segments", "flags"),
    *("tenant_limits", "api_sunsets"),
)
FUNCTIONS = (
    "note_stale_flags()",
    "tenant_limits_since(bigint)",
    "api_sunsets_since(bigint)",
    "rate_debts(text[])",
)

FLAGS = """
    key text not null,
    name text not null,
    description text,
    kind text not null default 'boolean' check (kind in ('boolean', 'variants')),
    variants jsonb not null default '[]'::jsonb,
    default_variant text not null default 'off',
    is_enabled boolean not null default false,
    rules jsonb not null default '[]'::jsonb,
    percent double precision not null default 100 check (percent between 0 and 100),
    steps jsonb not null default '[]'::jsonb,
    starts_at timestamptz,
    ends_at timestamptz,
    stale_after_days integer check (stale_after_days between 1 and 3650),
    archived_at timestamptz,
    stale_since timestamptz,
    stale_because text check (stale_because in ('unused', 'on_for_all', 'off_for_all', 'ended')),
    unique (tenant_id, key)
"""
SEGMENTS = """
    key text not null,
    name text not null,
    description text,
    conditions jsonb not null default '[]'::jsonb,
    unique (tenant_id, key)
"""
EXPERIMENTS = """
    flag_id uuid not null,
    name text not null,
    hypothesis text not null,
    primary_metric text not null,
    variants jsonb not null,
    conditions jsonb not null default '[]'::jsonb,
    percent double precision not null default 100 check (percent between 0 and 100),
    status text not null default 'draft' check (status in ('draft', 'running', 'stopped')),
    started_at timestamptz,
    stopped_at timestamptz,
    conclusion text
"""


def upgrade() -> None:
    create_resource("flags", FLAGS, entity="flag", search=("key", "name"), extracted=False)
    guard_tenant_table(
        "flags", scores=("stale_since", "stale_because"), extracted=False
    )  # found, not written
    create_resource("flag_segments", SEGMENTS, entity="flag_segment", search=("key", "name"), extracted=False)
    create_resource(
        "experiments",
        EXPERIMENTS,
        entity="experiment",
        references={"flag_id": "flags"},
        search=("name",),
        extracted=False,
    )
    run(
        "create unique index experiments_flag_id_key on experiments (tenant_id, flag_id)"
        " where status = 'running' and deleted_at is null"
    )
    tables, functions = sorted(SQL.glob("*.sql"))
    run(tables.read_text())
    for table in ("flag_exposures", "flag_uses", "flag_feedback", "beta_users", "tenant_limits", "api_sunsets"):
        guard_tenant_table(table, extracted=False)
    record_events("flag_feedback", entity="flag_feedback", unrecorded=("comment",))
    record_events("beta_users", entity="beta_user")
    record_events("tenant_limits", entity="tenant_limit")
    record_events("api_sunsets", entity="api_sunset")
    run(functions.read_text())


def downgrade() -> None:
    for function in FUNCTIONS:
        run(f"drop function {function}")
    for table in TABLES:
        run(f"drop table {table} cascade")

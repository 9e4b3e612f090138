"""Tenants that are made over the API, suspended and closed."""

from pathlib import Path

from serve.kernel.migrations.guards import column_names, guard_tenant_table, run, stamp

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

SQL = Path(__file__).with_suffix("")
FUNCTIONS = (
    *("keep_slug", "record_tenant_event", "own_tenants", "tenant_of_slug", "held_tenants", "tenants_since", "free_slug"),
    *("make_tenant", "suspend_tenant", "resume_tenant", "hold_tasks", "free_tasks"),
    *("close_tenant", "reopen_tenant", "check_erasable", "erasable_tables", "erase_tenant_rows"),
    *("people_of_alone", "erase_people", "finish_closing"),
)
COLUMNS = ("state", "suspended_at", "suspended_because", "closing_since", "erase_after", "closed_at")


def upgrade() -> None:
    for file in sorted(SQL.glob("*.sql")):
        run(file.read_text())
    stamp("tenants", column_names("tenants"))
    guard_tenant_table("tenant_closings", extracted=False)


def downgrade() -> None:
    for function in FUNCTIONS:
        run(f"drop function {function} cascade")
    run("drop trigger stamp_change on tenants")
    for column in COLUMNS:
        run(f"alter table tenants drop column {column}")
    stamp("tenants", column_names("tenants"))
    run("revoke update (slug) on tenants from throughline_api")
    run("drop table tenant_slugs, tenant_closings")

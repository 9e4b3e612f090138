"""The operational store: every table that the warehouse reads, and the bridges to and from it.

The tables stand as plain SQL beside this file, in the order of their references.
"""

from pathlib import Path

from alembic import op
from sqlalchemy import inspect

from serve.kernel.migrations.guards import (
    column_names,
    guard_tenant_table,
    leave_tombstones,
    run,
    secure,
    show,
    stamp,
)

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

SQL = Path(__file__).with_suffix("")

PERSON = ("full_name", "email", "phone")
TENANT_TABLES = (
    *("zones", "jobs", "job_status_changes", "quotes"),
    *("campaigns", "lead_activities", "campaign_events", "messages"),
    *("telemetry", "trips", "fuel_logs"),
    *("invoices", "invoice_lines", "payments", "subscriptions", "expenses", "budgets", "api_requests"),
)


def upgrade() -> None:
    *files, bridges = sorted(SQL.glob("*.sql"))
    for file in files:
        run(file.read_text())

    for table in TENANT_TABLES:
        guard_tenant_table(table)
    # Free text may name people; the numbers of papers do.
    guard_tenant_table("tickets", hidden=("subject",))
    guard_tenant_table("work_orders", hidden=("description",))
    guard_tenant_table("compliance_documents", hidden=("number",))
    guard_tenant_table("contacts", hidden=PERSON)
    guard_tenant_table("providers", hidden=PERSON)
    guard_tenant_table(
        "accounts",
        hidden=("name",),
        scores=("churn_score", "churn_reasons", "churn_scored_at"),
    )
    guard_tenant_table("leads", hidden=PERSON, scores=("score", "score_reasons", "scored_at"))
    guard_tenant_table("vehicles", scores=("failure_score", "failure_reasons", "failure_scored_at"))

    for table in ("tenants", "memberships"):
        stamp(table, column_names(table))
        leave_tombstones(table)
        show(table)
    stamp("users", [column for column in column_names("users") if column != "last_login_at"])
    secure("tenants", tenant_column="id")
    secure("pipeline_requests", tenant_column="tenant_id")

    run(bridges.read_text())
    run("select ensure_telemetry_partitions(current_date - 31, current_date + 92)")


def downgrade() -> None:
    run("drop view persons")
    tables = (name for name in inspect(op.get_bind()).get_table_names() if name != "alembic_version")
    run(f"drop table {', '.join(tables)} cascade")
    for function in own_functions():
        run(f"drop function {function}")


def own_functions() -> list[str]:
    """Every function of ours with its argument types; an extension's belong to a superuser."""
    found = op.get_bind().exec_driver_sql(
        "select oid::regprocedure::text from pg_proc"
        " where pronamespace = 'public'::regnamespace and proowner = current_role::regrole"
    )
    return list(found.scalars())

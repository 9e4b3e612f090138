"""The kernel: events and their seals, sessions and keys, what the manners remember; the first tables become resources."""

from pathlib import Path

from alembic import op

from serve.kernel.migrations.guards import (
    RESOURCE_COLUMNS,
    become_resource,
    column_names,
    guard_tenant_table,
    record_events,
    run,
    secure,
    stamp,
)

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

SQL = Path(__file__).with_suffix("")
TABLES = (
    *("events", "event_seals", "event_readers", "idempotency_keys", "notifications", "settings", "imports"),
    *("sessions", "refresh_tokens", "api_keys", "api_key_hashes", "rate_limits"),
)
IMPORT_PROGRESS = (
    *("done_count", "created_count", "updated_count", "unchanged_count", "failed_count", "errors"),
)
SCORES = {
    "accounts": ("churn_score", "churn_reasons", "churn_scored_at"),
    "vehicles": ("failure_score", "failure_reasons", "failure_scored_at"),
}
FUNCTIONS = (
    "archive_telemetry",
    "forget_idempotency_keys",
    "forget_sessions",
    *("acting", "sealed_values", "record_event", "settled_events", "event_text", "batch_hash", "seal_events", "verify_seals"),
    "renumber_events",
    *("session_end", "auth_open_session", "auth_renew_session", "auth_move_session", "auth_end_session"),
    *("auth_end_other_sessions", "auth_user", "auth_change_user", "auth_keep_key_hash", "auth_api_key"),
    *("tenant_members", "record_security_event"),
    "take_rate",
)


def upgrade() -> None:
    *tables, rights = sorted(SQL.glob("*.sql"))
    for file in tables:
        run(file.read_text())
    for table in ("events", "event_seals", "idempotency_keys"):
        secure(table, tenant_column="tenant_id")
    run(
        "grant select, insert, update (status, headers, body), delete on idempotency_keys"
        " to throughline_api, throughline_worker"
    )
    for table in ("notifications", "settings", "imports"):
        guard_tenant_table(table, extracted=False)
    guard_tenant_table("api_keys", scores=("last_used_at",), extracted=False)  # being used is no change
    record_events("api_keys", entity="api_key", unrecorded=("last_used_at",))
    record_events("settings", entity="settings", unrecorded=("secrets",))
    record_events("imports", entity="import", unrecorded=IMPORT_PROGRESS)
    become_resource("accounts", entity="account", personal=("name",), search=("name", "city"))
    become_resource(
        "contacts",
        entity="contact",
        personal=("full_name", "email", "phone"),
        search=("full_name", "email", "phone", "job_title"),
    )
    become_resource("vehicles", entity="vehicle", search=("registration", "make", "model"))
    run(rights.read_text())
    for table, column in secured():  # the reading policy of 0001 misled the planner
        secure(table, tenant_column=column)
    guard_tenant_table("accounts", hidden=("name",), scores=SCORES["accounts"])
    guard_tenant_table("contacts", hidden=("full_name", "email", "phone"))
    guard_tenant_table("vehicles", scores=SCORES["vehicles"])


def secured() -> list[tuple[str, str]]:
    """Tables under row security by tenant, with the column that names it."""
    found = op.get_bind().exec_driver_sql(
        "select tablename from pg_policies where policyname = 'tenant_reads' order by 1"
    )
    return [(table, "id" if table == "tenants" else "tenant_id") for table in found.scalars()]


def downgrade() -> None:
    for table in ("accounts", "contacts", "vehicles"):
        run(f"drop trigger record_event on {table}")
        run(f"drop trigger stamp_change on {table}")
        for column in RESOURCE_COLUMNS:
            run(f"alter table {table} drop column if exists {column}")
        run(f"drop index {table}_tenant_id_created_at_id_idx")
        stamp(table, [column for column in column_names(table) if column not in SCORES.get(table, ())])
    own = ", ".join(f"'{name}'" for name in FUNCTIONS)
    found = op.get_bind().exec_driver_sql(
        f"select oid::regprocedure::text from pg_proc where proname in ({own})"
        " and pronamespace = 'public'::regnamespace"
    )
    for function in list(found.scalars()):
        run(f"drop function {function} cascade")
    run(f"drop table {', '.join(TABLES)} cascade")

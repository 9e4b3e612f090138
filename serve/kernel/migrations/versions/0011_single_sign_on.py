"""Log-in by the identity providers of tenants."""

from pathlib import Path

from serve.kernel.migrations.guards import guard_tenant_table, record_events, run

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

SQL = Path(__file__).with_suffix("")
TABLES = ("sso_assertions", "sso_attempts", "sso_identities", "sso_domains", "sso_connections")
FUNCTIONS = (
    *("sso_tenant_of", "sso_discover", "sso_demanded", "sso_person", "sso_provision", "sso_give_role"),
)


def upgrade() -> None:
    tables, functions = sorted(SQL.glob("*.sql"))
    run(tables.read_text())
    for table in TABLES:
        guard_tenant_table(table, extracted=False)
    record_events(
        "sso_connections", entity="sso_connection", unrecorded=("secret", "tested_at", "is_sound")
    )
    record_events("sso_domains", entity="sso_domain", unrecorded=("token",))
    run(functions.read_text())


def downgrade() -> None:
    for function in FUNCTIONS:
        run(f"drop function {function}")
    for table in TABLES:
        run(f"drop table {table}")

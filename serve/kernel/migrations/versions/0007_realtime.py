"""Realtime: what happens to leads, campaigns and notifications becomes events under the names that listeners know."""

from pathlib import Path

from serve.kernel.migrations.guards import record_events, run

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

SQL = Path(__file__).with_suffix("")


def upgrade() -> None:
    for file in sorted(SQL.glob("*.sql")):
        run(file.read_text())
    record_events("leads", entity="lead", personal=("full_name", "email", "phone"))


def downgrade() -> None:
    run("drop trigger record_event on leads")
    run("drop function record_status, record_notifications cascade")

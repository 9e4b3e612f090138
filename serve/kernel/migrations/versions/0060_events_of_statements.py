"""Events are written by the statement and no longer by the row: an import writes fifty rows with one."""

from pathlib import Path

import sqlalchemy as sa
from alembic import op

from serve.kernel.migrations.guards import BY_STATEMENT, record, run

revision, down_revision, branch_labels, depends_on = "0060", "0059", None, None

SQL = Path(__file__).with_suffix("")


def upgrade() -> None:
    run((SQL / "1_record_events.sql").read_text())
    for table, arguments in recorded("record_event"):
        run(f"drop trigger record_event on {table}")
        record(table, arguments)
    run("drop function record_event")
    run((SQL / "2_clocks.sql").read_text())


def downgrade() -> None:
    run((SQL / "3_before.sql").read_text())
    before = recorded(next(iter(BY_STATEMENT)))
    for table, _ in before:
        for trigger in BY_STATEMENT:
            run(f"drop trigger {trigger} on {table}")
    run("drop function record_events")
    for table, arguments in before:
        record(table, arguments)


def recorded(trigger: str) -> list[tuple[str, list[str]]]:
    """Tables with this trigger, and its arguments."""
    asked = sa.text("select tgrelid::regclass::text, tgargs from pg_trigger where tgname = :trigger order by 1")
    found = op.get_bind().execute(asked, {"trigger": trigger}).all()
    return [(table, bytes(arguments).decode().split("\0")[:-1]) for table, arguments in found]

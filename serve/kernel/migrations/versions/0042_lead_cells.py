"""The cell of a map in which a lead lies, and what maps ask in one index."""

from pathlib import Path

import sqlalchemy as sa
from alembic import op

from serve.kernel.migrations.guards import column_names, guard_tenant_table, record_events, run

revision = "0042"
down_revision = "0041"
branch_labels = None
depends_on = None

SQL = Path(__file__).with_suffix("")
PERSON = ("full_name", "email", "phone")
LEAD_SCORES = ("score", "score_reasons", "scored_at")


def upgrade() -> None:
    hidden, unrecorded = hidden_now("leads"), unrecorded_now()
    run((SQL / "0_cells.sql").read_text())
    _guard({*hidden, "cell"}, [*unrecorded, "cell"])


def downgrade() -> None:
    hidden, unrecorded = hidden_now("leads"), unrecorded_now()
    run("drop trigger forget_cell on leads; drop function forget_cell")
    run("alter table leads drop column cell cascade")
    _guard(hidden - {"cell"}, [name for name in unrecorded if name != "cell"])


def _guard(hidden: set[str], unrecorded: list[str]) -> None:
    guard_tenant_table("leads", hidden=hidden, scores=(*LEAD_SCORES, "rescore_at"))
    record_events("leads", entity="lead", personal=PERSON, unrecorded=unrecorded)


def unrecorded_now() -> list[str]:
    """Columns that stay out of the events of leads, beside those of every table."""
    trigger = "select tgargs from pg_trigger where tgname = 'record_event' and tgrelid = 'leads'::regclass"
    named = bytes(op.get_bind().execute(sa.text(trigger)).scalar_one()).decode().split("\0")[2]
    return [name for name in named.split(",") if name not in ("created_at", "person_key", "search_text")]


def hidden_now(table: str) -> set[str]:
    """Columns that the extraction role does not read: those of every migration before this one."""
    shown = op.get_bind().execute(
        sa.text(
            "select column_name from information_schema.column_privileges where table_name = :table"
            " and table_schema = 'public' and grantee = 'throughline_extract' and privilege_type = 'SELECT'"
        ),
        {"table": table},
    )
    return set(column_names(table)) - {name for (name,) in shown}

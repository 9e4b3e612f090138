"""Searching articles by meaning, and whether those suggested were of use."""

from pathlib import Path

from serve.kernel.migrations.guards import guard_tenant_table, run

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None

SQL = Path(__file__).with_suffix("")
TABLES = ("article_models", "article_suggestions", "article_uses")


def upgrade() -> None:
    run((SQL / "0_tables.sql").read_text())
    for table in TABLES:
        guard_tenant_table(table, extracted=False)


def downgrade() -> None:
    run("drop table article_uses, article_suggestions, article_models cascade")

"""What is searched most has an index of its words."""

from serve.kernel.migrations.guards import run

revision, down_revision, branch_labels, depends_on = "0049", "0048", None, None
TABLES = ("contacts", "accounts", "tickets", "quotes")


def upgrade() -> None:
    for table in TABLES:
        run(f"create index on {table} using gin (search_text)")


def downgrade() -> None:
    for table in TABLES:
        run(f"drop index {table}_search_text_idx")

"""Notes are searched by their words."""

from serve.kernel.migrations.guards import run

revision, down_revision, branch_labels, depends_on = "0057", "0056", None, None


def upgrade() -> None:
    run("create index on notes using gin (search_text)")


def downgrade() -> None:
    run("drop index notes_search_text_idx")

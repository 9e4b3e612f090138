"""Articles are asked for their stems by an index: before, the words of each were read for each word of a question."""

from serve.kernel.migrations.guards import run

revision, down_revision, branch_labels, depends_on = "0069", "0068", None, None


def upgrade() -> None:
    run(
        "create index article_versions_words_idx on article_versions using gin (words)"
        " with (gin_pending_list_limit = 64) where is_current"
    )


def downgrade() -> None:
    run("drop index article_versions_words_idx")

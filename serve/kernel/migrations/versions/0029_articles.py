"""The knowledge base: articles, what was published of them, and whether it helped."""

from pathlib import Path

from serve.kernel.migrations.guards import create_resource, guard_tenant_table, record_events, run

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

SQL = Path(__file__).with_suffix("")
COUNTS = ("helpful_count", "unhelpful_count")
ARTICLES = """
    title text not null, slug text not null, summary text, body text not null default '', category text,
    language text not null default 'en', tags jsonb not null default '[]'::jsonb,
    state text not null default 'draft' check (state in ('draft', 'published', 'archived')),
    author_id uuid, revision integer not null default 1, published_revision integer, published_number integer,
    published_at timestamptz, helpful_count integer not null default 0, unhelpful_count integer not null default 0,
    unique (tenant_id, slug)
"""


def upgrade() -> None:
    create_resource(
        "articles",
        ARTICLES,
        entity="article",
        search=("title", "summary", "body"),
        unrecorded=("body", *COUNTS),
        extracted=False,
    )
    guard_tenant_table("articles", scores=COUNTS, extracted=False)
    tables, published, counts = (path.read_text() for path in sorted(SQL.glob("*.sql")))
    run(tables)
    guard_tenant_table("article_versions", extracted=False)
    guard_tenant_table("article_feedback", extracted=False)
    record_events("article_feedback", entity="article_feedback")
    run(published)
    run(counts)


def downgrade() -> None:
    run("drop view published_articles")
    run("drop table article_feedback, article_versions, articles cascade")
    run("drop function count_article_feedback, refuse_change_of_version")

"""The knowledge base: articles as editors have them, and what was published of each, frozen.

Readers see the newest published version of an article (the view ``published_articles``), editors the row of
``articles`` itself. ``revision`` counts edits of the content, so that an edit is an event though the text stays out of
events.
"""

from sqlalchemy import (
    Boolean,
    Column,
    Computed,
    Double,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, TSVECTOR

from serve.kernel.schema import (
    Moment,
    choice,
    lookup,
    optional,
    own_table,
    reference,
    required,
    resource_table,
    search_vector,
    searched,
    unique,
)

SEARCHED = ("title", "summary", "body")
COUNTS = ("helpful_count", "unhelpful_count")
"""Readers change them: that is no edit, so it makes no new version of the row and no event of the article."""

articles = resource_table(
    "articles",
    required("title", Text),
    required("slug", Text),
    optional("summary", Text),
    required("body", Text, default="''"),
    optional("category", Text),
    required("language", Text, default="'en'"),
    required("tags", JSONB, default="'[]'::jsonb"),
    choice("state", "draft", "published", "archived", default="draft"),
    optional("author_id", Uuid),
    required("revision", Integer, default="1"),
    optional("published_revision", Integer),
    optional("published_number", Integer),
    optional("published_at", Moment),
    required("helpful_count", Integer, default="0"),
    required("unhelpful_count", Integer, default="0"),
    unique("slug"),
    entity="article",
    search=SEARCHED,
    unrecorded=("body", *COUNTS),
    extracted=False,
)
articles.info["heard_with"] = "articles:write"  # drafts are for editors

article_versions = own_table(
    "article_versions",
    reference("article_id", "articles", owned=True, indexed=False),
    required("number", Integer),
    required("title", Text),
    optional("summary", Text),
    required("body", Text),
    required("body_text", Text),
    optional("category", Text),
    required("language", Text),
    required("tags", JSONB),
    optional("note", Text),
    optional("published_by", Uuid),
    optional("restored_from", Integer),
    required("is_current", Boolean, default="true"),
    required("text_config", Text),
    required("words", TSVECTOR, default="''::tsvector"),
    Column(
        "search_text", TSVECTOR, Computed(search_vector(("title", "summary", "body_text")), persisted=True)
    ),
    unique("article_id", "number"),
    searched(),
    Index(
        "article_versions_words_idx",
        "words",
        postgresql_using="gin",
        postgresql_with={"gin_pending_list_limit": "64"},
        postgresql_where=text("is_current"),
    ),
)
Index(
    "article_versions_current_key",
    article_versions.c.tenant_id,
    article_versions.c.article_id,
    unique=True,
    postgresql_where=text("is_current"),
)

article_feedback = own_table(
    "article_feedback",
    reference("article_id", "articles", owned=True, indexed=False),
    required("user_id", Uuid),
    required("is_helpful", Boolean),
    required("version_number", Integer),
    unique("article_id", "user_id"),
    lookup("user_id"),
)
article_feedback.info |= {"entity": "article_feedback", "personal": (), "unrecorded": ()}

article_models = own_table(
    "article_models",
    required("number", Integer),
    required("digest", Text),
    required("article_count", Integer),
    required("dimensions", Integer),
    required("seed", Integer),
    required("took_s", Double),
    required("content", LargeBinary),
    required("vectors", LargeBinary),
    required("article_ids", JSONB, default="'[]'::jsonb"),
    unique("number"),
)
"""What searching by meaning has learned from a tenant's published articles; ``vectors`` are little-endian float32."""

article_suggestions = own_table(
    "article_suggestions",
    reference("ticket_id", "tickets", empty=True, owned=True),
    optional("asked_by", Uuid),
    required("found_count", Integer),
    optional("model_number", Integer),
    lookup("created_at"),
)

article_uses = own_table(
    "article_uses",
    reference("suggestion_id", "article_suggestions", owned=True, indexed=False),
    reference("article_id", "articles", owned=True),
    required("rank", Integer),
    optional("used_at", Moment),
    optional("used_by", Uuid),
    unique("suggestion_id", "article_id"),
)
"""Articles that were shown for a question, at which place, and whether they were of use."""

published = Table(
    "published_articles",
    MetaData(),  # a view: the migration makes it, nothing here does
    *(
        Column(column.name, column.type, nullable=column.nullable)
        for column in articles.columns
        if column.name != "search_text"
    ),
    Column("search_text", TSVECTOR),
)
published.info |= {"entity": "article", "personal": (), "search": SEARCHED, "unrecorded": ()}

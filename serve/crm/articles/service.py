"""Articles: edited as drafts, published as frozen versions, taken back to earlier ones."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from serve.crm.articles import learning, markdown, models, queries
from serve.crm.articles.errors import ArticleVersionNotFound, NotPublished
from serve.crm.articles.languages import config_of
from serve.crm.articles.rules import CONTENT, check_can_publish, differences, free_slug, is_shown, slug_of
from serve.crm.articles.schemas import ArticleFields, ArticleRead
from serve.kernel.db import Record, Transaction
from serve.kernel.events import event
from serve.kernel.resources import Resource, Row
from serve.kernel.resources.store import check_version
from serve.platform.files.belonging import adopt

PUBLISHED = event(
    "article.published",
    "Readers see the article, or another version of it, from now on.",
    permission="articles:read",
)
ARCHIVED = event("article.archived", "Readers do not see the article any more.", permission="articles:read")
ROLLED_BACK = event("article.rolled_back", "Readers see what an earlier version of the article said.")
PATH = "/api/v1/knowledge-base"


class Articles(Resource):
    """Counts edits of the content, and makes a name for addresses where none is given."""

    async def insert(
        self, db: Transaction, values: Mapping[str, Any], *, row_id: UUID | None = None, event: str = ""
    ) -> Row:
        slug = values.get("slug") or await self._free_slug(db, values["title"])
        author = {"author_id": db.caller.user_id}
        row = await super().insert(db, {**values, "slug": slug, **author}, row_id=row_id, event=event)
        await adopt(db, "article", row["id"], markdown.files_in(row["body"]))
        return row

    async def update(
        self, db: Transaction, before: Row, changes: Mapping[str, Any], *, event: str = ""
    ) -> Row:
        # An address that others have noted does not go because a client sends all fields but this one.
        wanted = {name: value for name, value in changes.items() if name != "slug" or value is not None}
        if any(wanted[name] != before[name] for name in CONTENT if name in wanted):
            wanted["revision"] = before["revision"] + 1
            # Who reads the article is to see its pictures.
            await adopt(db, "article", before["id"], markdown.files_in(wanted.get("body") or ""))
        return await super().update(db, before, wanted, event=event)

    async def _free_slug(self, db: Transaction, title: str) -> str:
        slug = slug_of(title)
        return free_slug(slug, await queries.slugs_like(db, slug))


articles = Articles(
    models.articles,
    fields=ArticleFields,
    read=ArticleRead,
    calls=(
        *("replace", "patch", "delete", "restore", "history", "export", "import"),
        *("bulk_create", "bulk_update", "bulk_delete"),
    ),
    path=PATH,
)
articles.reading = articles.writing  # what the generated calls show are drafts
shown = Resource(models.published, fields=ArticleFields, read=ArticleRead, calls=(), permission="articles")
"""What readers see of them."""


async def publish(
    db: Transaction, article_id: UUID, *, note: str | None = None, if_match: str | None = None
) -> Row:
    """Show readers the draft; one that they see already is left as it is.

    Raises ArticleNotFound, LostUpdate, ArticleEmpty.
    """
    before = await articles.get(db, article_id, lock=True)
    check_version(if_match, before)
    check_can_publish(before)
    if is_shown(before):
        return before
    return await _show(db, before, note=note, event=PUBLISHED)


async def archive(db: Transaction, article_id: UUID, *, if_match: str | None = None) -> Row:
    """Show it to readers no longer. Raises ArticleNotFound, LostUpdate."""
    before = await articles.get(db, article_id, lock=True)
    check_version(if_match, before)
    return await articles.update(db, before, {"state": "archived"}, event=ARCHIVED)


async def roll_back(
    db: Transaction, article_id: UUID, number: int, *, note: str | None = None, if_match: str | None = None
) -> Row:
    """Say again what an earlier version said: a new version, and the draft too.

    Raises ArticleNotFound, LostUpdate, ArticleVersionNotFound.
    """
    before = await articles.get(db, article_id, lock=True)
    check_version(if_match, before)
    chosen = await version(db, article_id, number)
    draft = await articles.update(db, before, {name: chosen[name] for name in CONTENT}, event=ROLLED_BACK)
    if is_shown(draft):
        return draft
    return await _show(
        db, draft, note=note or f"As version {number}", restored_from=number, event=ROLLED_BACK
    )


async def version(db: Transaction, article_id: UUID, number: int) -> Record:
    """Raises ArticleVersionNotFound."""
    found = await queries.version(db, article_id, number)
    if found is None:
        raise ArticleVersionNotFound
    return found


async def compare(db: Transaction, article_id: UUID, number: int, other: int | None) -> dict[str, Any]:
    """What became of version ``number`` in the ``other`` one, or in the draft.

    Raises ArticleNotFound, ArticleVersionNotFound.
    """
    draft = await articles.get(db, article_id)
    old = await version(db, article_id, number)
    new = draft if other is None else await version(db, article_id, other)
    found = await asyncio.to_thread(differences, dict(old), dict(new))
    return {"from_number": number, "to_number": other, "differences": found}


async def rendered(db: Transaction, article_id: UUID, *, draft: bool) -> dict[str, Any]:
    """The article as a page. Raises ArticleNotFound; readers cannot tell a draft from nothing."""
    row = await (articles if draft else shown).get(db, article_id)
    html = await asyncio.to_thread(markdown.to_html, row["body"])
    number = None if draft else row["published_number"]
    return {"id": row["id"], "title": row["title"], "number": number, "html": html}


async def give_feedback(db: Transaction, article_id: UUID, is_helpful: bool) -> dict[str, Any]:
    """Whether the article helped the caller; what they say later takes the place of it.

    Raises ArticleNotFound, ArticleNotPublished.
    """
    article = await articles.get(db, article_id, lock=True)
    if article["state"] != "published":
        raise NotPublished
    counts = await queries.give_feedback(db, article_id, is_helpful, article["published_number"])
    return {"is_helpful": is_helpful, **counts}


async def _show(
    db: Transaction, article: Row, *, note: str | None, event: str, restored_from: int | None = None
) -> Row:
    number = article["published_number"]
    if article["revision"] != article["published_revision"]:
        text = await asyncio.to_thread(markdown.to_text, article["body"])
        number = await queries.freeze(
            db, article, config_of(article["language"]), text, note=note, restored_from=restored_from
        )
    changes = {
        "state": "published",
        "published_number": number,
        "published_revision": article["revision"],
        "published_at": await queries.now(db),
    }
    await learning.ask(db)
    return await articles.update(db, article, changes, event=event)

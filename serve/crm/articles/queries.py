"""Statements about articles and their versions."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from serve.kernel.db import Record, Transaction

OWN = "tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid"
_SUMMARY = "number, title, note, published_by, restored_from, is_current, created_at"
_VERSION = f"{_SUMMARY}, summary, body, category, language, tags"
_SLUGS = f"select slug from articles where {OWN} and (slug = $1 or slug like $1 || '-%')"
_HIDE = "update article_versions set is_current = false where article_id = $1 and is_current"
_FREEZE = """
    insert into article_versions (
        tenant_id, article_id, number, title, summary, body, body_text, category, language, tags, note,
        published_by, restored_from, text_config, words
    )
    select $1::uuid, $2::uuid,
        (select coalesce(max(number), 0) + 1 from article_versions where article_id = $2::uuid),
        $3::text, $4::text, $5, $6::text, $7, $8, $9, $10, $11::uuid, $12, $13::text,
        setweight(to_tsvector($13::text::regconfig, $3::text), 'A')
            || setweight(to_tsvector($13::text::regconfig, coalesce($4::text, '')), 'B')
            || setweight(to_tsvector($13::text::regconfig, $6::text), 'D')
    returning number
"""
_FEEDBACK = """
    insert into article_feedback (tenant_id, article_id, user_id, is_helpful, version_number)
    values ($1, $2, $3, $4, $5)
    on conflict (tenant_id, article_id, user_id) do update
    set is_helpful = excluded.is_helpful, version_number = excluded.version_number
    where article_feedback.is_helpful <> excluded.is_helpful
"""
_COUNTS = "select helpful_count, unhelpful_count from articles where id = $1"


async def now(db: Transaction) -> datetime:
    """The moment of the transaction."""
    found = await db.fetch_one("select now() as now")
    assert found is not None
    moment: datetime = found["now"]
    return moment


async def slugs_like(db: Transaction, slug: str) -> set[str]:
    """Those that are taken, of deleted articles too: they can be restored."""
    return {row["slug"] for row in await db.fetch(_SLUGS, slug)}


async def freeze(
    db: Transaction,
    article: Mapping[str, Any],
    config: str,
    text: str,
    *,
    note: str | None,
    restored_from: int | None,
) -> int:
    """A new version of the locked article, the one that readers see from now on; its number."""
    await db.execute(_HIDE, article["id"])
    made = await db.fetch_one(
        _FREEZE,
        *(db.caller.tenant_id, article["id"], article["title"], article["summary"], article["body"], text),
        *(article["category"], article["language"], article["tags"], note, db.caller.user_id),
        *(restored_from, config),
    )
    assert made is not None
    number: int = made["number"]
    return number


async def version(db: Transaction, article_id: UUID, number: int) -> Record | None:
    return await db.fetch_one(
        f"select {_VERSION} from article_versions where article_id = $1 and number = $2", article_id, number
    )


async def versions(db: Transaction, article_id: UUID, window: tuple[int, int]) -> tuple[list[Record], int]:
    """A page of them, the newest first, and how many there are."""
    rows = await db.fetch(
        f"select {_SUMMARY} from article_versions where article_id = $1 order by number desc limit $2 offset $3",
        *(article_id, *window),
    )
    total = await db.fetch_one("select count(*) as n from article_versions where article_id = $1", article_id)
    assert total is not None
    return rows, total["n"]


async def give_feedback(db: Transaction, article_id: UUID, is_helpful: bool, number: int) -> dict[str, int]:
    """What the caller says of the article; both counts after it, which a trigger keeps."""
    await db.execute(_FEEDBACK, db.caller.tenant_id, article_id, db.caller.user_id, is_helpful, number)
    counts = await db.fetch_one(_COUNTS, article_id)
    assert counts is not None
    return dict(counts)

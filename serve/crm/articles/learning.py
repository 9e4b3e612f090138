"""What goes with what in the tenant's own published articles: learned after publications, kept as arrays.

Each tenant has a model of its own, numbered; nothing of one tenant's articles is in another's. Until one is there,
searching goes by words alone and says so.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import numpy as np

from ml.similarity.model import Similarity, Vectors, digest, fit
from ml.terms import NotEnoughData
from serve.kernel.db import Transaction
from serve.kernel.memory import remembered
from serve.kernel.tasks import Work, enqueue, task

KIND = "articles.learn"
SEED = 7
MOST_ARTICLES = 5_000
"""The newest; more would make one tenant's model larger than all the rest of a process."""
KEPT = 2

_OWN = "tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid"
# Locked: it cannot begin, and look at what there is, before the caller's transaction is committed.
_WAITS = "select from tasks where kind = $1 and status = 'queued' limit 1 for share"
_TEXTS = f"""
    select v.article_id, concat_ws(E'\\n', v.title, v.summary, v.body_text) as text
    from article_versions v join articles a on a.tenant_id = v.tenant_id and a.id = v.article_id
    where v.is_current and a.state = 'published' and a.deleted_at is null and v.{_OWN}
    order by v.created_at desc, v.article_id limit {MOST_ARTICLES}
"""
_NEWEST = f"select id, number, digest from article_models where {_OWN} order by number desc limit 1"
_CONTENT = "select content, vectors, article_ids from article_models where id = $1"
_KEEP = """
    insert into article_models (
        tenant_id, number, digest, article_count, dimensions, seed, took_s, content, vectors, article_ids
    )
    select $1::uuid, coalesce(max(number), 0) + 1, $2, $3, $4, $5, $6, $7, $8, $9
    from article_models where tenant_id = $1::uuid
    returning number
"""
_FORGET = f"delete from article_models where {_OWN} and number <= $1"


@dataclass(frozen=True)
class Model:
    """A tenant's model with where its articles lie."""

    number: int
    similarity: Similarity
    vectors: Vectors
    article_ids: Sequence[str]

    async def nearest(self, text: str, *, most: int, least: float) -> dict[str, float]:
        """How alike the nearest articles are (0 to 1), the nearest first; none below ``least``."""
        return await asyncio.to_thread(self._nearest, text, most, least)

    def _nearest(self, text: str, most: int, least: float) -> dict[str, float]:
        alike = self.vectors @ self.similarity.project([text])[0]
        order = np.argsort(-alike, kind="stable")[:most]
        return {self.article_ids[place]: float(alike[place]) for place in order if alike[place] >= least}


_known: dict[UUID, Model] = remembered(8)
"""By the id of its row, which is looked up as the caller each time; a row never changes."""


async def ask(db: Transaction) -> None:
    """Have it learned anew once the transaction commits, unless that is about to happen anyway."""
    if not await db.fetch(_WAITS, KIND):
        await enqueue(db, KIND, title="Learn what the articles are about")


async def newest(db: Transaction) -> Model | None:
    """The model of the caller's own tenant; None before there is one, or when this release cannot read it."""
    row = await db.fetch_one(_NEWEST)
    if row is None:
        return None
    if row["id"] not in _known:
        content = await db.fetch_one(_CONTENT, row["id"])
        if content is None:  # a newer one has taken its place meanwhile
            return None
        try:
            _known[row["id"]] = await asyncio.to_thread(_read, row["number"], dict(content))
        except ValueError:
            return None
    return _known[row["id"]]


@task(KIND, most_attempts=3)
async def learn(work: Work) -> dict[str, Any]:
    """The same articles give the same model, so one that died is simply made again, and kept once.

    One at a time: or the last to end, which may have been the first to look, would be the newest.
    """
    async with work.alone(KIND) as is_wanted:
        if not is_wanted:
            return {
                "model_number": None,
                "is_new": False,
                "reason": "another task is about to learn the same",
            }
        return await _learn(work)


async def _learn(work: Work) -> dict[str, Any]:
    async with work.transaction() as db:
        rows = await db.fetch(_TEXTS)
        last = await db.fetch_one(_NEWEST)
    texts = [row["text"] for row in rows]
    said = digest([f"{row['article_id']} {row['text']}" for row in rows], seed=SEED)
    if last is not None and last["digest"] == said:
        return {"model_number": last["number"], "is_new": False}
    began_s = time.perf_counter()
    try:
        similarity, vectors = await asyncio.to_thread(fit, texts, seed=SEED)
    except NotEnoughData as refusal:
        return {"model_number": None, "is_new": False, "reason": refusal.reason}
    values = (said, len(texts), similarity.dimensions, SEED, time.perf_counter() - began_s)
    content = await asyncio.to_thread(similarity.to_bytes)

    async def keep(db: Transaction) -> dict[str, Any]:
        made = await db.fetch_one(
            _KEEP,
            *(work.tenant_id, *values, content, vectors.astype("<f4").tobytes()),
            [row["article_id"] for row in rows],
        )
        assert made is not None
        await db.execute(_FORGET, made["number"] - KEPT)
        return {"model_number": made["number"], "is_new": True, "article_count": len(texts)}

    result: dict[str, Any] = await work.step("keep", keep)
    return result


def _read(number: int, row: dict[str, Any]) -> Model:
    similarity = Similarity.from_bytes(row["content"])
    vectors = np.frombuffer(row["vectors"], "<f4").reshape(len(row["article_ids"]), similarity.dimensions)
    return Model(number, similarity, vectors, row["article_ids"])

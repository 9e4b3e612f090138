"""What people ask, and the articles about it: by words and by meaning, united by rank.

Full text knows exact words and their stems; the model of meaning (``learning``) knows which words go together in this
tenant's own articles. Neither's figures can be compared with the other's, their ranks can (reciprocal rank fusion).
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from serve.crm.articles import learning
from serve.kernel.db import Transaction

Meaning = Literal["used", "not_trained", "not_asked"]
Means = Literal["words", "meaning", "both"]

MOST_BY_WORDS = 50
MOST_BY_MEANING = 10
MOST_LEXEMES = 60
"""Of a text that is asked with; more of them say no more and cost more."""
LEAST_ALIKE = 0.12
"""Below it an article is about something else: on public questions it keeps 99 % of what is answered and drops 87 % of
what no article is about (ml/similarity/CARD.md)."""
RANKS = 60
"""How far down a rank still counts for something; 60 as in Cormack, Clarke & Büttcher (2009)."""
# No text has these; they stand where a word was found until the rest is escaped.
_OPEN, _CLOSE = "\ue000", "\ue001"
_OPERATORS = re.compile(r'"|(?:^|\s)-\w')

# Lexemes are quoted by hand: PostgreSQL has no function from lexemes to "any of them".
_QUOTED = r"""'''' || replace(replace(l.lexeme, '\', '\\'), '''', '''''') || ''''"""
_LEXEMES = f"""
    (
        select lexeme from unnest(to_tsvector(c.config::regconfig, $1)) order by positions[1] limit {MOST_LEXEMES}
    ) l
"""
_ANY = f"(select string_agg({_QUOTED}, ' | ')::tsquery from {_LEXEMES})"
_ASKED = f"""
    asked as materialized (
        select c.config, websearch_to_tsquery(c.config::regconfig, $1) as all_of, {_ANY} as any_of
        from (select distinct text_config as config from article_versions where is_current) c
    )
"""
_WANTED = """
    v.is_current and a.state = 'published' and a.deleted_at is null
        and ($2::text is null or v.category = $2) and ($3::text is null or v.language = $3)
        and ($4::text is null or v.tags ? $4)
"""
_READABLE = f"""
    readable as materialized (
        select v.article_id from article_versions v join articles a on a.tenant_id = v.tenant_id and a.id = v.article_id
        where {_WANTED}
    )
"""
# The words of a row are looked at by their index alone: reading them out of 5,000 articles takes 50 ms for each word.
# OFFSET and MATERIALIZED keep the planner from joining first and looking then, once for each article.
_ALL_OF_THEM = f"""
    found as materialized (
        select m.article_id, m.rank
        from asked q cross join lateral (
            select v.article_id, ts_rank_cd(v.words, q.all_of, 1) as rank from article_versions v
            where v.is_current and v.text_config = q.config and v.words @@ q.all_of offset 0
        ) m
    ),
    by_words as (
        select f.article_id, f.rank from found f join readable r on r.article_id = f.article_id
        order by 2 desc, 1 limit {MOST_BY_WORDS}
    )
"""
# A word that few articles have says more. PostgreSQL's own ranks do not look at other articles: with any of a
# question's words they found the right one first for 54 %, this for 61 % (public questions).
_ANY_OF_THEM = f"""
    lexemes as materialized (
        select c.config, l.lexeme, ({_QUOTED})::tsquery as query from asked c cross join lateral {_LEXEMES}
    ),
    found as materialized (
        select l.config, l.lexeme, m.article_id
        from lexemes l cross join lateral (
            select v.article_id from article_versions v
            where v.is_current and v.text_config = l.config and v.words @@ l.query offset 0
        ) m
    ),
    matches as materialized (select f.* from found f join readable r on r.article_id = f.article_id),
    weighed as materialized (
        select config, lexeme, ln(1 + (select count(*) from readable) / (0.5 + count(*))) as weight
        from matches group by 1, 2
    ),
    by_words as (
        select m.article_id, sum(w.weight) as rank
        from matches m join weighed w on w.config = m.config and w.lexeme = m.lexeme
        group by 1 order by 2 desc, 1 limit {MOST_BY_WORDS}
    )
"""
_FIND = """
    with {asked}, {readable}, {by_words}
    select article_id, rank from (select article_id, rank from by_words order by rank desc, article_id) w
    union all
    select article_id, null from readable where article_id = any($5::uuid[])
"""
FIND = {
    "all": _FIND.format(asked=_ASKED, readable=_READABLE, by_words=_ALL_OF_THEM),
    "any": _FIND.format(asked=_ASKED, readable=_READABLE, by_words=_ANY_OF_THEM),
}
WEIGHTS = {"all": 1.0, "any": 1 / 3}
"""What a place among the words counts beside one of meaning: less where any of the words will do (measured)."""
SHOW = f"""
    with {_ASKED}
    select v.article_id as id, v.title, a.slug, v.summary, v.category, v.language, v.number,
        ts_headline(
            v.text_config::regconfig, left(coalesce(v.summary || ' ', '') || v.body_text, 20000),
            coalesce(q.any_of, ''::tsquery),
            'StartSel={_OPEN}, StopSel={_CLOSE}, MaxFragments=2, MaxWords=25, MinWords=10, FragmentDelimiter=" … "'
        ) as snippet
    from article_versions v
    join articles a on a.tenant_id = v.tenant_id and a.id = v.article_id
    join asked q on q.config = v.text_config
    where {_WANTED} and v.article_id = any($5::uuid[])
"""


@dataclass(frozen=True)
class Asked:
    """A question or some words. ``match``: whether an article must have ``all`` of them or ``any``."""

    text: str
    match: Literal["all", "any"] = "all"
    category: str | None = None
    language: str | None = None
    tag: str | None = None
    means: Means = "both"

    @property
    def bound(self) -> tuple[Any, ...]:
        return self.text, self.category, self.language, self.tag


@dataclass(frozen=True)
class Hit:
    """An article and why it is here; ``alike`` is 0 to 1."""

    article_id: str
    score: float
    words_rank: int | None
    meaning_rank: int | None
    alike: float | None


@dataclass(frozen=True)
class Found:
    hits: list[Hit] = field(default_factory=list)
    meaning: Meaning = "not_asked"
    model_number: int | None = None


async def find(db: Transaction, asked: Asked, *, limit: int) -> Found:
    """The published articles about it, the best first."""
    is_plain = _OPERATORS.search(asked.text) is None or asked.match == "any"
    neighbours, meaning, number = await _neighbours(db, asked) if is_plain else ({}, "not_asked", None)
    rows = await db.fetch(FIND[asked.match], *asked.bound, list(neighbours))
    by_words = [row["article_id"] for row in rows if row["rank"] is not None]
    readable = {row["article_id"] for row in rows if row["rank"] is None}
    by_meaning = [article_id for article_id in neighbours if article_id in readable]
    if asked.means == "meaning":
        by_words = []
    hits = fused(by_words, by_meaning, alike=neighbours, weight=WEIGHTS[asked.match])
    return Found(hits[:limit], meaning, number)


async def shown(db: Transaction, asked: Asked, found: Found) -> list[dict[str, Any]]:
    """The hits as clients read them."""
    ids = [hit.article_id for hit in found.hits]
    rows = {row["id"]: dict(row) for row in await db.fetch(SHOW, *asked.bound, ids)} if ids else {}
    return [
        rows[hit.article_id]
        | {
            "snippet": marked(rows[hit.article_id]["snippet"]),
            "score": round(hit.score, 6),
            "words_rank": hit.words_rank,
            "meaning_rank": hit.meaning_rank,
            "alike": None if hit.alike is None else round(hit.alike, 3),
        }
        for hit in found.hits
        if hit.article_id in rows
    ]


def fused(
    by_words: Sequence[str], by_meaning: Sequence[str], *, alike: Mapping[str, float], weight: float = 1.0
) -> list[Hit]:
    """Both lists as one: what stands high in either, and higher what stands in both; ``weight`` is that of words.

    >>> [hit.article_id for hit in fused(["a", "b"], ["b", "c"], alike={"b": 0.9, "c": 0.8})]
    ['b', 'a', 'c']
    """
    words = {article_id: rank for rank, article_id in enumerate(by_words, 1)}
    meaning = {article_id: rank for rank, article_id in enumerate(by_meaning, 1)}
    hits = [
        Hit(
            each,
            sum(
                counts / (RANKS + ranks[each])
                for counts, ranks in ((weight, words), (1.0, meaning))
                if each in ranks
            ),
            words.get(each),
            meaning.get(each),
            alike.get(each),
        )
        for each in dict.fromkeys([*by_words, *by_meaning])
    ]
    return sorted(hits, key=lambda hit: -hit.score)


def marked(snippet: str) -> str:
    """Escaped, with the words that were found between ``<mark>`` and ``</mark>``.

    >>> marked("a < \\ue000b\\ue001")
    'a &lt; <mark>b</mark>'
    """
    return html.escape(snippet).replace(_OPEN, "<mark>").replace(_CLOSE, "</mark>")


async def _neighbours(db: Transaction, asked: Asked) -> tuple[dict[str, float], Meaning, int | None]:
    """How alike the nearest articles are, the nearest first."""
    if asked.means == "words":
        return {}, "not_asked", None
    model = await learning.newest(db)
    if model is None:
        return {}, "not_trained", None
    return await model.nearest(asked.text, most=MOST_BY_MEANING, least=LEAST_ALIKE), "used", model.number

"""Articles for a ticket or a question, and whether they were of use: the hit rate is what really happened.

Looking (GET) notes nothing. Asking (POST) notes that these articles were shown, at which place; whoever then uses one
says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from serve.crm.articles import search
from serve.crm.articles.errors import SuggestionNotFound
from serve.crm.tickets.service import tickets
from serve.kernel.db import Record, Transaction
from serve.kernel.errors import Invalid
from serve.kernel.events import emit, event
from serve.kernel.ids import uuid7
from serve.kernel.periods import Span

USED = event(
    "article.used",
    "A suggested article was of use: `after` has the suggestion, the ticket and the place.",
    permission="articles:read",
)
MOST_CHARACTERS = 5_000

_OWN = "tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid"
_ASKED = """
    insert into article_suggestions (id, tenant_id, ticket_id, asked_by, found_count, model_number)
    values ($1, $2, $3, $4, $5, $6)
"""
_SHOWN = """
    insert into article_uses (tenant_id, suggestion_id, article_id, rank)
    select $1, $2, article_id, rank from unnest($3::uuid[]) with ordinality as shown (article_id, rank)
"""
_USE = f"""
    select u.id, u.rank, u.used_at, s.ticket_id from article_uses u
    join article_suggestions s on s.tenant_id = u.tenant_id and s.id = u.suggestion_id
    where u.suggestion_id = $1 and u.article_id = $2 and u.{_OWN} for no key update of u
"""
_MARK = "update article_uses set used_at = now(), used_by = $2 where id = $1 returning used_at"
_RATES = """
    select count(*) as asked_count, count(*) filter (where s.found_count > 0) as shown_count,
        count(*) filter (where u.first_rank is not null) as used_count,
        count(*) filter (where u.first_rank = 1) as used_first_count,
        count(*) filter (where u.first_rank <= 3) as used_top_3_count
    from article_suggestions s
    left join (
        select suggestion_id, min(rank) as first_rank from article_uses where used_at is not null group by 1
    ) u on u.suggestion_id = s.id
    where s.created_at >= $1::date and s.created_at < $2::date + 1
"""
_MOST_USED = """
    select u.article_id as id, p.title, count(*) as shown_count, count(u.used_at) as used_count
    from article_uses u join published_articles p on p.tenant_id = u.tenant_id and p.id = u.article_id
    where u.created_at >= $1::date and u.created_at < $2::date + 1
    group by 1, 2 order by 4 desc, 3 desc, 1 limit $3
"""
_STATES = "select state, count(*) as n from articles where deleted_at is null group by 1"


async def ticket_text(db: Transaction, ticket_id: UUID, *, lock: bool = False) -> str:
    """What the ticket is about; ``lock`` for one of the caller's own tenant alone. Raises TicketNotFound."""
    row = await tickets.get(db, ticket_id, lock=lock)
    return "\n".join(filter(None, (row["subject"], row["description"])))


async def look(db: Transaction, text: str, *, limit: int) -> tuple[list[dict[str, Any]], search.Found]:
    """The articles about it; any of the words will do. Nothing is noted."""
    asked = search.Asked(text[:MOST_CHARACTERS], match="any")
    found = await search.find(db, asked, limit=limit)
    return await search.shown(db, asked, found), found


async def suggest(db: Transaction, *, ticket_id: UUID | None, text: str | None, limit: int) -> dict[str, Any]:
    """The same, noted as shown to the caller. Raises TicketNotFound; Invalid unless it is one of both."""
    if (ticket_id is None) == (text is None):
        raise Invalid(details=[("text", "send a text or a ticket_id")])
    words = text if ticket_id is None else await ticket_text(db, ticket_id, lock=True)
    rows, found = await look(db, words or "", limit=limit)
    made_id, caller = uuid7(), db.caller
    await db.execute(
        _ASKED, made_id, caller.tenant_id, ticket_id, caller.user_id, len(rows), found.model_number
    )
    await db.execute(_SHOWN, caller.tenant_id, made_id, [row["id"] for row in rows])
    return {"id": made_id, "articles": rows}


async def use(db: Transaction, suggestion_id: UUID, article_id: UUID) -> dict[str, Any]:
    """Note that it was of use; twice is once. Raises SuggestionNotFound."""
    shown = await db.fetch_one(_USE, suggestion_id, article_id)
    if shown is None:
        raise SuggestionNotFound
    used_at = shown["used_at"]
    if used_at is None:
        marked = await db.fetch_one(_MARK, shown["id"], db.caller.user_id)
        assert marked is not None
        used_at = marked["used_at"]
        about = {"suggestion_id": str(suggestion_id), "ticket_id": shown["ticket_id"], "rank": shown["rank"]}
        await emit(db, USED, "article", article_id, about)
    return {"article_id": article_id, "rank": shown["rank"], "used_at": used_at}


async def stats(db: Transaction, span: Span, *, limit: int) -> dict[str, Any]:
    """How often suggestions were of use in these days (UTC)."""
    rates = await db.fetch_one(_RATES, span.start, span.end)
    assert rates is not None
    used = await db.fetch(_MOST_USED, span.start, span.end, limit)
    states = {row["state"]: row["n"] for row in await db.fetch(_STATES)}
    return {
        "articles": {state: states.get(state, 0) for state in ("draft", "published", "archived")},
        "suggestions": dict(rates) | _shares(rates),
        "most_used": [dict(row) for row in used],
    }


def _shares(rates: Record | Mapping[str, int]) -> dict[str, float | None]:
    """Of the suggestions with at least one article.

    >>> _shares({"shown_count": 4, "used_count": 2, "used_first_count": 1, "used_top_3_count": 2})
    {'hit_rate': 0.5, 'hit_rate_first': 0.25, 'hit_rate_top_3': 0.5}
    """
    shown = rates["shown_count"]
    names = {
        "hit_rate": "used_count",
        "hit_rate_first": "used_first_count",
        "hit_rate_top_3": "used_top_3_count",
    }
    return {name: rates[count] / shown if shown else None for name, count in names.items()}

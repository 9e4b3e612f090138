"""Searching the knowledge base, articles for a ticket, and how often they were of use."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import Depends, Query, Response

from serve.crm.articles import search, suggestions
from serve.crm.articles.errors import SuggestionNotFound
from serve.crm.articles.schemas import (
    ArticleHit,
    KnowledgeStats,
    KnowledgeStatsMeta,
    SearchMeta,
    SearchQuery,
    SuggestionInput,
    SuggestionLimit,
    SuggestionQuery,
    SuggestionRead,
    UseInput,
    UseRead,
)
from serve.crm.articles.service import PATH
from serve.crm.tickets.service import tickets
from serve.kernel.caller import Caller, Lacks, Needs
from serve.kernel.db import DatabaseUnavailable, TenantDb
from serve.kernel.envelope import Meta, Success
from serve.kernel.errors import problems
from serve.kernel.idempotency import KeyOfAnotherRequest, RepeatableRoute, StillRunning
from serve.kernel.periods import DayRange
from serve.kernel.resources.words import BODY, Id, plain, reading
from serve.kernel.routing import area_router

router = area_router(prefix=PATH, tags=["knowledge base"], route_class=RepeatableRoute)
Reader = Annotated[Caller, Depends(Needs("articles:read"))]
of_tickets = area_router(prefix=tickets.path, tags=["tickets"])
MOST_USED = 10
_WRITING = (*BODY, StillRunning, KeyOfAnotherRequest)


@router.get(
    "/search",
    response_model=Success[list[ArticleHit], SearchMeta],
    responses=problems(DatabaseUnavailable),
    name="articles.search",
)
async def search_articles(asked: Annotated[SearchQuery, Query()], caller: Reader, db: TenantDb) -> Response:
    """Published articles by words and by meaning, the best first.

    Words are brought to their stems in the language of each article; those in the title count most. Articles that are
    about the same are found without the words too, once that is learned: `meta.meaning` says whether it was.
    """
    wanted = search.Asked(asked.q, category=asked.category, language=asked.language, tag=asked.tag)
    found = await search.find(db, wanted, limit=asked.limit)
    return _hits(await search.shown(db, wanted, found), found)


@router.get(
    "/suggestions",
    response_model=Success[list[ArticleHit], SearchMeta],
    responses=problems(tickets.NotFound, DatabaseUnavailable),
    name="articles.suggestions",
)
async def look_at_suggestions(
    asked: Annotated[SuggestionQuery, Query()], caller: Reader, db: TenantDb
) -> Response:
    """The articles that a ticket may need, the best first. Looking is not counted as shown."""
    _may_read_tickets(caller)
    text = await suggestions.ticket_text(db, asked.ticket_id)
    return _hits(*await suggestions.look(db, text, limit=asked.limit))


@of_tickets.get(
    "/{id}/suggestions",
    response_model=Success[list[ArticleHit], SearchMeta],
    dependencies=[reading(tickets)],
    responses=problems(tickets.NotFound, DatabaseUnavailable),
    name="tickets.suggestions",
)
async def suggestions_of_ticket(
    id: Id, asked: Annotated[SuggestionLimit, Query()], caller: Reader, db: TenantDb
) -> Response:
    """The published articles that the ticket may need, the best first. Looking is not counted as shown."""
    text = await suggestions.ticket_text(db, id)
    return _hits(*await suggestions.look(db, text, limit=asked.limit))


@router.post(
    "/suggestions",
    status_code=201,
    response_model=Success[SuggestionRead, Meta],
    responses=problems(tickets.NotFound, *_WRITING),
    name="articles.suggest",
)
async def suggest_articles(asked: SuggestionInput, caller: Reader, db: TenantDb) -> Response:
    """The articles that a ticket or a question may need, counted as shown: say which of them was used."""
    if asked.ticket_id is not None:
        _may_read_tickets(caller)
    made = await suggestions.suggest(db, ticket_id=asked.ticket_id, text=asked.text, limit=asked.limit)
    return plain(made, status=201)


@router.post(
    "/suggestions/{id}/use",
    response_model=Success[UseRead, Meta],
    responses=problems(SuggestionNotFound, *_WRITING),
    name="articles.use_suggestion",
)
async def use_suggestion(id: Id, said: UseInput, caller: Reader, db: TenantDb) -> Response:
    """Say that a suggested article was of use; the hit rate is made of this. Twice is once."""
    return plain(await suggestions.use(db, id, said.article_id))


@router.get(
    "/stats",
    response_model=Success[KnowledgeStats, KnowledgeStatsMeta],
    responses=problems(DatabaseUnavailable),
    name="articles.stats",
)
async def knowledge_stats(asked: Annotated[DayRange, Query()], caller: Reader, db: TenantDb) -> Response:
    """How many articles there are, and how often suggestions were of use in a period: 30 days unless said."""
    span = asked.span(datetime.now(UTC).date())
    return plain(await suggestions.stats(db, span, limit=MOST_USED), span.as_dict())


def _may_read_tickets(caller: Caller) -> None:
    """Raises Lacks: what is suggested says what a ticket is about."""
    if "tickets:read" not in caller.permissions:
        raise Lacks(caller, "tickets:read")


def _hits(rows: list[dict[str, Any]], found: search.Found) -> Response:
    return plain(rows, {"count": len(rows), "meaning": found.meaning, "model_number": found.model_number})

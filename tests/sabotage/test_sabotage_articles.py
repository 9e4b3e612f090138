"""Guards of the knowledge base taken away one at a time: its own tests must notice."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from serve.crm.articles import asking, endpoints, learning, markdown, queries, search, service, suggestions
from serve.crm.articles.service import articles
from serve.crm.search.targets import TARGETS
from serve.kernel.db import Transaction
from serve.kernel.tasks import Work
from tests.sabotage.existing import Case, Guard, Harm, both, cases, instead, sql, without
from tests.serve.crm import test_article_search as searching
from tests.serve.crm import test_articles as writing
from tests.serve.crm import test_search as everywhere
from tests.serve.firm import Firm

editor, reader, write = writing.editor, writing.reader, writing.write
filled, learned, ticket = searching.filled, searching.learned, searching.ticket
rows, find = everywhere.rows, everywhere.find

SEEN, VERSIONS = writing.TestWhoSeesWhat(), writing.TestVersions()
WORDS, MEANING, SUGGESTED = searching.TestWords(), searching.TestMeaning(), searching.TestSuggestions()

ANY_NEIGHBOUR = {
    match: statement.replace(
        "null from readable where article_id", "null from article_versions where article_id"
    )
    for match, statement in search.FIND.items()
}


@asynccontextmanager
async def at_once(work: Work, what: str) -> AsyncIterator[bool]:
    yield True


def searched_without(words: str, by: str = "") -> Harm:
    """Both statements of a search: either alone would keep an article out."""
    assert all(words in statement for statement in (*search.FIND.values(), search.SHOW))
    found = {match: statement.replace(words, by) for match, statement in search.FIND.items()}
    return both(instead(search, "FIND", found), without(search, "SHOW", words, by))


def in_the_view(words: str, by: str) -> Harm:
    """Another condition of what readers see."""
    made = "create or replace view published_articles with (security_invoker = true) as "
    change = "do $$ begin execute '{}' || replace(pg_get_viewdef('published_articles'), '{}', '{}'); end $$"
    quoted = [each.replace("'", "''") for each in (words, by)]
    return sql(change.format(made, *quoted), change.format(made, *reversed(quoted)))


async def _rated_anyway(db: Transaction, article_id: UUID, is_helpful: bool) -> dict[str, Any]:
    article = await articles.get(db, article_id, lock=True)
    counts = await queries.give_feedback(db, article_id, is_helpful, article["published_number"] or 0)
    return {"is_helpful": is_helpful, **counts}


@contextmanager
def _drafts_are_targets(firm: Firm) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(TARGETS, "article", replace(TARGETS["article"], resource=articles))
        yield


@contextmanager
def _readers_hear_of_drafts(firm: Firm) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(firm.running.app.state.hub.audience._of_entity, "article", "articles:read")
        yield


GUARDS = {
    "drafts are for everybody": Guard(
        instead(endpoints, "_is_draft", lambda view, caller: view != "published"),
        SEEN.test_readers_see_what_was_published_and_editors_the_draft,
    ),
    "what was archived stays to be seen": Guard(
        in_the_view("a.state = 'published'", "a.state <> 'draft'"),
        SEEN.test_what_is_archived_or_deleted_is_gone_for_readers,
    ),
    "edits are not counted": Guard(
        instead(service, "CONTENT", ()), SEEN.test_readers_see_what_was_published_and_editors_the_draft
    ),
    "nothing is published": Guard(
        instead(service, "check_can_publish", lambda article: None),
        VERSIONS.test_nothing_is_published_empty,
    ),
    "what is shown is published again": Guard(
        instead(service, "is_shown", lambda article: False),
        VERSIONS.test_what_readers_see_already_is_not_published_again,
    ),
    "updates are lost": Guard(
        instead(service, "check_version", lambda asked, row: None),
        VERSIONS.test_a_lost_update_is_refused,
        {"call": "versions/1/rollback"},
    ),
    "versions change": Guard(
        sql(
            "alter table article_versions disable trigger refuse_change_of_version",
            "alter table article_versions enable trigger refuse_change_of_version",
        ),
        VERSIONS.test_a_version_never_changes,
    ),
    "pages are not cleaned": Guard(
        instead(markdown.nh3, "clean", lambda html, **allowed: html), writing.TestPage().test_it_is_safe_html
    ),
    "whoever says it often counts often": Guard(
        without(queries, "_FEEDBACK", "$3", "coalesce(gen_random_uuid(), $3)"),
        writing.TestFeedback().test_each_person_counts_once_and_may_think_again,
    ),
    "drafts are rated": Guard(
        instead(service, "give_feedback", _rated_anyway),
        writing.TestFeedback().test_each_person_counts_once_and_may_think_again,
    ),
    "drafts are found": Guard(
        _drafts_are_targets, everywhere.TestSeeing().test_drafts_of_the_knowledge_base_are_for_nobody
    ),
    "drafts are heard of": Guard(
        _readers_hear_of_drafts, SEEN.test_readers_hear_of_what_is_published_and_not_of_drafts
    ),
    "what was archived is found": Guard(
        searched_without("and a.state = 'published'"), WORDS.test_drafts_and_what_is_gone_are_not_found
    ),
    "what was deleted is found": Guard(
        searched_without("and a.deleted_at is null"), WORDS.test_drafts_and_what_is_gone_are_not_found
    ),
    "old versions are found": Guard(
        searched_without("v.is_current", "v.id is not null"), WORDS.test_drafts_and_what_is_gone_are_not_found
    ),
    "snippets are taken as they are": Guard(
        instead(search.html, "escape", lambda text: text), WORDS.test_what_is_shown_is_escaped
    ),
    "neighbours are not looked at": Guard(
        instead(search, "FIND", ANY_NEIGHBOUR), MEANING.test_what_is_filtered_out_takes_nobodys_place
    ),
    "everybody learns at once": Guard(
        instead(Work, "alone", at_once), MEANING.test_one_learns_at_a_time_one_waits_and_nobody_else
    ),
    "what was archived is learned from": Guard(
        without(learning, "_TEXTS", "and a.state = 'published'"),
        MEANING.test_the_same_articles_are_not_learned_twice,
    ),
    "whoever reads articles reads tickets": Guard(
        instead(asking, "_may_read_tickets", lambda caller: None),
        SUGGESTED.test_at_the_ticket_by_whoever_may_read_both,
    ),
    "whoever reads articles asks about tickets": Guard(
        instead(asking, "_may_read_tickets", lambda caller: None),
        SUGGESTED.test_whoever_may_not_read_tickets_suggests_for_a_question_alone,
    ),
    "what was archived is still named": Guard(
        without(
            suggestions,
            "_MOST_USED",
            "published_articles p on p.tenant_id = u.tenant_id and p.id",
            "article_versions p on p.article_id",
        ),
        SUGGESTED.test_what_is_not_shown_any_more_is_not_named_either,
    ),
    "twice is twice": Guard(
        without(suggestions, "_USE", "u.used_at", "null::timestamptz as used_at"),
        SUGGESTED.test_a_ticket_gets_articles_and_what_was_used_is_the_hit_rate,
    ),
}


@pytest.mark.parametrize("case", cases(GUARDS))
def test_it_is_noticed(request: pytest.FixtureRequest, firm: Firm, case: Case) -> None:
    case.hold(request, firm)

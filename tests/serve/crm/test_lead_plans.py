"""Whatever leads are asked for by, few rows are looked at, wherever they lie among very many."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import psycopg
import pytest

from benchmarks.leads_set import ASKED, QUESTIONS, SEARCHES, fill, tenant
from serve.crm.leads.store import leads
from serve.crm.search.rules import likely, plainly, slips, words_of
from serve.crm.search.service import IN_USE, Wanted
from serve.kernel.resources import Resource
from serve.kernel.resources.listing import EXACT_UNTIL
from serve.kernel.resources.order import NEAR
from serve.kernel.resources.quick import _parsed
from tests.conftest import TestCluster

LEADS, MANY_LEADS = 100_000, 1_000_000
MOST = NEAR + 6 * EXACT_UNTIL
"""The newest ones, and what a count goes through until it has enough: of what every sixth row is, or more."""

Firm = tuple[psycopg.Connection[Any], str]


def filled(pg: TestCluster, count: int) -> Iterator[Firm]:
    """A connection as the service has it, and a tenant with so many leads; another one has some too."""
    address = pg.clone()
    with psycopg.connect(address.url("super"), autocommit=True) as db:
        few, many = tenant(db, "few"), tenant(db, "many")
        fill(db, {few: 1000, many: count})
    with psycopg.connect(address.url("api"), autocommit=True, cursor_factory=psycopg.RawCursor) as db:
        yield db, str(many)
    pg.drop(address)


@pytest.fixture(scope="module")
def many(pg: TestCluster) -> Iterator[Firm]:
    yield from filled(pg, LEADS)


@pytest.fixture(scope="module")
def very_many(pg: TestCluster) -> Iterator[Firm]:
    yield from filled(pg, MANY_LEADS)


def looked_at(firm: Firm, question: str, resource: Resource = leads) -> int:
    """Rows of the table that the page of a question looks at, or its count: the larger of both."""
    db, tenant = firm
    asked = _parsed(resource.query, question.encode())
    assert asked is not None, question
    plan = resource.listing.plan(asked, is_one=True)  # type: ignore[arg-type]
    return max(
        _touched(explained(db, plan.rows, tenant, *plan.bound), resource.name),
        _touched(explained(db, plan.total, tenant, *plan.counted), resource.name),
    )


def looked_at_by_search(firm: Firm, words: str) -> int:
    """Rows of leads that the search over everything looks at: for the words, for what they may be slips of, and for
    those of them that there are; the largest."""
    db, tenant = firm
    asked = words_of(words)
    meant = slips(asked)
    terms = [term for others in meant.values() for term in others]
    with db.transaction():
        before = _read(db)
        in_use = {term for (term,) in db.execute(IN_USE, (tenant, terms))}
        most = _read(db) - before
    for matching in (plainly(words, asked), likely(meant, in_use)):
        if matching is not None:
            wanted = Wanted(matching=matching, limit=50, count="none")
            plan = leads.listing.plan(wanted, is_one=True)
            most = max(most, _touched(explained(db, plan.rows, tenant, *plan.bound), leads.name))
    return most


def _read(db: psycopg.Connection[Any]) -> int:
    """Rows of leads that this connection has read since its counts were last handed on: never in a transaction."""
    asked = "select seq_tup_read + idx_tup_fetch from pg_stat_xact_user_tables where relname = 'leads'"
    found = db.execute(asked).fetchone()
    assert found is not None
    return int(found[0])


def explained(db: psycopg.Connection[Any], sql: str, *values: Any) -> dict[str, Any]:
    found = db.execute(f"explain (analyze, timing off, format json) {sql}", values).fetchone()
    assert found is not None
    plan: dict[str, Any] = found[0][0]["Plan"]
    return plan


def _touched(node: dict[str, Any], table: str) -> int:
    own = 0
    if node.get("Relation Name") == table:
        own = int((node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"])
    return own + sum(_touched(each, table) for each in node.get("Plans", ()))


def test_every_filter_is_asked():
    assert set(ASKED) == {*leads.listing.filters, "search"}


@pytest.mark.parametrize("question", ["sort=id", "sort=-id", "sort=created_at"])
def test_rows_of_others_that_come_before_are_not_gone_through(many: Firm, question: str):
    db, tenant = many
    plan = leads.listing.plan(_parsed(leads.query, question.encode()), is_one=True)  # type: ignore[arg-type]
    assert _touched(explained(db, plan.rows, tenant, *plan.bound), leads.name) < 100


@pytest.mark.parametrize("question", QUESTIONS)
def test_few_rows_are_looked_at(many: Firm, question: str):
    assert looked_at(many, question) <= MOST


@pytest.mark.parametrize("words", SEARCHES)
def test_few_rows_are_looked_at_by_the_search(many: Firm, words: str):
    assert looked_at_by_search(many, words) <= MOST


@pytest.mark.torture
@pytest.mark.parametrize("words", SEARCHES)
def test_few_rows_are_looked_at_by_the_search_among_a_million(very_many: Firm, words: str):
    assert looked_at_by_search(very_many, words) <= MOST


@pytest.mark.torture
@pytest.mark.parametrize("question", QUESTIONS)
def test_few_rows_are_looked_at_among_a_million(very_many: Firm, question: str):
    assert looked_at(very_many, question) <= MOST


def test_leads_that_nobody_knows_are_not_gone_through_again(pg: TestCluster):
    """The worker asks every few seconds which tenants have leads to locate."""
    address = pg.clone()
    with psycopg.connect(address.url("super"), autocommit=True) as db:
        own = tenant(db, "own")
        fill(db, {own: 5_000, tenant(db, "other"): 5_000})
        db.execute("update leads set located_at = now()")
        db.execute(
            "insert into locations (tenant_id, name, latitude, longitude) values (%s, 'A', 1, 1)", [own]
        )
        db.execute("update locations set look_again_at = null")
        db.execute("vacuum analyze leads")
    with psycopg.connect(address.url("worker"), autocommit=True) as db:
        assert _waiting(db) == ([], pytest.approx(0, abs=100))
        with psycopg.connect(address.url("super"), autocommit=True) as other:
            other.execute(
                "update leads set located_at = null where id = (select id from leads where tenant_id = %s limit 1)",
                [own],
            )
        assert _waiting(db) == ([own], pytest.approx(0, abs=100))
    pg.drop(address)


def _waiting(db: psycopg.Connection[Any]) -> tuple[list[UUID], int]:
    """Tenants that have leads to locate, and how many rows of leads it took to say so."""
    with db.transaction():
        before = _read(db)
        found = [row for (row,) in db.execute("select * from tenants_with_leads_to_locate(now(), 100)")]
        return found, _read(db) - before

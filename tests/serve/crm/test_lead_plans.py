"""Whatever leads are asked for by, few rows are looked at, wherever they lie among very many."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from serve.crm.leads.store import FILTERS, SORTABLE, leads
from serve.kernel.resources import Resource
from serve.kernel.resources.listing import EXACT_UNTIL
from serve.kernel.resources.order import NEAR
from serve.kernel.resources.quick import _parsed
from tests.conftest import TestCluster

LEADS, MANY_LEADS = 100_000, 1_000_000
SEED = 0.5
MOST = NEAR + 6 * EXACT_UNTIL
"""The newest ones, and what a count goes through until it has enough: of what every sixth row is, or more."""

MADE = (
    "insert into tenants (id, slug, name, kind, country, currency) values (%s, %s, %s, 'fleet', 'DE', 'EUR')"
)
FILL = """
    insert into leads (tenant_id, full_name, email, phone, company, city, country, source, status, tags,
        consent_email, cost_cents, currency, value_cents, score, created_at, updated_at, external_id)
    select %(tenant)s, 'Ada Name' || g %% 5000, 'ada' || g || '@example.org', '+49421' || g, 'Company ' || g %% 999,
        'Town' || floor(power(random(), 3) * 500), case when random() < 0.9 then 'DE' else 'AT' end,
        case when age > 0.99 then 'fair' else (array['web', 'referral', 'ads'])[1 + g %% 3] end,
        case when age > 0.3 then (array['won', 'lost', 'lost'])[1 + g %% 3] when age > 0.1 then 'contacted'
            else 'new' end,
        case when age > 0.9 and random() < 0.1 then array['old']
            when random() < 0.2 then array['fleet', 't' || g %% 300] else '{}' end,
        age > 0.97, 0, 'EUR', case when random() < 0.5 then (power(random(), 4) * 10000000)::bigint end,
        case when random() < 0.8 then random() * (0.3 + 0.7 * age) end,
        now() - age * interval '4 years', now() - age * interval '4 years', 'x' || g
    from (select g, 1 - g::float / %(count)s as age from generate_series(1, %(count)s) g) x
"""
"""What was done is old: whoever believes that rows of a kind lie anywhere goes through all that are newer."""

NOBODY = "01234567-89ab-7cde-8f01-23456789abcd"
ASKED = {
    "ids": NOBODY,
    "external_id": "x77",
    "status": ["won", "new", "won,lost", "won,won"],
    "source": ["fair", "web", "fair,ads", "nowhere"],
    **dict.fromkeys(
        ("owner_id", "campaign_id", "zone_id", "account_id", "contact_id", "location_id"), NOBODY
    ),
    "city": ["Town0", "Town499", "Town499,Town498", "Nowhere"],
    "country": ["DE", "AT", "CH"],
    "currency": ["EUR", "USD"],
    "consent_email": ["true", "false"],
    "score": "0.5",
    "min_score": ["0.1", "0.9", "1"],
    "max_score": ["0.001", "0.9"],
    "value_cents": "7",
    "min_value_cents": ["1", "9900000"],
    "max_value_cents": ["0", "5000"],
    "date_start": ["2020-01-01", "2999-01-01"],
    "date_end": ["2020-01-01", "2999-01-01"],
    "updated_at_start": ["2020-01-01", "2999-01-01"],
    "updated_at_end": ["2020-01-01", "2999-01-01"],
    "email": ["ada5@example.org", "nobody@example.org"],
    "phone": "+4942177",
    "tags": ["old", "fleet", "t7", "fleet,t7", "nothing"],
    "any_tags": ["old,t7", "fleet,old"],
    "search": ["name4999", "ada", "ada name17", "nobody"],
    **{
        f"has_{name}": ["true", "false"]
        for name in FILTERS
        if name not in ("status", "source", "consent_email", "tags", "updated_at")
    },
}
QUESTIONS = [
    f"{name}={value}"
    for name, values in ASKED.items()
    for value in ([values] if isinstance(values, str) else values)
]
QUESTIONS += ["status=new&tags=old", "status=won&source=web&city=Town3", "min_score=0.95&status=won", ""]
QUESTIONS += [f"sort={sign}{name}" for name in SORTABLE for sign in ("", "-")]


Firm = tuple[psycopg.Connection[Any], str]


def filled(pg: TestCluster, count: int) -> Iterator[Firm]:
    """A connection as the service has it, and a tenant with so many leads; another one has some too."""
    address = pg.clone()
    tenants = []
    with psycopg.connect(address.url("super"), autocommit=True) as db:
        db.execute("select setseed(%s)", [SEED])
        db.execute("set session_replication_role = replica")  # no event of each
        for slug, rows in (("few", 1000), ("many", count)):
            tenants.append(uuid4())
            db.execute(MADE, [tenants[-1], slug, slug])
            db.execute(FILL, {"tenant": tenants[-1], "count": rows})
        db.execute("vacuum analyze leads")
    with psycopg.connect(address.url("api"), autocommit=True, cursor_factory=psycopg.RawCursor) as db:
        yield db, str(tenants[-1])
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


@pytest.mark.parametrize("question", QUESTIONS)
def test_few_rows_are_looked_at(many: Firm, question: str):
    assert looked_at(many, question) <= MOST


@pytest.mark.torture
@pytest.mark.parametrize("question", QUESTIONS)
def test_few_rows_are_looked_at_among_a_million(very_many: Firm, question: str):
    assert looked_at(very_many, question) <= MOST

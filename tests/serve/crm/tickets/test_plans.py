"""Whatever tickets are asked for by, few rows are looked at, wherever they lie among very many."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from benchmarks.leads_set import MADE
from serve.crm.tickets.service import FILTERS, SORTABLE, tickets
from tests.conftest import TestCluster
from tests.serve.crm.test_lead_plans import MOST, Firm, looked_at

MANY = 60_000
FILL = """
    insert into tickets (tenant_id, account_id, subject, number, status, priority, channel, tags, opened_at,
        created_at, updated_at, external_id)
    select %(tenant)s, %(account)s, 'Word' || g %% 5000 || ' of a customer', g,
        case when age > 0.02 then 'closed' else 'open' end,
        case when age > 0.99 then 'urgent' else (array['low', 'normal', 'high'])[1 + g %% 3] end,
        case when age > 0.98 then 'visit' else 'email' end,
        case when age > 0.97 then array['old'] else array['t' || g %% 300] end,
        now() - age * interval '4 years', now() - age * interval '4 years', now() - age * interval '4 years', 'x' || g
    from (select g, 1 - g::float / %(count)s as age from generate_series(1, %(count)s) g) x
"""
NOBODY = "01234567-89ab-7cde-8f01-23456789abcd"
DAYS = ("2020-01-01", "2999-01-01")
QUESTIONS = [
    *(f"status={each}" for each in ("open", "closed", "pending", "open,pending")),
    *(
        "priority=urgent",
        "priority=high,urgent",
        "channel=visit",
        "is_breached=true",
        "tags=old",
        "any_tags=t7,old",
    ),
    *("external_id=x77", "number=77", "min_number=59990", "max_number=5", "search=word4999"),
    *(
        f"{name}={NOBODY}"
        for name in ("account_id", "contact_id", "job_id", "assignee_id", "sla_policy_id", "merged_into_id")
    ),
    *(
        f"{name}_{end}={day}"
        for name in ("opened_at", "updated_at", "first_reply_due_at", "resolution_due_at")
        for end in ("start", "end")
        for day in DAYS
    ),
    *(f"sort={sign}{name}" for name in SORTABLE for sign in ("", "-")),
    *("status=open&priority=high&tags=t7", ""),
]


@pytest.fixture(scope="module")
def many(pg: TestCluster) -> Iterator[Firm]:
    """A connection as the service has it, and a tenant with so many tickets; another one has some too."""
    address = pg.clone()
    tenants: list[Any] = []
    with psycopg.connect(address.url("super"), autocommit=True) as db:
        db.execute("set session_replication_role = replica")  # no event of each
        for slug, count in (("few", 1000), ("many", MANY)):
            tenants.append(uuid4())
            account_id = uuid4()
            db.execute(MADE, [tenants[-1], slug, slug])
            db.execute(
                "insert into accounts (id, tenant_id, kind, name, country, segment)"
                " values (%s, %s, 'company', 'Firm', 'DE', 'smb')",
                [account_id, tenants[-1]],
            )
            db.execute(FILL, {"tenant": tenants[-1], "account": account_id, "count": count})
        db.execute("vacuum analyze tickets")
    with psycopg.connect(address.url("api"), autocommit=True, cursor_factory=psycopg.RawCursor) as db:
        yield db, str(tenants[-1])
    pg.drop(address)


def test_every_filter_is_asked():
    asked = {part.partition("=")[0] for question in QUESTIONS for part in question.split("&")}
    assert all(any(name.removeprefix("any_").startswith(each) for name in asked) for each in FILTERS)


@pytest.mark.parametrize("question", QUESTIONS)
def test_few_rows_are_looked_at(many: Firm, question: str):
    assert looked_at(many, question, tickets) <= MOST

"""Very many leads, and everything that they are asked by: for plans in tests and for answers in benchmarks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid4

import psycopg

from serve.crm.leads.store import FILTERS, SORTABLE

SEED = 0.5
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
SEARCHES = [
    *("ada", "name4999", "ada name17", "ada77@example.org", "+49 421 77", "+4942177777", "company 7 ada"),
    *("nobody", "comapny", "name4989 compny", "exampel adaa", "town499 nmae17"),
]
"""Questions to the one search over everything: words, beginnings, numbers, slips."""


def tenant(db: psycopg.Connection[Any], slug: str) -> UUID:
    tenant_id = uuid4()
    db.execute(MADE, [tenant_id, slug, slug])
    return tenant_id


def fill(db: psycopg.Connection[Any], rows: Mapping[UUID, int]) -> None:
    """So many leads of each tenant; ``db`` is the superuser's, in autocommit."""
    db.execute("select setseed(%s)", [SEED])
    db.execute("set session_replication_role = replica")  # no event of each
    for tenant_id, count in rows.items():
        db.execute(FILL, {"tenant": tenant_id, "count": count})
    db.execute("vacuum analyze leads")

"""What the model is shown of a lead is what it learned from: the service and the warehouse compute the same."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import duckdb
import jinja2
import pytest

from serve.crm.scoring.features import NAMES, features_of
from serve.kernel.tasks.acting import acting_for

PROJECT = Path(__file__).parents[3]
UNTIL = datetime(2026, 3, 10, 12, tzinfo=UTC)
_COLUMNS = (
    "id, tenant_id, company, source, status, cost_cents, value_cents, first_replied_at, won_at, lost_at,"
    " snapshot_date, attributes::text, created_at"
)
COMPARED = (*NAMES, "as_of_at", "attributes", "is_snapshot", "is_won", "closed_at", "known_until_at")


@pytest.fixture
def many(firm):
    """Leads of every kind, with their activities; some of both were deleted."""
    drawn, made = random.Random(7), []
    for number in range(60):
        created = UNTIL - timedelta(seconds=drawn.uniform(0, 6 * 86_400), microseconds=drawn.randrange(10**6))
        replied = created + timedelta(hours=drawn.uniform(-2, 90)) if drawn.random() < 0.7 else None
        status = drawn.choice(["new", "contacted", "won", "lost"])
        closed = created + timedelta(days=2)
        snapshot = date(2026, 3, 1) if number % 10 == 0 else None
        ((lead,),) = firm.sql(
            "insert into leads (tenant_id, full_name, company, source, status, cost_cents, currency, created_at,"
            " first_replied_at, won_at, lost_at, snapshot_date, attributes)"
            " values (%s, 'F', %s, %s, %s, %s, 'EUR', %s, %s, %s, %s, %s, '{\"Lead Origin\": \"API\", \"n\": 2}')"
            " returning id",
            *(firm.a, drawn.choice([None, "AG"]), drawn.choice(["web", "fair"]), status),
            *(drawn.choice([0, 900]), created, replied, closed if status == "won" else None),
            *(closed if status == "lost" else None, snapshot),
        )
        made.append(str(lead))
        for _ in range(drawn.randrange(6)):
            happened = created + timedelta(hours=drawn.choice([48, drawn.uniform(-1, 100)]))
            firm.sql(
                "insert into lead_activities (tenant_id, lead_id, kind, happened_at, duration_s, deleted_at)"
                " values (%s, %s, %s, %s, %s, %s)",
                *(
                    firm.a,
                    lead,
                    drawn.choice(["visit", "visit", "call", "email", "reply", "meeting", "note"]),
                ),
                *(happened, drawn.choice([None, drawn.uniform(0, 500)]), drawn.choice([None, None, UNTIL])),
            )
    return made


def rendered(path: str) -> str:
    """A model's statement as dbt would have it, of tables of the same names."""
    macros = "".join(
        (PROJECT / f"transforms/macros/{name}.sql").read_text() for name in ("times", "month_of")
    )
    text = (PROJECT / path).read_text()
    return jinja2.Environment().from_string(macros + text).render(ref=lambda name: name)


def in_the_warehouse(firm, ids):
    """The same rows, through the warehouse's own statements."""
    connection = duckdb.connect()
    connection.execute("set TimeZone = 'UTC'")
    connection.execute(
        "create table stg_leads (lead_id uuid, tenant_id uuid, company text, source text, status text,"
        " cost_cents bigint, value_cents bigint, first_replied_at timestamptz, won_at timestamptz, lost_at timestamptz,"
        " snapshot_date date, attributes json, created_at timestamptz, _source int, _load int, _change_xid int,"
        " _deleted boolean);"
        "create table stg_lead_activities (tenant_id uuid, lead_id uuid, kind text, happened_at timestamptz,"
        " duration_s double);"
        "create table int_tenant_clock (tenant_id uuid, data_until_at timestamptz)"
    )
    rows = firm.sql(f"select {_COLUMNS}, 1, 1, 1, false from leads where id = any (%s)", ids)
    connection.executemany(f"insert into stg_leads values ({', '.join('?' * 17)})", rows)
    rows = firm.sql(
        "select tenant_id, lead_id, kind, happened_at, duration_s from lead_activities"
        " where lead_id = any (%s) and deleted_at is null order by id",
        ids,
    )
    if rows:
        connection.executemany("insert into stg_lead_activities values (?, ?, ?, ?, ?)", rows)
    connection.execute("insert into int_tenant_clock values (?, ?)", [firm.a, UNTIL])
    connection.execute(f"create table fct_leads as {rendered('transforms/models/marts/facts/fct_leads.sql')}")
    found = connection.sql(rendered("transforms/models/features/leads.sql"))
    key = found.columns.index("lead_id")
    return {str(row[key]): dict(zip(found.columns, row, strict=True)) for row in found.fetchall()}, connection


def test_both_compute_the_same(firm, many):
    async def ours():
        async with firm.running.app.state.database.transaction(acting_for(firm.a, None)) as db:
            return await features_of(db, many, UNTIL)

    served = {row["lead_id"]: row for row in firm.running.wait_for(ours())}
    theirs, _ = in_the_warehouse(firm, many)
    assert set(served) == set(theirs) == set(many)
    for lead_id, row in theirs.items():
        for name in COMPARED:
            mine, other = served[lead_id][name], row[name]
            if name == "attributes":
                assert (mine is None) == (other is None), name
            elif isinstance(other, float):
                assert mine == pytest.approx(other, rel=1e-12), (lead_id, name)
            else:
                assert mine == other, (lead_id, name)
    assert {row["reply_count"] for row in theirs.values()} > {0}


def test_leads_of_another_tenant_are_not_looked_at(firm, many):
    async def theirs():
        async with firm.running.app.state.database.transaction(acting_for(firm.b, None)) as db:
            return await features_of(db, [*many, uuid4()], UNTIL)

    assert firm.running.wait_for(theirs()) == []

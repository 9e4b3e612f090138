"""What the service counts from its rows and what the marts say of the same rows is one number."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import argon2
import psycopg
import pytest
from psycopg.rows import dict_row

from pipelines.demo import Size, load, simulate
from pipelines.ingest.operational import extract
from serve.crm.figures import queries as figures
from serve.crm.funnel import queries as lead_queries
from serve.crm.funnel.schemas import LeadsAsked
from serve.crm.tickets import queries as ticket_queries
from tests.transforms.line import Line

CHEAP = argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


class Asked:
    """As much of a transaction of the service as its figures need."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._cursor = psycopg.RawCursor(connection, row_factory=dict_row)

    async def fetch_one(self, statement: str, *values: Any) -> dict[str, Any] | None:
        return self._cursor.execute(statement.encode(), values).fetchone()

    async def fetch(self, statement: str, *values: Any) -> list[dict[str, Any]]:
        return self._cursor.execute(statement.encode(), values).fetchall()


@pytest.fixture(scope="module")
def demo(pg: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Line, psycopg.Connection[Any]]]:
    """The store with the demo, and the warehouse after a run."""
    address, line = pg.clone(), Line(tmp_path_factory.mktemp("live"))
    simulation = simulate(Size.TINY, seed=2, until=date(2026, 6, 30))
    load(address.url("super"), simulation, passwords=lambda logins: None, hasher=CHEAP)
    with line.landing.writer("run") as writer:
        extract(address, writer, line.contracts)
    line.build(
        "stg_tenants",
        "+sla_monthly",
        "+lead_funnel_by_owner",
        "+lead_sources",
        "+reviews_monthly",
        "+quotes_monthly",
        "+calls_monthly",
    )
    with psycopg.connect(address.url("api")) as connection:
        yield line, connection
    pg.drop(address)


def tenants(line: Line) -> list[str]:
    return line.read("select tenant_id::varchar as id from staging.stg_tenants")["id"].to_list()


def acting(connection: psycopg.Connection[Any], tenant: str) -> Asked:
    connection.execute(
        "select set_config('app.tenant_id', %s, false), set_config('app.tenant_ids', %s, false)",
        (tenant, tenant),
    )
    return Asked(connection)


def test_promises_are_kept_as_often(demo: tuple[Line, psycopg.Connection[Any]]) -> None:
    """The service's clock is the wall's: what runs when the demo ends is late for it by now, so both count as one."""
    line, connection = demo
    for tenant in tenants(line):
        live = asyncio.run(ticket_queries.figures(acting(connection, tenant), None, None))  # type: ignore[arg-type]
        rows = line.read(
            "select priority, clock, sum(met_count)::int as met, sum(breached_count + running_count)::int as others"
            f" from marts.sla_monthly where tenant_id = '{tenant}' group by all"
        ).to_dicts()
        found = {(row["priority"], row["clock"]): (row["met"], row["others"]) for row in rows}
        expected = {
            (each["priority"], clock): (
                each[clock]["within_count"],
                each[clock]["breached_count"] + each[clock]["running_count"],
            )
            for each in live
            if each["priority"] is not None
            for clock in ("first_reply", "resolution")
        }
        assert found == expected
        assert sum(met for met, _ in found.values()) > 0


def test_leads_of_a_source_have_come_as_far(demo: tuple[Line, psycopg.Connection[Any]]) -> None:
    line, connection = demo
    counts = [f"{step}_count" for step in ("contacted", "qualified", "won", "lost")]
    for tenant in tenants(line):
        span = (date(2020, 1, 1), date(2027, 1, 1))
        steps = asyncio.run(lead_queries.steps(acting(connection, tenant), LeadsAsked(), span))  # type: ignore[arg-type]
        sums = ", ".join(f"sum({name})::int" for name in ("lead_count", *counts))
        found = line.read(
            f"select source, {sums} from marts.lead_funnel_by_owner where tenant_id = '{tenant}' group by source"
        ).rows()
        expected = [(row["source"], row["came_count"], *(row[name] for name in counts)) for row in steps[1:]]
        assert sorted(found) == sorted(expected)
        of_source = line.read(
            f"select source, lead_count, won_count, lost_count from marts.lead_sources where tenant_id = '{tenant}'"
        ).rows()
        assert sorted(of_source) == sorted((row[0], row[1], row[4], row[5]) for row in expected)


def test_times_and_first_replies_of_one_persons_leads_are_the_same(
    demo: tuple[Line, psycopg.Connection[Any]],
) -> None:
    line, connection = demo
    cells = line.read(
        "select * replace (tenant_id::varchar as tenant_id, owner_id::varchar as owner_id)"
        " from marts.lead_funnel_by_owner where owner_id is not null"
        " order by lead_count desc, month, source, owner_id limit 8"
    ).to_dicts()
    assert cells[0]["answered_count"] > 1
    for cell in cells:
        first = cell["month"]
        after = date(first.year + first.month // 12, first.month % 12 + 1, 1)
        span = (first, after - timedelta(days=1))
        asked = LeadsAsked(source=cell["source"], owner_id=cell["owner_id"])
        db: Any = acting(connection, cell["tenant_id"])
        whole, *_ = asyncio.run(lead_queries.steps(db, asked, span))
        assert whole["came_count"] == cell["lead_count"]
        for step in ("contact", "qualify", "win"):
            assert hours(whole[f"median_{step}_s"]) == pytest.approx(cell[f"median_{step}_hours"])
        replies = asyncio.run(lead_queries.replies(db, asked, span, 3600, datetime.now(UTC)))
        assert replies["answered_count"] == cell["answered_count"]
        assert replies["in_time_count"] == cell["within_hour_count"]
        assert hours(replies["median_s"]) == pytest.approx(cell["median_reply_hours"])
        assert hours(replies["p90_s"]) == pytest.approx(cell["p90_reply_hours"])


def test_as_many_have_answered_with_the_same_marks(demo: tuple[Line, psycopg.Connection[Any]]) -> None:
    line, connection = demo
    for tenant in tenants(line):
        live = asyncio.run(acting(connection, tenant).fetch(REVIEWS))
        found = line.read(
            "select month::varchar as month, channel, asked_count, opened_count, answered_count, expired_count,"
            " waiting_count, rating_mean, good_count, median_answer_hours from marts.reviews_monthly"
            f" where tenant_id = '{tenant}' order by month, channel"
        ).to_dicts()
        assert len(found) > 15
        for row, expected in zip(found, live, strict=True):
            assert row == pytest.approx({**expected, "rating_mean": number(expected["rating_mean"])})


def test_quotes_of_a_month_come_to_the_same(demo: tuple[Line, psycopg.Connection[Any]]) -> None:
    line, connection = demo
    names = [f"{step}_{unit}" for step in ("sent", "accepted", "declined") for unit in ("count", "cents")]
    for tenant in tenants(line):
        rows = line.read(
            f"select month, currency, {', '.join(names)} from marts.quotes_monthly"
            f" where tenant_id = '{tenant}' order by month"
        ).to_dicts()
        assert len(rows) > 20
        for row in rows:
            first = row["month"]
            after = date(first.year + first.month // 12, first.month % 12 + 1, 1)
            within = figures.moments_of((first, after - timedelta(days=1)))
            (live,) = asyncio.run(figures.quotes(acting(connection, tenant), within))  # type: ignore[arg-type]
            assert {name: row[name] for name in ("currency", *names)} == {
                name: live[name] for name in ("currency", *names)
            }
        whole = (datetime(2020, 1, 1, tzinfo=UTC), datetime(2030, 1, 1, tzinfo=UTC))
        (live,) = asyncio.run(figures.quotes(acting(connection, tenant), whole))  # type: ignore[arg-type]
        assert live["sent_count"] == sum(row["sent_count"] for row in rows)


def test_as_many_calls_were_answered_and_took_as_long(demo: tuple[Line, psycopg.Connection[Any]]) -> None:
    line, connection = demo
    for tenant in tenants(line):
        live = asyncio.run(acting(connection, tenant).fetch(CALLS))
        found = line.read(
            "select month::varchar as month, direction, user_id::varchar as user_id, call_count, answered_count,"
            " voicemail_count, no_answer_count, busy_count, declined_count, failed_count, missed_count, returned_count,"
            f" talk_s, median_talk_s, median_return_hours from marts.calls_monthly where tenant_id = '{tenant}'"
            " order by month, direction, user_id nulls last"
        ).to_dicts()
        assert len(found) > 50
        assert sum(row["returned_count"] for row in found) > 0
        for row, expected in zip(found, live, strict=True):
            assert row == pytest.approx(expected)


CALLS = """
    with returned as (
        select c.id, extract(epoch from min(o.started_at) - c.started_at)::double precision / 3600 as hours
        from calls c join calls o on o.contact_id = c.contact_id and o.direction = 'outbound' and o.deleted_at is null
            and o.started_at > c.started_at and o.started_at <= c.started_at + interval '72 hours'
        where c.deleted_at is null and c.direction = 'inbound' and c.outcome <> 'answered'
        group by c.id
    )
    select to_char(date_trunc('month', started_at at time zone 'UTC'), 'YYYY-MM-DD') as month, direction,
        user_id::text as user_id, count(*) as call_count,
        count(*) filter (where outcome = 'answered') as answered_count,
        count(*) filter (where outcome = 'voicemail') as voicemail_count,
        count(*) filter (where outcome = 'no_answer') as no_answer_count,
        count(*) filter (where outcome = 'busy') as busy_count,
        count(*) filter (where outcome = 'declined') as declined_count,
        count(*) filter (where outcome = 'failed') as failed_count,
        count(*) filter (where direction = 'inbound' and outcome <> 'answered') as missed_count,
        count(r.id) as returned_count,
        coalesce(sum(duration_s) filter (where outcome = 'answered'), 0) as talk_s,
        percentile_cont(0.5) within group (order by duration_s) filter (where outcome = 'answered') as median_talk_s,
        percentile_cont(0.5) within group (order by r.hours) as median_return_hours
    from calls c left join returned r on r.id = c.id
    where deleted_at is null
    group by 1, 2, 3 order by 1, 2, user_id::text nulls last
"""

REVIEWS = """
    select to_char(date_trunc('month', coalesce(sent_at, answered_at) at time zone 'UTC'), 'YYYY-MM-DD') as month,
        channel, count(*) as asked_count, count(*) filter (where opened_at is not null) as opened_count,
        count(*) filter (where status = 'answered') as answered_count,
        count(*) filter (where status = 'expired') as expired_count,
        count(*) filter (where status in ('sent', 'opened')) as waiting_count,
        avg(rating) as rating_mean, count(*) filter (where rating in (4, 5)) as good_count,
        percentile_cont(0.5) within group (order by extract(epoch from answered_at - sent_at)) / 3600
            as median_answer_hours
    from review_requests
    where deleted_at is null and (sent_at is not null or answered_at is not null)
    group by 1, 2 order by 1, 2
"""


def number(value: Any) -> float | None:
    return None if value is None else float(value)


def hours(seconds: float | None) -> float | None:
    return None if seconds is None else float(seconds) / 3600

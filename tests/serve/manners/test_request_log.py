"""Requests become rows, without a request ever waiting for its row."""

from __future__ import annotations

import time
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from serve.kernel.caller import Caller
from serve.kernel.db import Database, DatabaseUnavailable
from serve.kernel.request_log import RequestLog

MEASURED = ("GET", "/api/v1/contacts/{id}", 200, 1.5, 0, 120, 1_800_000_000.0)


def person(tenant_id: UUID) -> Caller:
    return Caller(uuid4(), "a@b.example", tenant_id, "owner", frozenset(), (tenant_id,), "token", 0)


def rows_of(firm, tenant: UUID, route: str) -> list[Any]:
    """As soon as they are there: the loop writes once a second."""
    deadline = time.monotonic() + 15
    while True:
        rows = firm.sql(
            "select method, route, status, user_id, duration_ms, request_bytes, response_bytes from api_requests"
            " where tenant_id = %s and route = %s order by requested_at",
            tenant,
            route,
        )
        if rows or time.monotonic() > deadline:
            return rows
        time.sleep(0.1)


def test_a_request_becomes_a_row_with_the_template_and_no_value(firm):
    contact = uuid4()
    response = firm.client().get(f"/api/v1/contacts/{contact}")
    assert response.status_code == 404
    [row] = rows_of(firm, firm.a, "/api/v1/contacts/{id}")
    assert row[:4] == ("GET", "/api/v1/contacts/{id}", 404, firm.people[firm.a, "owner"])
    assert row[4] > 0
    assert row[5:] == (0, len(response.content))
    firm.client(tenant=firm.b).get("/api/v1/accounts?search=secret-word")
    [row] = rows_of(firm, firm.b, "/api/v1/accounts")
    assert row[:3] == ("GET", "/api/v1/accounts", 200)
    assert firm.sql("select count(*) from api_requests where api_requests::text like '%secret-word%'") == [
        (0,)
    ]
    assert firm.sql(
        "select count(*) from api_requests where route = '/api/v1/accounts' and tenant_id = %s", firm.a
    ) == [(0,)]


def test_what_waits_is_written_when_the_process_ends(db, home, run_app):
    tenant = uuid4()
    with psycopg.connect(db.url("super")) as connection:
        connection.execute(
            "insert into tenants (id, slug, name, kind, country, currency) values (%s, 'x', 'X', 'fleet', 'DE', 'EUR')",
            (tenant,),
        )
    running = run_app(home, database_url=db.base)
    for _ in range(25):
        assert running.caller(tenant).get("/api/v1/contacts").status_code == 200
    running.stop()
    with psycopg.connect(db.url("super")) as connection:
        found = connection.execute("select count(*), count(distinct id) from api_requests").fetchone()
    assert found == (25, 25)


class TestMemory:
    async def test_it_is_bounded_and_counts_what_it_drops(self):
        requests = RequestLog(most_rows=3)
        for _ in range(5):
            requests.add(person(uuid4()), MEASURED)
        assert (len(requests), requests.dropped_count) == (3, 2)

    @pytest.fixture
    async def store(self, firm):
        database = Database(lambda: firm.address.url("worker"), size=1)
        yield database
        await database.close()

    async def test_a_database_that_is_away_loses_nothing(self, firm, store):
        requests = RequestLog()
        who = person(firm.a)
        requests.add(who, ("PUT", "/away", *MEASURED[2:]))
        away = Database(lambda: "postgresql://localhost:1/none", size=1)
        for _ in range(2):
            with pytest.raises(DatabaseUnavailable):
                await requests.write(away)
        requests.add(who, ("PUT", "/away", *MEASURED[2:]))
        await requests.close(store)
        assert (len(requests), requests.written_count, requests.dropped_count) == (0, 2, 0)
        assert len(rows_of(firm, firm.a, "/away")) == 2

    async def test_written_twice_it_is_there_once(self, firm, store):
        """As after a connection that broke in the moment of the commit."""
        requests = RequestLog()
        requests.add(person(firm.a), ("PUT", "/twice", *MEASURED[2:]))
        requests._name()
        [batch] = requests._named.values()
        await batch.insert(store)
        await requests.write(store)
        assert len(rows_of(firm, firm.a, "/twice")) == 1

    async def test_rows_that_cannot_be_written_hold_up_nobody(self, firm, store):
        requests = RequestLog()
        requests.add(person(uuid4()), MEASURED)  # of a tenant that is gone
        requests.add(person(firm.b), ("PUT", "/behind", *MEASURED[2:]))
        await requests.write(store)
        assert (requests.written_count, requests.dropped_count) == (1, 1)
        assert len(rows_of(firm, firm.b, "/behind")) == 1

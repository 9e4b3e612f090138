"""What the service counts from its rows and what the marts say of the same rows is one number."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import date
from typing import Any

import argon2
import psycopg
import pytest
from psycopg.rows import dict_row

from pipelines.demo import Size, load, simulate
from pipelines.ingest.operational import extract
from serve.crm.tickets import queries as ticket_queries
from tests.transforms.line import Line

CHEAP = argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


class Asked:
    """As much of a transaction of the service as its figures need."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._cursor = psycopg.RawCursor(connection, row_factory=dict_row)

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
    line.build("stg_tenants", "+sla_monthly")
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

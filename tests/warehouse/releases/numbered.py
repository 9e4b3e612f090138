"""A small warehouse whose every row carries the number of the release it was made for."""

from __future__ import annotations

import uuid
from pathlib import Path

import duckdb

ACME = uuid.UUID("00000000-0000-7000-8000-00000000000a")
BOLT = uuid.UUID("00000000-0000-7000-8000-00000000000b")
TABLES = ("sales", "visits")
ROWS = {ACME: 30, BOLT: 20}


def fill(warehouse: Path, number: int) -> None:
    """(Re)build the marts; `number` stands in every row of every table."""
    with duckdb.connect(str(warehouse)) as conn:
        conn.execute("create schema if not exists marts")
        for table in TABLES:
            conn.execute(
                f"create or replace table marts.{table} as"
                " select tenant_id, date '2026-01-01' + (i % 7)::int as sold_date, i as amount_cents,"
                " $number as number"
                " from (values ($acme::uuid, $acme_rows), ($bolt::uuid, $bolt_rows)) owners(tenant_id, n),"
                " range(n) r(i)",
                {
                    "number": number,
                    "acme": str(ACME),
                    "acme_rows": ROWS[ACME],
                    "bolt": str(BOLT),
                    "bolt_rows": ROWS[BOLT],
                },
            )
        conn.execute(
            "create or replace table marts.calendar as"
            " select date '2026-01-01' + i::int as day from range(31) r(i)"
        )

"""A small warehouse whose every row carries the number of the release it was made for."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from warehouse.releases import ReleaseInfo, ReleaseReader, publish

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


@pytest.fixture
def releases(tmp_path: Path) -> Path:
    return tmp_path / "releases"


@pytest.fixture
def warehouse(tmp_path: Path) -> Path:
    path = tmp_path / "warehouse.duckdb"
    fill(path, 1)
    return path


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    path = tmp_path / "semantic_manifest.json"
    path.write_text(json.dumps({"metrics": []}))
    return path


@pytest.fixture
def reader(releases: Path) -> Iterator[ReleaseReader]:
    """A reader that looks at the pointer before every query."""
    opened = ReleaseReader(releases, check_every_ms=0)
    yield opened
    opened.close()


@pytest.fixture
def publish_number(warehouse: Path, releases: Path) -> Callable[[int], ReleaseInfo]:
    """Rebuild the warehouse with that number in every row, and publish it."""

    def run(number: int) -> ReleaseInfo:
        fill(warehouse, number)
        return publish(
            warehouse,
            releases,
            tables=TABLES,
            shared_tables=["calendar"],
            as_of=datetime(2026, 1, 31, tzinfo=UTC),
            run_id=f"run-{number}",
        )

    return run

"""A release for every route that answers from one: the small tables, and the toy project for metric queries."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import duckdb

from tests.serve.small_release import TABLES as SMALL
from tests.serve.small_release import A, B
from tests.warehouse.metrics.toy import ACME, BOLT, SHARED, TABLES, fill, semantic_manifest
from warehouse.releases import publish


def publish_surface(folder: Path) -> Path:
    """The folder of releases; both of its tenants, ``A`` and ``B``, have figures and metrics."""
    warehouse = folder / "warehouse.duckdb"
    fill(warehouse)
    with duckdb.connect(str(warehouse)) as conn:
        conn.execute("set timezone = 'UTC'")
        for table in TABLES:
            for toy, ours in ((ACME, A), (BOLT, B)):
                conn.execute(f"update marts.{table} set tenant_id = ? where tenant_id = ?", [ours, toy])
        conn.execute(SMALL)
        tables = [name for (name,) in conn.execute("select table_name from duckdb_tables()").fetchall()]
    publish(
        warehouse,
        folder / "releases",
        tables=[name for name in tables if name not in SHARED],
        shared_tables=SHARED,
        as_of=datetime(2026, 1, 31, 23, 59, tzinfo=UTC),
        run_id="surface",
        semantic_manifest=semantic_manifest(folder / "toy"),
        cards=[
            {
                "tenant_id": str(A),
                "question": "revenue_forecast",
                "version": "v7",
                "metrics": {},
                "baseline": {},
            }
        ],
    )
    return folder / "releases"

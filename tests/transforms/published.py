"""The demo as a release, and what its metrics say."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pyarrow as pa

from tests.transforms.demo import UNTIL
from tests.transforms.line import Line
from warehouse.metrics import MetricEngine, MetricQuery, engine_of, execute
from warehouse.releases import ReleaseReader, publish


class Published:
    """A release of the demo, with what is in it."""

    def __init__(self, line: Line, manifest: Path) -> None:
        tables = {
            name: line.read(f"select * from marts.{name} limit 0").columns for name in line.tables("marts")
        }
        publish(
            line.home.warehouse_file,
            line.home.releases,
            tables=[name for name, columns in tables.items() if "tenant_id" in columns],
            shared_tables=[name for name, columns in tables.items() if "tenant_id" not in columns],
            as_of=datetime(UNTIL.year, UNTIL.month, UNTIL.day, tzinfo=UTC),
            run_id="test",
            semantic_manifest=manifest,
        )
        self.reader = ReleaseReader(line.home.releases)
        self.tenants: list[UUID] = line.read("select tenant_id::varchar as id from marts.dim_tenants")[
            "id"
        ].to_list()
        with self.reader.query(self.tenants[0]) as session:
            self.engine: MetricEngine = engine_of(session)

    def ask(self, tenant: UUID, query: MetricQuery) -> pa.Table:
        return execute(self.reader, tenant, query)

    def series(self, tenant: UUID, metric: str, grain: str) -> dict[object, float]:
        rows = self.ask(tenant, MetricQuery((metric,), ("metric_time",), grain=grain)).to_pylist()
        return {moment: value for moment, value in (row.values() for row in rows) if value is not None}

    def column(self, tenant: UUID, sql: str) -> dict[object, float]:
        with self.reader.query(tenant) as session:
            rows = session.fetch_arrow(sql, {}).to_pylist()
        return {moment: value for moment, value in (row.values() for row in rows) if value is not None}

"""One published release of the toy project for all tests of metrics; none of them changes it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.warehouse.metrics.toy import ACME, SHARED, TABLES, fill, semantic_manifest
from warehouse.metrics import MetricEngine, MetricQuery, execute
from warehouse.releases import ReleaseReader, publish


@pytest.fixture(scope="session")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return semantic_manifest(tmp_path_factory.mktemp("toy"))


@pytest.fixture(scope="session")
def reader(tmp_path_factory: pytest.TempPathFactory, manifest: Path) -> Iterator[ReleaseReader]:
    folder = tmp_path_factory.mktemp("release")
    fill(folder / "warehouse.duckdb")
    publish(
        folder / "warehouse.duckdb",
        folder / "releases",
        tables=TABLES,
        shared_tables=SHARED,
        as_of=datetime(2025, 2, 28, tzinfo=UTC),
        run_id="toy",
        semantic_manifest=manifest,
    )
    opened = ReleaseReader(folder / "releases")
    yield opened
    opened.close()


@pytest.fixture
def engine(manifest: Path) -> MetricEngine:
    """An engine that has compiled nothing yet."""
    return MetricEngine(manifest.read_text())


@pytest.fixture
def ask(reader: ReleaseReader) -> Callable[..., list[tuple[Any, ...]]]:
    """The rows of a question, asked as ACME unless said otherwise."""

    def run(*metrics: str, tenant: Any = ACME, **parts: Any) -> list[tuple[Any, ...]]:
        table = execute(reader, tenant, MetricQuery(metrics=metrics, **parts))
        return [tuple(row.values()) for row in table.to_pylist()]

    return run

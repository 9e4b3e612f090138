"""Fixtures around the numbered warehouse."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.warehouse.releases.numbered import TABLES, fill
from warehouse.releases import ReleaseInfo, ReleaseReader, publish

EMPTY_MANIFEST = {"semantic_models": [], "metrics": [], "project_configuration": {"time_spines": []}}


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
    path.write_text(json.dumps(EMPTY_MANIFEST))
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

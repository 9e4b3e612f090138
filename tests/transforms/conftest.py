"""A line of data of its own for each test, and one with the demo for those that only read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.transforms.demo import demo_line, predict
from tests.transforms.line import Line
from tests.transforms.published import Published


@pytest.fixture
def line(tmp_path: Path) -> Line:
    return Line(tmp_path)


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Line:
    """Everything built from the demo, with predictions of a kind."""
    line = demo_line(tmp_path_factory.mktemp("demo"))
    predict(line)
    line.build("tag:predicted")
    return line


@pytest.fixture(scope="session")
def published(demo: Line) -> Iterator[Published]:
    found = Published(demo, demo.home.dbt / "target" / "semantic_manifest.json")
    yield found
    found.reader.close()

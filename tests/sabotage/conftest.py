"""A firm of its own for each sabotage: whatever is broken there is gone afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import TestCluster
from tests.serve.conftest import firm as firm
from tests.surface.calls import Surface
from tests.surface.conftest import open_surface


@pytest.fixture
def surface(pg: TestCluster, tmp_path: Path) -> Iterator[Surface]:
    address = pg.clone()
    surface = open_surface(tmp_path / "home", address)
    try:
        yield surface
    finally:
        surface.close()
        pg.drop(address)

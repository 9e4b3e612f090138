"""A made-up shop, once as a whole set and once as additions."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.pipelines.sources.shop import Shop


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


@pytest.fixture
def additions(tmp_path: Path) -> Shop:
    return Shop(tmp_path, delivery="additions")

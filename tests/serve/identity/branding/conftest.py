"""A client who sets a look, of whom nothing is stored before."""

from __future__ import annotations

import httpx
import pytest


@pytest.fixture
def no_look_of_before(firm):
    """Whatever a test sets is gone after it."""
    yield
    firm.sql("delete from brand_versions")
    firm.sql("update flags set rules = '[]', is_enabled = false")


@pytest.fixture
def owner(firm) -> httpx.Client:
    return firm.client()

"""A service, its people, and for modules that answer for rows of the endpoint list the check that they called them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.journeys.person import Office
from tests.journeys.rows import calls_of
from tests.serve.conftest import firm as firm  # the fixture
from tests.serve.firm import Firm


@pytest.fixture(scope="module")
def office(firm: Firm, request: pytest.FixtureRequest) -> Iterator[Office]:
    """The module's service. A module with a GROUP has called each row of it when its journeys have ended."""
    office = Office(firm)
    yield office
    office.close()
    left_out = calls_of(request.module.GROUP) - office.called if hasattr(request.module, "GROUP") else set()
    assert left_out == set(), "rows that this journey does not call"

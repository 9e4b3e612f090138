"""A firm in which nothing lies anywhere yet, and the look of the worker's clock."""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

import pytest

from serve.crm.places.locating import locate_due
from tests.serve.crm.conftest import LEADS
from tests.serve.crm.test_places import LOCATIONS

NOWHERE = (None, None, None)


@pytest.fixture(autouse=True)
def _nothing_known(firm):
    """Of other tests; nobody is being looked after, and nobody rests."""
    for table in ("geocoder_answers", "rate_limits", "locations"):
        firm.sql(f"delete from {table}")
    firm.sql("update leads set deleted_at = now() where deleted_at is null")
    yield
    firm.sql("delete from settings where category = 'geocoding'")
    firm.sql("delete from rate_limits")


@pytest.fixture
def look(firm) -> Callable[..., int]:
    """One look of the worker's clock; whoever rested has rested enough."""

    def do() -> int:
        firm.sql("delete from rate_limits")
        state = firm.running.app.state
        return firm.running.wait_for(locate_due(state.worker_database, state.ways))

    return do


@pytest.fixture
def place(owner):
    def make(latitude: float, longitude: float, **fields: object):
        body = {"name": str(uuid4()), "latitude": latitude, "longitude": longitude, **fields}
        made = owner.post(LOCATIONS, json=body)
        assert made.status_code == 201, made.text
        return made.json()["data"]

    return make


def read(client, lead):
    return client.get(f"{LEADS}/{lead['id']}").json()["data"]


def where(client, lead):
    row = read(client, lead)
    return row["latitude"], row["longitude"], row["coordinates_source"]

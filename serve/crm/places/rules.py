"""What is allowed of places."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from serve.kernel.errors import Invalid


def check_location(before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> None:
    """A place is found by its coordinates or by its address; a circle has a middle. Raises Invalid."""
    check_point(after)
    if after.get("latitude") is None:
        if after.get("radius_m") is not None:
            raise Invalid(details=[("radius_m", "needs latitude and longitude: a circle has a middle")])
        if not any(after.get(name) for name in ("street", "city", "postcode", "region", "country")):
            raise Invalid(details=[("latitude", "say where it is: by coordinates or by an address")])


def check_point(after: Mapping[str, Any]) -> None:
    """Raises Invalid where one of the coordinates is missing."""
    if (after.get("latitude") is None) != (after.get("longitude") is None):
        missing = "latitude" if after.get("latitude") is None else "longitude"
        raise Invalid(details=[(missing, "a place has both latitude and longitude")])

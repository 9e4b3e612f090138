"""Boxes on the globe, in degrees: what a map shows, and what encloses a circle. No database here.

A box whose western edge is east of its eastern one crosses the 180th meridian (RFC 7946, 5.2).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from serve.kernel.errors import Invalid

EARTH_M = 6_371_008.8
"""Mean radius of the earth (IUGG); the database's ``great_circle_m`` has the same."""
FARTHEST_M = 20_037_508
"""Half way round the earth, and a little more."""
_SLACK = 1e-9
"""In degrees, a tenth of a millimetre: what is exactly on the edge is not lost by rounding."""


@dataclass(frozen=True, slots=True)
class Box:
    west: float
    south: float
    east: float
    north: float

    @property
    def is_across(self) -> bool:
        """Whether it crosses the 180th meridian."""
        return self.west > self.east

    @property
    def width(self) -> float:
        """In degrees of longitude."""
        return self.east - self.west + (360 if self.is_across else 0)

    def has(self, latitude: float, longitude: float) -> bool:
        """Whether the point is in it, its edges included."""
        if not self.south <= latitude <= self.north:
            return False
        if self.is_across:
            return longitude >= self.west or longitude <= self.east
        return self.west <= longitude <= self.east

    def sql(self, bind: Callable[[float], str]) -> str:
        """The same as a condition on ``latitude`` and ``longitude`` of the row ``t``.

        How much of the rows a box has decides how they are best read: fetch them ``afresh``. A plan for any box took
        3 s for the newest leads of the world instead of 20 ms.
        """
        west, south, east, north = (
            f"{bind(each)}::float8" for each in (self.west, self.south, self.east, self.north)
        )
        joined = "or" if self.is_across else "and"
        return f"t.latitude between {south} and {north} and (t.longitude >= {west} {joined} t.longitude <= {east})"


def box_of(text: str) -> Box:
    """``west,south,east,north``. Raises Invalid naming ``bbox``.

    >>> box_of("8.5,53,9,53.2")
    Box(west=8.5, south=53.0, east=9.0, north=53.2)
    """
    try:
        west, south, east, north = (float(part) for part in text.split(","))
    except ValueError as error:
        raise Invalid(details=[("bbox", "write four numbers: west,south,east,north")]) from error
    if not (abs(west) <= 180 and abs(east) <= 180):
        raise Invalid(details=[("bbox", "west and east are from -180 to 180")])
    if not (abs(south) <= 90 and abs(north) <= 90):
        raise Invalid(details=[("bbox", "south and north are from -90 to 90")])
    if south > north:
        raise Invalid(details=[("bbox", "south is not north of north")])
    return Box(west, south, east, north)


def around(latitude: float, longitude: float, radius_m: float) -> Box:
    """The smallest box that has every point within ``radius_m`` of this one, over the poles and the 180th meridian.

    Where the circle holds a pole it meets every meridian, so the box goes all the way round. Elsewhere it reaches
    asin(sin(radius) / cos(latitude)) to either side, which is more than it does on the point's own parallel.

    >>> around(0, 179.9, 50_000).is_across
    True
    >>> box = around(89.9, 0, 50_000)
    >>> (box.west, box.east, box.north)
    (-180.0, 180.0, 90.0)
    """
    angle = radius_m / EARTH_M
    reach = math.degrees(angle) + _SLACK
    south, north = latitude - reach, latitude + reach
    if south <= -90 or north >= 90:
        return Box(-180.0, max(south, -90.0), 180.0, min(north, 90.0))
    wide = math.degrees(math.asin(min(1.0, math.sin(angle) / math.cos(math.radians(latitude))))) + _SLACK
    if wide >= 180:
        return Box(-180.0, south, 180.0, north)
    return Box(_turned(longitude - wide), south, _turned(longitude + wide), north)


def _turned(longitude: float) -> float:
    """The same meridian from -180 to 180."""
    if longitude < -180:
        return longitude + 360
    return longitude - 360 if longitude > 180 else longitude

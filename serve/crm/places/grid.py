"""The squares in which leads of a map are gathered: those of the tiles of web maps (spherical Mercator).

Each point is in exactly one square of a level, whatever the box, so what is gathered adds up to what is there; and no
square crosses the 180th meridian, so a mean of longitudes is one. No database here.
"""

from __future__ import annotations

import math
from typing import Final

from serve.crm.places.boxes import Box

MOST_SQUARES: Final = 4_000
"""Of one answer."""
FINEST_LEVEL: Final = 24
_STEPS: Final = 2
"""Levels between the tiles of a map and the squares: four by four squares of 64 pixels to a tile."""
_EDGE: Final = 85.05112878
"""Where the square map of the world ends; what lies beyond is in the last row."""


def level_of(zoom: int, box: Box) -> int:
    """The level whose squares are gathered: that of the zoom, or a coarser one where the box had too many of them.

    >>> level_of(10, Box(8.5, 53.0, 9.1, 53.2)), level_of(20, Box(-180, -90, 180, 90))
    (12, 5)
    """
    level = min(zoom + _STEPS, FINEST_LEVEL)
    while level > 0 and _squares(box, level) > MOST_SQUARES:
        level -= 1
    return level


def _squares(box: Box, level: int) -> float:
    """How many squares of the level the box touches at most."""
    count = 2**level
    wide = min(count, box.width / 360 * count + 2)
    high = min(count, (_down(box.south) - _down(box.north)) * count + 2)
    return wide * high


def _down(latitude: float) -> float:
    """How far down the square map of the world it is, 0 to 1."""
    edged = math.radians(max(-_EDGE, min(_EDGE, latitude)))
    return (1 - math.asinh(math.tan(edged)) / math.pi) / 2


def edges(level: int, box: Box) -> list[float]:
    """The parallels between the rows of squares that the box touches, from the south on.

    >>> [round(edge, 4) for edge in edges(2, Box(-180, -90, 180, 90))]
    [-66.5133, 0.0, 66.5133]
    """
    count = 2**level
    south, north = (min(int(_down(latitude) * count), count - 1) for latitude in (box.south, box.north))
    return [_latitude(row / count) for row in range(south, north, -1)]


def _latitude(down: float) -> float:
    return math.degrees(math.atan(math.sinh(math.pi * (1 - 2 * down))))


def square_sql(level: int, edges: str) -> str:
    """SQL for the square of ``t`` as one number, larger from the south on and, in a row, from the west on.

    ``edges`` is SQL of what the function of that name gives: to look a latitude up among a few is a quarter of the work
    of projecting each (measured with a million).
    """
    count = 2**level
    column = f"least(floor((t.longitude + 180) * {count / 360!r})::bigint, {count - 1})"
    return f"(width_bucket(t.latitude, {edges}::double precision[])::bigint * {count} + {column})"

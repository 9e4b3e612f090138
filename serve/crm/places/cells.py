"""Cells of the globe (H3): hexagons in sixteen sizes, and how large they are on a map. No database here.

A cell is a whole number of 63 bits: four of them say how fine it is, 45 which child it is at each finer step, three a
step. So the cell that a coarser map shows is that number with some bits set, which PostgreSQL does itself.

Seven hexagons are no hexagon: a coarser cell has the finer ones of its family, and those at its edge reach over the
straight line that a map draws. Families of all sizes have each lead once, and that is what is counted.
"""

from __future__ import annotations

from typing import Final

import h3.api.basic_int as h3

FINEST: Final = 15
"""Edges of about half a metre. Kept of each lead; every coarser cell follows from it."""
SHOWN: Final = 12
"""The finest that a map shows: edges of nine metres."""
_BITS, _AT = 3, 52
_FINENESS: Final = 15 << _AT


def cell_of(latitude: float, longitude: float) -> int:
    """The finest cell that has the point.

    >>> coarser(cell_of(53.0758, 8.8072), 5) == h3.cell_to_parent(cell_of(53.0758, 8.8072), 5)
    True
    """
    return int(h3.latlng_to_cell(latitude, longitude, FINEST))


def coarser(cell: int, resolution: int) -> int:
    """The cell of that resolution in which a finer one lies, by its bits."""
    return cell & ~_FINENESS | resolution << _AT | (1 << _BITS * (FINEST - resolution)) - 1


def coarser_sql(column: str, resolution: int) -> str:
    """The same in SQL."""
    unused = (1 << _BITS * (FINEST - resolution)) - 1
    return f"({column} & {~_FINENESS} | {(resolution << _AT) | unused})"


def resolution_of(zoom: int) -> int:
    """Of the cells that a map of this zoom shows, so that an edge has about twenty pixels.

    A map of zoom 0 has the world in 256 pixels; two steps of zoom are four times larger, and one step of resolution is
    2.6 times finer.

    >>> [resolution_of(zoom) for zoom in (0, 5, 10, 15, 22)]
    [0, 3, 7, 10, 12]
    """
    return min(SHOWN, max(0, round(zoom * 0.712 - 0.35)))


def middle(cell: int) -> tuple[float, float]:
    """(latitude, longitude) of the middle of the cell."""
    latitude, longitude = h3.cell_to_latlng(cell)
    return latitude, longitude


def outline(cell: int) -> list[tuple[float, float]]:
    """The corners of the cell, (latitude, longitude)."""
    return [(latitude, longitude) for latitude, longitude in h3.cell_to_boundary(cell)]


def name_of(cell: int) -> str:
    """As libraries of maps write it."""
    return str(h3.int_to_str(cell))

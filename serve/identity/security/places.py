"""Where an address is, and how far two countries are from each other at the least.

Countries come from the table inside ``iptocc`` (MIT or Apache 2.0), which is what the five registries of the internet
publish of whom they gave each network to. That may be used elsewhere: docs/guides/identity.md says how far it carries.

Distances come from the places of the time zone database (public domain): a few towns of each country.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from ipaddress import ip_address
from math import asin, cos, radians, sin, sqrt

from iptocc import country_code

EARTH_KM = 6_371.0
SLACK_KM = 3_000.0
"""People live up to this far from the towns that stand for their countries, both sides together (the towns of China and
Vietnam, which are neighbours, lie 2,700 km apart). So what happens within a region (a VPN across the border, a mobile
network that is not one's own) is no travel at all."""

_PLACE = re.compile(r"([+-]\d{4,6})([+-]\d{5,7})")
Point = tuple[float, float]


def country_of(address: str | None) -> str | None:
    """ISO 3166 code of the country; None for private, reserved and unknown addresses.

    >>> [country_of(each) for each in ("1.2.3.4", "192.168.1.7", "::1", "100.64.0.1", "no address", None)]
    ['AU', None, None, None, None, None]
    """
    try:
        if address is None or not ip_address(address).is_global:
            return None
    except ValueError:
        return None
    return country_code(address)


def least_km(one: str, other: str) -> float:
    """How far one must travel at the least to come from one country into the other; 0 where nobody knows.

    >>> [round(least_km(*pair), -2) for pair in (("DE", "DE"), ("DE", "NL"), ("DE", "US"), ("DE", "AU"), ("DE", "??"))]
    [0.0, 0.0, 3300.0, 9900.0, 0.0]
    """
    towns = _towns()
    between = [_km(here, there) for here in towns.get(one, ()) for there in towns.get(other, ())]
    return max(0.0, min(between) - SLACK_KM) if one != other and between else 0.0


@cache
def _towns() -> Mapping[str, list[Point]]:
    found: dict[str, list[Point]] = defaultdict(list)
    for line in (files("tzdata") / "zoneinfo" / "zone.tab").read_text().splitlines():
        if not line.startswith("#"):
            country, place, *_ = line.split("\t")
            match = _PLACE.fullmatch(place)
            assert match is not None, line
            found[country].append((_degrees(match[1], 2), _degrees(match[2], 3)))
    return found


def _degrees(written: str, digits: int) -> float:
    """``+5230`` and ``+0132200`` as degrees; seconds are left out.

    >>> _degrees("+5230", 2), _degrees("-0132200", 3)
    (52.5, -13.366666666666667)
    """
    degrees = int(written[1 : 1 + digits]) + int(written[1 + digits : 3 + digits]) / 60
    return -degrees if written[0] == "-" else degrees


def _km(one: Point, other: Point) -> float:
    """Along the surface of the earth (haversine)."""
    (north, east), (other_north, other_east) = ((radians(each[0]), radians(each[1])) for each in (one, other))
    half = (
        sin((other_north - north) / 2) ** 2
        + cos(north) * cos(other_north) * sin((other_east - east) / 2) ** 2
    )
    return 2 * EARTH_KM * asin(sqrt(half))

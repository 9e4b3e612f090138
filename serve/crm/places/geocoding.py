"""Where an address lies: by what the tenant knows already, and by a geocoder where it has set one.

What is known: a place of that street, or else the middle of the rows of that postcode or town which have coordinates,
places and leads. How sure that is follows from what was the same; a middle of rows far apart is no answer.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import Any, Literal

from serve.crm.places.asking import ask
from serve.crm.places.schemas import Address
from serve.kernel.caller import Caller
from serve.kernel.db import Database, Record, Transaction
from serve.kernel.errors import Invalid, NotConfigured
from serve.platform.settings.categories import CATEGORIES
from serve.platform.settings.service import current
from serve.ports.geocoding import Geocoder
from serve.ports.way import Ways, configured

SURE = 0.7
"""From here on what is known is good enough, and nobody outside is told the address."""
FAR_M = {"postcode": 30_000.0, "city": 50_000.0}
"""So far from its middle at most may a row of a postcode or a town lie."""
_CONFIDENCE = {"street": 0.95, "postcode": 0.7, "city": 0.5}
_STREET = """
    select l.latitude, l.longitude, l.name from locations l
    where l.deleted_at is null and l.latitude is not null and lower(l.street) = lower($1)
        and ($2::text is null or l.postcode = $2) and ($3::text is null or lower(l.city) = lower($3))
        and ($4::text is null or l.country is null or l.country = $4)
        and l.tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid
    order by l.created_at, l.id limit 5
"""
_AREA = """
    select found.word, found.country, found.latitude, found.longitude from (
        select a.word, a.country, r.latitude, r.longitude,
            row_number() over (partition by a.word, a.country order by r.created_at desc) as place
        from (
            select l.latitude, l.longitude, l.postcode, l.city, l.country, l.created_at, l.tenant_id from locations l
            where l.deleted_at is null and l.latitude is not null
            union all
            -- Of those that were found by their address nothing new can be learned.
            select d.latitude, d.longitude, d.postcode, d.city, d.country, d.created_at, d.tenant_id from leads d
            where d.deleted_at is null and d.latitude is not null
                and coalesce(d.coordinates_source, 'given') = 'given'
        ) r
        join unnest($1::text[], $2::text[]) a (word, country)
            on {same} and (a.country is null or r.country is null or r.country = a.country)
        where r.tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid
    ) found
    where found.place <= 200
"""
_SAME = {"postcode": "r.postcode = a.word", "city": "lower(r.city) = lower(a.word)"}


async def geocode(database: Database, ways: Ways, caller: Caller, asked: Address) -> dict[str, Any]:
    """Candidates, the surest first, and whether somebody outside was asked.

    Raises Invalid for an empty address, NotConfigured where one must be asked and none is set, and what calls raise.
    """
    if not asked.line():
        raise Invalid(details=[("city", "say something of the address: street, postcode, city or region")])
    async with database.transaction(caller) as db:
        candidates = await known(db, asked)
        stored = (await current(db, [CATEGORIES["geocoding"]]))["geocoding"]
    sure = bool(candidates) and candidates[0]["confidence"] >= SURE
    wanted = asked.provider == "always" or (asked.provider == "if_needed" and not sure)
    try:
        settings = configured(Geocoder.kind, stored)
    except NotConfigured:
        if asked.provider == "always":
            raise
        wanted = False
    if wanted:
        geocoder = ways.to(Geocoder, caller.tenant_id, stored)
        found = await ask(database, caller, geocoder, asked.line(), asked.country)
        candidates += [
            {
                "latitude": each.lat,
                "longitude": each.lon,
                "label": each.display_name,
                "confidence": round(min(1.0, max(0.0, each.importance or 0.0)), 3),
                "source": "provider",
                "matched": "address",
                "attribution": each.licence or settings.base_url,
            }
            for each in found
        ]
        candidates.sort(key=lambda each: -each["confidence"])
    return {"candidates": candidates, "is_provider_asked": wanted}


async def known(db: Transaction, asked: Address) -> list[dict[str, Any]]:
    """What the tenant's own rows say of the address."""
    if asked.street:
        rows = await db.fetch(_STREET, asked.street, asked.postcode, asked.city, asked.country)
        if rows:
            return [_candidate("street", row["latitude"], row["longitude"], row["name"]) for row in rows]
    by_area = await known_areas(db, [(asked.postcode, asked.city, asked.country)])
    return [candidate for candidate in by_area.values() if candidate is not None]


Area = tuple[str | None, str | None, str | None]
"""Postcode, city and country of an address."""


async def known_areas(db: Transaction, areas: Collection[Area]) -> dict[Area, dict[str, Any] | None]:
    """The middle of each postcode, else of the town, by the tenant's own rows; None where there is none.

    Two statements, however many are asked for.
    """
    found: dict[Area, dict[str, Any] | None] = dict.fromkeys(areas)
    by: tuple[tuple[int, Literal["postcode", "city"]], ...] = ((0, "postcode"), (1, "city"))
    for place, matched in by:
        words = sorted(
            {(area[place], area[2] or "") for area, known in found.items() if known is None and area[place]}
        )
        if not words:
            continue
        rows: dict[tuple[str, str], list[Record]] = defaultdict(list)
        named = [word for word, _ in words], [country or None for _, country in words]
        for row in await db.fetch(_AREA.format(same=_SAME[matched]), *named):
            rows[row["word"], row["country"] or ""].append(row)
        for area, known in found.items():
            word = area[place]
            if known is None and word and (middle := middle_of(rows[word, area[2] or ""], FAR_M[matched])):
                found[area] = _candidate(matched, *middle, word)
    return found


def _candidate(matched: str, latitude: float, longitude: float, label: str) -> dict[str, Any]:
    return {
        "latitude": latitude,
        "longitude": longitude,
        "label": label,
        "confidence": _CONFIDENCE[matched],
        "source": "known",
        "matched": matched,
        "attribution": None,
    }


def middle_of(rows: Iterable[Mapping[str, Any]], far_m: float) -> tuple[float, float] | None:
    """The middle of points on the globe, unless one of them is far from it. The date line is no border.

    >>> middle_of([{"latitude": 0, "longitude": 179.9}, {"latitude": 0, "longitude": -179.9}], 20_000)
    (0.0, 180.0)
    >>> middle_of([{"latitude": 53, "longitude": 8}, {"latitude": 48, "longitude": 11}], 20_000) is None
    True
    """
    points = [_vector(row["latitude"], row["longitude"]) for row in rows]
    if not points:
        return None
    x, y, z = (sum(axis) for axis in zip(*points, strict=True))
    length = math.hypot(x, y, z)
    if length < 1e-9:
        return None
    middle = (x / length, y / length, z / length)
    for point in points:
        apart = math.dist(middle, point)  # a chord, a little less than the arc
        if apart * 6_371_008.8 > far_m:
            return None
    latitude, longitude = math.degrees(math.asin(middle[2])), math.degrees(math.atan2(middle[1], middle[0]))
    return round(latitude, 6) + 0.0, round(longitude, 6)


def _vector(latitude: float, longitude: float) -> tuple[float, float, float]:
    a, b = math.radians(latitude), math.radians(longitude)
    return math.cos(a) * math.cos(b), math.cos(a) * math.sin(b), math.sin(a)

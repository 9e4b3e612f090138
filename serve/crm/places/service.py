"""Places, what is near a point, and the leads of a place."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from serve.crm.leads.store import leads
from serve.crm.places.boxes import around
from serve.crm.places.models import locations as table
from serve.crm.places.rules import check_location
from serve.crm.places.schemas import LocationFields, LocationRead, Nearby
from serve.kernel.db import Reads, Transaction, guarded
from serve.kernel.resources import Resource
from serve.kernel.resources.listing import MANY, Bindings

locations = Resource(table, fields=LocationFields, read=LocationRead, rule=check_location)

_LEADS = """
    with found as (
        select t.*, case when t.location_id = {place} then 'hand' else 'radius' end as tie, {distance} as distance_m
        from leads t where t.deleted_at is null and {belongs}
    )
    select {columns}, t.tie, t.distance_m, count(*) over () as total from found t
    order by t.distance_m nulls last, t.created_at desc, t.id limit {limit} offset {offset}
"""


async def nearby(db: Reads, asked: Nearby) -> tuple[list[dict[str, Any]], bool]:
    """(places within the radius, the nearest first; whether there are more than ``limit``)."""
    bind = Bindings()
    box = around(asked.latitude, asked.longitude, asked.radius_m).sql(bind)
    point = f"{bind(asked.latitude)}::double precision, {bind(asked.longitude)}::double precision"
    kind = f" and t.kind = {bind(asked.kind)}" if asked.kind else ""
    columns = ", ".join(f"t.{name}" for name in locations.columns)
    sql = (
        f"select {columns}, d.distance_m from locations t"
        f" cross join lateral (select great_circle_m(t.latitude, t.longitude, {point}) as distance_m) d"
        f" where t.tenant_id = {MANY} and t.deleted_at is null and {box}{kind}"
        f" and d.distance_m <= {bind(asked.radius_m)}::double precision"
        f" order by d.distance_m, t.id limit {asked.limit + 1}"
    )
    rows = [dict(row) for row in await db.fetch(guarded(sql), *bind.values, afresh=True)]
    return rows[: asked.limit], len(rows) > asked.limit


async def leads_of(
    db: Transaction, location_id: UUID, window: tuple[int, int]
) -> tuple[list[dict[str, Any]], int]:
    """(a page of the place's leads, how many there are): the nearest first. Raises LocationNotFound."""
    place = await locations.get(db, location_id)
    limit, offset = window
    values: list[Any] = []

    def bind(value: Any) -> str:
        values.append(value)
        return f"${len(values)}"

    named = f"{bind(location_id)}::uuid"
    belongs, distance = f"t.location_id = {named}", "null::double precision"
    if place["latitude"] is not None:
        middle = f"{bind(place['latitude'])}::double precision, {bind(place['longitude'])}::double precision"
        distance = f"great_circle_m(t.latitude, t.longitude, {middle})"
    if place["radius_m"] is not None:
        box = around(place["latitude"], place["longitude"], place["radius_m"]).sql(bind)
        within = f"{box} and {distance} <= {bind(place['radius_m'])}::double precision"
        belongs = f"({belongs} or ({within}))"
    columns = ", ".join(f"t.{name}" for name in leads.columns)
    said = {"place": named, "distance": distance, "belongs": belongs, "columns": columns}
    found = await db.fetch(_LEADS.format(**said, limit=limit, offset=offset), *values, afresh=True)
    if not found and offset:
        return [], (await leads_of(db, location_id, (1, 0)))[1]
    rows = [dict(row) for row in found]
    totals = [row.pop("total") for row in rows]
    return rows, totals[0] if totals else 0

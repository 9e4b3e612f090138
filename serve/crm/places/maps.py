"""Leads on a map: as points, in cells that are more or less hot, in clusters. The filters are those of their list."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from serve.crm.leads.store import leads
from serve.crm.places import cells, grid
from serve.crm.places.boxes import Box, box_of
from serve.crm.places.map_schemas import MOST_CELLS, LeadProperties
from serve.kernel.db import Reads, guarded
from serve.kernel.resources.listing import MANY, ONE, Bindings

_PROPERTIES = tuple(LeadProperties.model_fields)
MOST_UNCELLED = 20_000
"""Places of leads whose cells are reckoned for one answer."""

_UNCELLED = """
    select t.latitude, t.longitude, count(*) as count, {value} as value, count({valued}) as valued {source}
        and t.cell is null
    group by t.latitude, t.longitude limit {limit}
"""
_HEAT = """
    with found as (
        select {cell} as cell, count(*) as count, {value} as value, count({valued}) as valued {source}
            and t.cell is not null
        group by 1
        union all
        select * from unnest({cells}::bigint[], {counts}::bigint[], {values}::numeric[], {valueds}::bigint[])
    )
    select f.cell, sum(f.count)::bigint as count, coalesce(sum(f.value), 0)::bigint as value,
        (sum(sum(f.count)) over ())::bigint as lead_count, (sum(sum(f.valued)) over ())::bigint as valued_count
    from found f group by f.cell order by {weight} desc, f.cell limit {limit}
"""
_CLUSTERS = """
    select count(*) as count, sum(t.latitude) as latitude, sum(t.longitude) as longitude,
        min(t.longitude) as west, min(t.latitude) as south, max(t.longitude) as east, max(t.latitude) as north
    {source}
    group by {square} order by {square}
"""


async def points(db: Reads, asked: Any) -> tuple[list[dict[str, Any]], bool]:
    """(features, whether there are more than ``limit``), the newest first. Raises Invalid."""
    bind = Bindings()
    source = _source(db, asked, box_of(asked.bbox), bind)
    columns = ", ".join(f"t.{name}" for name in ("id", "latitude", "longitude", *_PROPERTIES))
    inner = f"select {columns} {source} order by t.created_at desc, t.id desc limit {asked.limit + 1}"
    rows = await _fetch(db, inner, bind)
    return [_feature(row) for row in rows[: asked.limit]], len(rows) > asked.limit


def _feature(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "type": "Feature",
        "id": row["id"],
        "geometry": {"type": "Point", "coordinates": [row["longitude"], row["latitude"]]},
        "properties": {name: row[name] for name in _PROPERTIES},
    }


async def heat(db: Reads, asked: Any) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """(the hottest cells, what is said beside them). Raises Invalid."""
    box = box_of(asked.bbox)
    resolution = cells.resolution_of(asked.zoom) if asked.resolution is None else asked.resolution
    by_value = asked.weight == "value"
    currency = await _currency(db, asked) if by_value else None
    fresh, left_out = await _uncelled(db, asked, box, resolution, currency)
    bind = Bindings()
    source, worth = _source(db, asked, box, bind), _worth(currency, bind)
    parts = {
        "cells": list(fresh),
        "counts": [each[0] for each in fresh.values()],
        "values": [each[1] for each in fresh.values()],
        "valueds": [each[2] for each in fresh.values()],
    }
    inner = _HEAT.format(
        cell=cells.coarser_sql("t.cell", resolution),
        source=source,
        weight="value" if by_value else "count",
        limit=MOST_CELLS + 1,
        **worth,
        **{name: bind(values) for name, values in parts.items()},
    )
    rows = await _fetch(db, inner, bind)
    count = rows[0]["lead_count"] if rows else 0
    meta = {
        "resolution": resolution,
        "lead_count": count,
        "without_value_count": count - (rows[0]["valued_count"] if rows else 0) if by_value else None,
        "currency": currency,
        "limit": MOST_CELLS,
        "is_truncated": len(rows) > MOST_CELLS or left_out,
    }
    return [_cell(row, asked, by_value=by_value) for row in rows[:MOST_CELLS]], meta


def _cell(row: Mapping[str, Any], asked: Any, *, by_value: bool) -> dict[str, Any]:
    latitude, longitude = cells.middle(row["cell"])
    corners = [[lng, lat] for lat, lng in cells.outline(row["cell"])] if asked.outline else None
    return {
        "cell": cells.name_of(row["cell"]),
        "latitude": round(latitude, 7),
        "longitude": round(longitude, 7),
        "count": row["count"],
        "weight": row["value"] if by_value else row["count"],
        "outline": [*corners, corners[0]] if corners else None,
    }


async def _uncelled(
    db: Reads, asked: Any, box: Box, resolution: int, currency: str | None
) -> tuple[dict[int, tuple[int, int, int]], bool]:
    """Of rows that were not written by the service and so have no cell: (leads, value, leads with a value) by cell.

    And whether there are more of them than are reckoned.
    """
    bind = Bindings()
    source = _source(db, asked, box, bind)
    inner = _UNCELLED.format(source=source, limit=MOST_UNCELLED + 1, **_worth(currency, bind))
    found: dict[int, tuple[int, int, int]] = {}
    rows = await _fetch(db, inner, bind)
    for row in rows[:MOST_UNCELLED]:
        cell = cells.coarser(cells.cell_of(row["latitude"], row["longitude"]), resolution)
        count, value, valued = found.get(cell, (0, 0, 0))
        found[cell] = (count + row["count"], value + int(row["value"]), valued + row["valued"])
    return found, len(rows) > MOST_UNCELLED


def _worth(currency: str | None, bind: Bindings) -> dict[str, str]:
    """SQL for the value of some leads in one currency, and for each that has one; nothing where nobody asks."""
    if currency is None:
        return {"value": "0::numeric", "valued": "null::integer"}
    of_it = f"case when t.currency = {bind(currency)} then t.value_cents end"
    return {"value": f"coalesce(sum({of_it}), 0)", "valued": of_it}


async def _currency(db: Reads, asked: Any) -> str:
    """The one that is asked for, or else the tenant's own: values of several are no sum."""
    if asked.currency and len(asked.currency) == 1:
        return str(asked.currency[0])
    own = guarded("select t.currency from tenants t where t.id = $2 and g.tenants is not null")
    (row,) = await db.fetch(own, db.caller.tenant_id)
    return str(row["currency"])


async def clusters(db: Reads, asked: Any) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """(clusters from the south west on, what is said beside them). Raises Invalid."""
    box = box_of(asked.bbox)
    level = grid.level_of(asked.zoom, box)
    bind = Bindings()
    square = grid.square_sql(level, bind(grid.edges(level, box)))
    inner = _CLUSTERS.format(source=_source(db, asked, box, bind), square=square)
    found = [_cluster(row) for row in await _fetch(db, inner, bind)]
    return found, {"lead_count": sum(each["count"] for each in found), "level": level}


def _cluster(row: Mapping[str, Any]) -> dict[str, Any]:
    """Rounded to a centimetre: the order in which PostgreSQL sums up shows in the last digits."""
    return {
        "count": row["count"],
        "latitude": round(row["latitude"] / row["count"], 7),
        "longitude": round(row["longitude"] / row["count"], 7),
        "bbox": [row[edge] for edge in ("west", "south", "east", "north")],
    }


def _source(db: Reads, asked: Any, box: Box, bind: Bindings) -> str:
    """The leads in the box that the filters let through."""
    tenants = ONE if len(db.caller.tenant_ids) == 1 else MANY
    return f"from leads t where {leads.listing.where(asked, bind, tenants=tenants)} and {box.sql(bind)}"


async def _fetch(db: Reads, inner: str, bind: Bindings) -> list[Any]:
    return await db.fetch(guarded(inner), *bind.values, afresh=True)

"""Statements over the monthly fleet marts: one for totals and months, one for the page of vehicles.

A ratio is the ratio of the sums, over the months in which both sides are known.
"""

from __future__ import annotations

from dataclasses import dataclass

from serve.fleet.costs.schemas import FleetQuery
from serve.kernel.answers import Answer, Reading
from serve.kernel.paging import order_by, page_meta


@dataclass(frozen=True, slots=True)
class Measures:
    """Figures of one mart; all of it is ours and nothing comes from a request."""

    table: str
    sql: dict[str, str]
    sort: str
    """The figure that vehicles are sorted by unless the request says otherwise."""


def _cents(column: str) -> str:
    return f"cast(sum({column}) as bigint)"


def _per_km(amount: str, factor: int = 1) -> str:
    both = f"filter (where distance_km > 0 and {amount} is not null)"
    return f"{factor} * sum({amount}) {both} / nullif(sum(distance_km) {both}, 0)"


_COSTS = ("fuel_cents", "maintenance_cents", "parts_cents", "labour_cents", "other_cents", "total_cents")
COSTS = Measures(
    "fleet_costs_monthly",
    {
        **{column: _cents(column) for column in _COSTS},
        "distance_km": "sum(distance_km)",
        "cost_per_km_cents": _per_km("total_cents"),
        "downtime_h": "sum(downtime_h)",
        "trip_count": _cents("trip_count"),
    },
    "-total_cents",
)
UPKEEP = Measures(
    "fleet_costs_monthly",
    {
        **{column: _cents(column) for column in ("maintenance_cents", "parts_cents", "labour_cents")},
        "distance_km": "sum(distance_km)",
        "maintenance_per_km_cents": _per_km("maintenance_cents"),
    },
    "-maintenance_cents",
)
FUEL = Measures(
    "fuel_monthly",
    {
        "litres": "sum(litres)",
        "cost_cents": _cents("cost_cents"),
        "distance_km": "sum(distance_km)",
        "l_per_100km": _per_km("litres", 100),
        "price_per_l_cents": "sum(cost_cents) / nullif(sum(litres), 0)",
    },
    "-cost_cents",
)
DOWNTIME = Measures(
    "downtime_monthly",
    {
        "downtime_h": "sum(downtime_h)",
        "planned_h": "sum(planned_h)",
        "unplanned_h": "sum(unplanned_h)",
        "failure_count": _cents("failure_count"),
        "in_service_h": "sum(in_service_h)",
        "availability_share": "greatest(0, 1 - sum(downtime_h) / nullif(sum(in_service_h), 0))",
    },
    "-downtime_h",
)


def fleet(measures: Measures, reading: Reading, query: FleetQuery) -> Answer:
    """Totals, months and the page of vehicles."""
    sums, months, answer = _read(measures, reading, query)
    return Answer({"totals": sums, "months": months, "vehicles": answer.data}, answer.data, answer.meta)


def assets(measures: Measures, reading: Reading, query: FleetQuery) -> Answer:
    """The page of vehicles alone."""
    return _read(measures, reading, query)[2]


def _read(measures: Measures, reading: Reading, query: FleetQuery) -> tuple[dict, list[dict], Answer]:
    limit, offset = query.window()
    span = query.span(reading.as_of)
    bounds = {"start": span.start, "end": span.end}
    columns = ", ".join(f"{sql} as {name}" for name, sql in measures.sql.items())
    allowed = {name: name for name in (*measures.sql, "registration")}
    order = order_by(query.sort or measures.sort, allowed, tie="vehicle_id")
    by_month = reading.rows(
        f"""
        select month, count(distinct vehicle_id) as vehicle_count, {columns}
        from marts.{measures.table}
        where month between $start and $end
        group by grouping sets ((), (month))
        order by month nulls first
        """,
        **bounds,
    )
    sums, *months = by_month
    del sums["month"]
    total = sums.pop("vehicle_count")
    for month in months:
        del month["vehicle_count"]
    vehicles = reading.rows(
        f"""
        select
            cast(vehicle_id as varchar) as vehicle_id, v.registration, v.make, v.model,
            {", ".join(f"m.{name}" for name in measures.sql)}
        from (
            select vehicle_id, {columns}
            from marts.{measures.table} where month between $start and $end group by vehicle_id
        ) as m
        inner join marts.dim_vehicles as v using (vehicle_id)
        order by {order} limit $limit offset $offset
        """,
        **bounds,
        limit=limit,
        offset=offset,
    )
    meta = {"period": query.describe(span), **page_meta((limit, offset), total)}
    return sums, months, Answer(vehicles, meta=meta)

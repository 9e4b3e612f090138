"""Statements over the monthly fleet marts: one for the months, whose sum are the totals, one for the page of vehicles.

A ratio is the ratio of the sums, over the months of a vehicle in which both sides are known.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from serve.fleet.costs.schemas import FleetQuery
from serve.kernel.answers import Answer, Reading
from serve.kernel.formats import Row
from serve.kernel.paging import order_by, page_meta
from serve.kernel.periods import Span


@dataclass(frozen=True, slots=True)
class Ratio:
    """``above`` over ``below``, times ``factor``."""

    above: str
    below: str
    factor: int = 1

    @property
    def sums(self) -> tuple[str, str]:
        known = f"filter (where {self.above} is not null and {self.below} > 0)"
        return f"sum({self.above}) {known}", f"sum({self.below}) {known}"

    @property
    def sql(self) -> str:
        above, below = self.sums
        return f"{self.factor} * {above} / {below}"


@dataclass(frozen=True, slots=True)
class Measures:
    """Figures of one mart; all of it is ours and nothing comes from a request."""

    table: str
    amounts: Mapping[str, str]
    """Columns that are summed, and the type of their sum."""
    sort: str
    """What vehicles are sorted by unless the request says otherwise."""
    ratios: Mapping[str, Ratio] = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        return (*self.amounts, *self.ratios)

    @property
    def amounts_sql(self) -> list[str]:
        return [f"cast(sum({name}) as {kind}) as {name}" for name, kind in self.amounts.items()]


_COSTS = ("fuel_cents", "maintenance_cents", "parts_cents", "labour_cents", "other_cents", "total_cents")
COSTS = Measures(
    "fleet_costs_monthly",
    {
        **dict.fromkeys(_COSTS, "bigint"),
        "distance_km": "double",
        "downtime_h": "double",
        "trip_count": "bigint",
    },
    "-total_cents",
    {"cost_per_km_cents": Ratio("total_cents", "distance_km")},
)
UPKEEP = Measures(
    "fleet_costs_monthly",
    {
        "maintenance_cents": "bigint",
        "parts_cents": "bigint",
        "labour_cents": "bigint",
        "distance_km": "double",
    },
    "-maintenance_cents",
    {"maintenance_per_km_cents": Ratio("maintenance_cents", "distance_km")},
)
FUEL = Measures(
    "fuel_monthly",
    {"litres": "double", "cost_cents": "bigint", "distance_km": "double"},
    "-cost_cents",
    {"l_per_100km": Ratio("litres", "distance_km", 100), "price_per_l_cents": Ratio("cost_cents", "litres")},
)
DOWNTIME = Measures(
    "downtime_monthly",
    {
        "downtime_h": "double",
        "planned_h": "double",
        "unplanned_h": "double",
        "failure_count": "bigint",
        "in_service_h": "double",
    },
    "-downtime_h",
    {"availability_share": Ratio("greatest(0, in_service_h - downtime_h)", "in_service_h")},
)


def fleet(measures: Measures, reading: Reading, query: FleetQuery) -> Answer:
    """Totals, months and the page of vehicles."""
    months = _months(measures, reading, query.span(reading.as_of))
    page = assets(measures, reading, query)
    totals = _row(measures, months)
    rows = [{"month": month["month"], **_row(measures, [month])} for month in months]
    return Answer({"totals": totals, "months": rows, "vehicles": page.data}, page.data, page.meta)


def assets(measures: Measures, reading: Reading, query: FleetQuery) -> Answer:
    """The page of vehicles alone."""
    limit, offset = query.window()
    span = query.span(reading.as_of)
    order = order_by(
        query.sort or measures.sort,
        {name: name for name in (*measures.names, "registration")},
        tie="vehicle_id",
    )
    columns = [*measures.amounts_sql, *(f"{ratio.sql} as {name}" for name, ratio in measures.ratios.items())]
    found = reading.page(
        f"""
        select
            cast(vehicle_id as varchar) as vehicle_id, v.registration, v.make, v.model,
            {", ".join(f"m.{name}" for name in measures.names)}
        from (
            select vehicle_id, {", ".join(columns)}
            from marts.{measures.table} where month between $start and $end group by vehicle_id
        ) as m
        inner join marts.dim_vehicles as v using (vehicle_id)
        """,
        order=order,
        window=(limit, offset),
        start=span.start,
        end=span.end,
    )
    return Answer(
        found.rows, meta={"period": query.describe(span), **page_meta((limit, offset), found.total)}
    )


def _months(measures: Measures, reading: Reading, span: Span) -> list[Row]:
    """Sums by month, and both sides of each ratio."""
    sides = [
        f"{sql} as {name}_{side}"
        for name, ratio in measures.ratios.items()
        for side, sql in zip(("above", "below"), ratio.sums, strict=True)
    ]
    return reading.rows(
        f"""
        select month, {", ".join([*measures.amounts_sql, *sides])}
        from marts.{measures.table}
        where month between $start and $end
        group by month
        order by month
        """,
        start=span.start,
        end=span.end,
    )


def _row(measures: Measures, months: Sequence[Row]) -> Row:
    """The figures over these months together."""
    row: Row = {name: _sum(months, name) for name in measures.amounts}
    for name, ratio in measures.ratios.items():
        above, below = _sum(months, f"{name}_above"), _sum(months, f"{name}_below")
        row[name] = ratio.factor * above / below if above is not None and below else None
    return row


def _sum(rows: Sequence[Row], name: str) -> float | None:
    known = [row[name] for row in rows if row[name] is not None]
    return sum(known) if known else None

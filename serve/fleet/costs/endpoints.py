"""Costs of the fleet and of its vehicles."""

from __future__ import annotations

from functools import partial
from typing import Annotated

from fastapi import Query, Response

from serve.fleet.costs import queries
from serve.fleet.costs.schemas import (
    Costs,
    CostsMonth,
    Downtime,
    DowntimeMonth,
    FleetMeta,
    FleetQuery,
    FleetRead,
    Fuel,
    FuelMonth,
    VehicleCosts,
    VehicleDowntime,
    VehicleFuel,
    VehicleUpkeep,
)
from serve.kernel.answers import FleetAnswer
from serve.kernel.envelope import Success
from serve.kernel.openapi import release_answer
from serve.kernel.routing import area_router

router = area_router(prefix="/api/v1", tags=["fleet"])
Asked = Annotated[FleetQuery, Query()]


@router.get(
    "/fleet-operational-costs",
    response_model=Success[FleetRead[Costs, CostsMonth, VehicleCosts], FleetMeta],
    **release_answer(),
    name="fleet.operational_costs",
)
async def fleet_operational_costs(query: Asked, answer: FleetAnswer) -> Response:
    """Fuel, upkeep and other costs of the fleet: in total, by month and by vehicle."""
    return await answer(query, partial(queries.fleet, queries.COSTS), row=VehicleCosts)


@router.get(
    "/fuel-cost-metrics",
    response_model=Success[FleetRead[Fuel, FuelMonth, VehicleFuel], FleetMeta],
    **release_answer(),
    name="fleet.fuel_costs",
)
async def fuel_cost_metrics(query: Asked, answer: FleetAnswer) -> Response:
    """Fuel bought, its price, and consumption: in total, by month and by vehicle."""
    return await answer(query, partial(queries.fleet, queries.FUEL), row=VehicleFuel)


@router.get(
    "/downtime-metrics",
    response_model=Success[FleetRead[Downtime, DowntimeMonth, VehicleDowntime], FleetMeta],
    **release_answer(),
    name="fleet.downtime",
)
async def downtime_metrics(query: Asked, answer: FleetAnswer) -> Response:
    """Hours out of service, planned and not, failures and availability: in total, by month and by vehicle."""
    return await answer(query, partial(queries.fleet, queries.DOWNTIME), row=VehicleDowntime)


@router.get(
    "/assets/maintenance-costs",
    response_model=Success[list[VehicleUpkeep], FleetMeta],
    **release_answer(),
    name="assets.maintenance_costs",
)
async def asset_maintenance_costs(query: Asked, answer: FleetAnswer) -> Response:
    """Vehicles by what their upkeep cost."""
    return await answer(query, partial(queries.assets, queries.UPKEEP), row=VehicleUpkeep)


@router.get(
    "/assets/operational-costs",
    response_model=Success[list[VehicleCosts], FleetMeta],
    **release_answer(),
    name="assets.operational_costs",
)
async def asset_operational_costs(query: Asked, answer: FleetAnswer) -> Response:
    """Vehicles by what they cost in total."""
    return await answer(query, partial(queries.assets, queries.COSTS), row=VehicleCosts)

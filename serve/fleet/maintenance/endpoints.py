"""The maintenance forecast."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Response

from serve.fleet.maintenance import queries
from serve.fleet.maintenance.schemas import MaintenanceForecast, MaintenanceQuery
from serve.kernel.answers import FleetAnswer, ReleasePageMeta
from serve.kernel.envelope import Success
from serve.kernel.openapi import release_answer
from serve.kernel.routing import area_router

router = area_router(prefix="/api/v1/fleet/maintenance", tags=["fleet"])


@router.get(
    "/forecast",
    response_model=Success[list[MaintenanceForecast], ReleasePageMeta],
    **release_answer(),
    name="fleet.maintenance_forecast",
)
async def maintenance_forecast(query: Annotated[MaintenanceQuery, Query()], answer: FleetAnswer) -> Response:
    """Vehicles by their chance to fail soon, with reasons, the cost of waiting and the day to inspect by."""
    return await answer(query, queries.forecast, row=MaintenanceForecast)

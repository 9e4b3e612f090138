"""Vehicles and what they cost: the routes of the area."""

from __future__ import annotations

from fastapi.routing import APIRouter

from serve.fleet.costs.endpoints import router as fleet_costs
from serve.fleet.maintenance.endpoints import router as fleet_maintenance
from serve.fleet.vehicles.endpoints import router as vehicles

ROUTERS: tuple[APIRouter, ...] = (
    fleet_costs,
    fleet_maintenance,
    vehicles,
)

"""Vehicles and machines."""

from serve.fleet.vehicles.models import vehicles as table
from serve.fleet.vehicles.rules import check_vehicle
from serve.fleet.vehicles.schemas import VehicleFields, VehicleRead
from serve.kernel.resources import Resource

vehicles = Resource(table, fields=VehicleFields, read=VehicleRead, rule=check_vehicle)
router = vehicles.router()

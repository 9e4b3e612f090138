"""What the cost endpoints take and answer."""

from __future__ import annotations

from datetime import date
from typing import Generic, TypeVar
from uuid import UUID

from pydantic import Field

from serve.kernel.answers import PeriodMeta
from serve.kernel.envelope import Output, PageMeta
from serve.kernel.paging import Paged
from serve.kernel.periods import MonthRange


class FleetQuery(MonthRange, Paged):
    """Months, and the page of vehicles."""

    sort: str | None = Field(
        None, max_length=200, description="Any figure of a vehicle, or registration; a minus for descending."
    )


class Vehicle(Output):
    vehicle_id: UUID
    registration: str = Field(examples=["B-TL 1201"])
    make: str = Field(examples=["Ford"])
    model: str = Field(examples=["Transit"])


class Costs(Output):
    fuel_cents: int | None = Field(examples=[42_000])
    maintenance_cents: int | None = Field(description="parts + labour", examples=[18_000])
    parts_cents: int | None = Field(examples=[11_000])
    labour_cents: int | None = Field(examples=[7_000])
    other_cents: int | None = Field(examples=[5_000])
    total_cents: int | None = Field(examples=[65_000])
    distance_km: float | None = Field(examples=[2_600.0])
    cost_per_km_cents: float | None = Field(description="Over months with a known distance.", examples=[25.0])
    downtime_h: float | None = Field(examples=[16.5])
    trip_count: int | None = Field(examples=[88])


class Upkeep(Output):
    maintenance_cents: int | None = Field(description="parts + labour", examples=[18_000])
    parts_cents: int | None = Field(examples=[11_000])
    labour_cents: int | None = Field(examples=[7_000])
    distance_km: float | None = Field(examples=[2_600.0])
    maintenance_per_km_cents: float | None = Field(
        description="Over months with a known distance.", examples=[6.9]
    )


class Fuel(Output):
    litres: float | None = Field(examples=[240.0])
    cost_cents: int | None = Field(examples=[42_000])
    distance_km: float | None = Field(examples=[2_600.0])
    l_per_100km: float | None = Field(description="Over months with a known distance.", examples=[9.2])
    price_per_l_cents: float | None = Field(examples=[175.0])


class Downtime(Output):
    downtime_h: float | None = Field(description="planned + unplanned", examples=[16.5])
    planned_h: float | None = Field(examples=[6.0])
    unplanned_h: float | None = Field(examples=[10.5])
    failure_count: int | None = Field(examples=[1])
    in_service_h: float | None = Field(description="Hours that the vehicles existed.", examples=[744.0])
    availability_share: float | None = Field(
        description="1 - downtime / in service, at least 0.", examples=[0.978]
    )


class MonthOf(Output):
    month: date = Field(
        description="First day of the month; the last one may not be over.", examples=["2026-01-01"]
    )


class CostsMonth(MonthOf, Costs): ...


class FuelMonth(MonthOf, Fuel): ...


class DowntimeMonth(MonthOf, Downtime): ...


class VehicleCosts(Vehicle, Costs): ...


class VehicleUpkeep(Vehicle, Upkeep): ...


class VehicleFuel(Vehicle, Fuel): ...


class VehicleDowntime(Vehicle, Downtime): ...


Sums = TypeVar("Sums")
Months = TypeVar("Months")
Vehicles = TypeVar("Vehicles")


class FleetRead(Output, Generic[Sums, Months, Vehicles]):
    """All vehicles together, month by month, and the page of vehicles."""

    totals: Sums
    months: list[Months]
    vehicles: list[Vehicles]


class FleetMeta(PeriodMeta, PageMeta):
    pass

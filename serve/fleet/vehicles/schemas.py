"""What a vehicle is to clients."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import Field

from serve.kernel.envelope import Day
from serve.kernel.resources import Fields, read_of
from serve.kernel.resources.schemas import FreeMap, Line


class VehicleFields(Fields):
    registration: Line = Field(min_length=1, max_length=50, examples=["HB-TL 101"])
    make: Line = Field(min_length=1, max_length=100, examples=["Opel"])
    model: Line = Field(min_length=1, max_length=100, examples=["Vivaro"])
    model_year: int = Field(ge=1900, le=2100, examples=[2024])
    kind: Literal["van", "truck", "car", "machine"] = "van"
    fuel: Literal["diesel", "petrol", "electric", "hybrid", "none"] = "diesel"
    status: Literal["active", "workshop", "retired"] = "active"
    acquired_date: Day
    acquisition_cost_cents: int = Field(ge=0, le=10**15, examples=[3_200_000])
    currency: str = Field(pattern="^[A-Z]{3}$", description="ISO 4217 code.", examples=["EUR"])
    odometer_km: float = Field(0, ge=0, le=10**8, examples=[41_250.5])
    zone_id: UUID | None = Field(None, examples=[None])
    attributes: FreeMap = Field({}, description="What else you know.", examples=[{"colour": "white"}])


class VehicleRead(read_of(VehicleFields, "VehicleBase")):  # type: ignore[misc]
    failure_score: float | None = Field(
        description="Chance, 0 to 1, of a failure soon; empty until it was scored.", examples=[0.31]
    )
    failure_reasons: Any | None = Field(description="What speaks for it, strongest first.", examples=[None])
    failure_scored_at: datetime | None

"""What the maintenance forecast takes and answers."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import Field

from serve.kernel.envelope import Output
from serve.kernel.paging import Paged

Band = Literal["low", "medium", "high"]


class MaintenanceQuery(Paged):
    band: Band | None = Field(None, description="Only vehicles in this band.")
    min_score: float | None = Field(None, ge=0, le=1, description="Only vehicles with at least this score.")
    sort: str = Field(
        "-failure_score",
        max_length=200,
        description="failure_score, expected_cost_cents, recommended_by_date, registration; a minus for descending.",
    )


class Sign(Output):
    """A reading that moved the score, and how far."""

    feature: str = Field(examples=["vibration_slope_14d"])
    value: Any = Field(description="The feature's value.", examples=[0.31])
    effect: float = Field(description="Above zero raises the score.", examples=[1.2])


class MaintenanceForecast(Output):
    """A vehicle and its chance to fail within the horizon."""

    vehicle_id: UUID
    registration: str = Field(examples=["B-TL 1201"])
    make: str = Field(examples=["Ford"])
    model: str = Field(examples=["Transit"])
    failure_score: float = Field(description="Probability, 0 to 1.", examples=[0.71])
    risk_band: Band = Field(description="high: acting now costs less than waiting.")
    horizon_h: int = Field(description="Hours that the score looks ahead.", examples=[336])
    recommended_by_date: date | None = Field(description="Inspect by this day; empty when it can wait.")
    expected_cost_cents: int | None = Field(
        description="Cost of waiting: chance times cost of a failure.", examples=[90_000]
    )
    reasons: list[Sign] = Field(description="At most three, the strongest first.")
    as_of_at: datetime = Field(description="The moment the score is about.")
    model_version: str = Field(examples=["20260201T020000Z"])

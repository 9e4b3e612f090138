"""What an account is to clients."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field

from serve.crm.tags.schemas import Tags
from serve.kernel.envelope import Day, Moment
from serve.kernel.resources import Fields, read_of
from serve.kernel.resources.schemas import FreeMap, Line


class AccountFields(Fields):
    kind: Literal["company", "household"] = "company"
    name: Line = Field(min_length=1, max_length=200, examples=["Nordlicht Logistik GmbH"])
    segment: Literal["enterprise", "smb", "consumer"] = "smb"
    status: Literal["active", "churned", "prospect"] = "active"
    zone_id: UUID | None = Field(None, examples=[None])
    city: Annotated[Line, Field(max_length=200)] | None = Field(None, examples=["Bremen"])
    country: str = Field(pattern="^[A-Z]{2}$", description="ISO 3166 code.", examples=["DE"])
    since_date: Day | None = Field(None, description="Customer since.")
    churned_at: Moment | None = Field(None, description="When the customer left.", examples=[None])
    tags: Tags = Field([], description="A new one becomes part of the vocabulary.", examples=[["vip"]])
    attributes: FreeMap = Field({}, description="What else you know.", examples=[{"vip": True}])


class AccountRead(read_of(AccountFields, "AccountBase")):  # type: ignore[misc]
    churn_score: float | None = Field(
        description="Chance, 0 to 1, that the account leaves; empty until it was scored.", examples=[0.12]
    )
    churn_reasons: Any | None = Field(description="What speaks for it, strongest first.", examples=[None])
    churn_scored_at: datetime | None

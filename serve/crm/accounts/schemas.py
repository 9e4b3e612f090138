"""What an account is to clients."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field

from serve.crm.tags.schemas import Tags
from serve.kernel.envelope import Day, Moment, Output
from serve.kernel.resources import Fields, read_of
from serve.kernel.resources.schemas import FreeMap, Line


class AccountFields(Fields):
    kind: Literal["company", "household"] = "company"
    name: Line = Field(min_length=1, max_length=200, examples=["Nordlicht Logistik GmbH"])
    parent_id: UUID | None = Field(
        None,
        description="The account that it belongs to, such as the company of which it is a branch; ten levels at most.",
        examples=[None],
    )
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


class Place(Output):
    """An account where it stands."""

    id: UUID
    parent_id: UUID | None
    name: str = Field(examples=["Nordlicht Logistik GmbH"])
    kind: Literal["company", "household"]
    segment: Literal["enterprise", "smb", "consumer"]
    status: Literal["active", "churned", "prospect"]
    level: int = Field(
        description="Steps from the account that was asked for: below it 1, 2 and so on, above it -1, -2.",
        examples=[1],
    )
    child_count: int = Field(description="Accounts directly below it.", examples=[2])


class Tree(Output):
    """An account with what it belongs to and what belongs to it."""

    account: Place
    ancestors: list[Place] = Field(description="What it belongs to, the topmost first.")
    descendants: list[Place] = Field(
        description="What belongs to it, each account followed by its own; by name within one."
    )
    descendant_count: int = Field(description="All of them, shown or not.", examples=[2])

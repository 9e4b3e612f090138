"""What joining and leaving an umbrella ask and answer."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from serve.identity.tenants.rules import MOST_SLUG_CHARS, SLUG
from serve.kernel.envelope import Input, Output
from serve.kernel.paging import Paged
from serve.kernel.resources.schemas import Line

Direction = Literal["sent", "received"]
State = Literal["pending", "accepted", "declined", "withdrawn", "expired"]


class UmbrellaRequestFields(Input):
    slug: str = Field(
        min_length=1,
        max_length=MOST_SLUG_CHARS,
        pattern=rf"^{SLUG.pattern}$",
        description="Of the tenant that is asked to become a child of yours.",
        examples=["example-fleet-south"],
    )
    message: Annotated[Line, Field(min_length=1, max_length=1000)] | None = Field(
        None, description="Its owners read it.", examples=["As agreed with Mia on Monday."]
    )


class UmbrellaRequestQuery(Paged):
    direction: Direction | None = Field(None, description="Sent by this tenant, or received.")
    state: State | None = None


class UmbrellaRequestRead(Output):
    """A tenant asks another one to become its child. Sent to nobody it waits like any other, until it expires."""

    id: UUID
    direction: Direction
    state: State
    umbrella_id: UUID
    umbrella_name: str = Field(examples=["Example Group"])
    umbrella_slug: str = Field(examples=["example-group"])
    child_slug: str = Field(description="As it was asked.", examples=["example-fleet-south"])
    message: str | None = Field(examples=["As agreed with Mia on Monday."])
    asked_at: datetime
    expires_at: datetime
    answered_at: datetime | None


class UmbrellaLeft(Output):
    id: UUID = Field(description="The tenant that was a child.")
    umbrella_id: UUID = Field(description="Reads nothing of it any more.")

"""What is asked and answered about versions of the API."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from serve.kernel.envelope import Day, Input, Output

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]


class OwnSunset(Input):
    method: Method = Field(examples=["GET"])
    route: str = Field(max_length=500, pattern=r"^/[^\x00 ]*$", examples=["/api/v1/old"])
    sunset_on: Day = Field(
        description="From this day on (UTC) the call is refused with 410 for the whole tenant."
    )


class SunsetsChange(Input):
    sunsets: Annotated[list[OwnSunset], Field(max_length=500)] = Field(
        description="All of them: a call that is left out is gone when it is for everybody."
    )


class ApiVersion(Output):
    version: str = Field(examples=["v1"])
    status: Literal["current", "deprecated"] = Field(examples=["current"])
    base_path: str = Field(examples=["/api/v1"])
    also_at: str | None = Field(description="Another way to write it.", examples=["/api"])


class CallUser(Output):
    """Somebody of the tenant who still calls it."""

    user_id: UUID | None
    full_name: str | None = Field(examples=["Olga Owner"])
    call_count: int = Field(description="In the last 30 days.", examples=[42])
    last_at: datetime


class DeprecatedCall(Output):
    method: Method = Field(examples=["GET"])
    route: str = Field(examples=["/api/v1/old"])
    since: date
    sunset_on: date = Field(description="From this day on it is gone for everybody.")
    own_sunset_on: date | None = Field(description="When the tenant gives it up sooner.", examples=[None])
    successor: str | None = Field(examples=["/api/v1/new"])
    users: list[CallUser]


class Versioning(Output):
    current_version: str = Field(examples=["v1"])
    program_version: str = Field(description="Of the service that answers.", examples=["0.1.0"])
    versions: list[ApiVersion]
    deprecated_versions: list[str] = Field(examples=[[]])
    migration_path: dict[str, str] = Field(
        description="What to call instead, by the deprecated call.",
        examples=[{"GET /api/v1/old": "/api/v1/new"}],
    )
    deprecated_calls: list[DeprecatedCall]
    documentation: str = Field(examples=["/openapi.json"])

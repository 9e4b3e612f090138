"""What is asked and answered about limits."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from serve.kernel.envelope import Input, Output

Kind = Literal["read", "write", "export", "auth"]
PerMin = Annotated[float, Field(ge=1, le=10_000_000)]
Burst = Annotated[int, Field(ge=1, le=10_000_000)]


class OwnLimit(Input):
    """What is left out, or null, is as the installation has it."""

    caller_per_min: PerMin | None = Field(None, description="Of one key or user.", examples=[300.0])
    caller_burst: Burst | None = Field(None, description="At once.", examples=[50])
    tenant_per_min: PerMin | None = Field(None, description="Of all together.", examples=[3000.0])
    tenant_burst: Burst | None = Field(None, examples=[500])


class OwnLimits(Input):
    read: OwnLimit | None = Field(None, description="GET, and POST that only asks.")
    write: OwnLimit | None = Field(None, description="Everything else that changes something.")
    export: OwnLimit | None = Field(None, description="Addresses that end in `/export`.")
    auth: OwnLimit | None = Field(None, description="Everything but GET under `/auth`.")


class LimitsChange(Input):
    limits: OwnLimits = Field(
        description="All of them: a class that is left out is as the installation has it."
    )


class LimitsQuery(BaseModel):
    endpoint: str | None = Field(
        None,
        max_length=500,
        pattern=r"^(GET|POST|PUT|PATCH|DELETE) /[^\x00 ]*$",
        description="`METHOD /path`: only the class that this call belongs to. All unless said.",
    )


class RateNow(Output):
    """One limit, and how much of it is used."""

    per_min: float = Field(examples=[6000.0])
    burst: int = Field(description="At once.", examples=[600])
    most_per_min: float = Field(description="The highest that the tenant may set.", examples=[60_000.0])
    most_burst: int = Field(examples=[6000])
    is_own: bool = Field(description="Whether the tenant has set something of it.", examples=[False])
    used: int = Field(description="Requests that count at the moment; time takes them away.", examples=[3])
    remaining: int = Field(examples=[597])
    reset_s: int = Field(description="Until none counts any more.", examples=[1])


class ClassLimits(Output):
    caller: RateNow = Field(description="Of one key or user; what is used is the caller's own.")
    tenant: RateNow = Field(description="Of all keys and users of the tenant together.")


class LimitsByClass(Output):
    """Null is a class that is not limited."""

    read: ClassLimits | None = None
    write: ClassLimits | None = None
    export: ClassLimits | None = None
    auth: ClassLimits | None = None


class Bursts(Output):
    """What one key or user may send at once; null: as much as it likes."""

    read: int | None = Field(None, examples=[600])
    write: int | None = Field(None, examples=[300])
    export: int | None = Field(None, examples=[10])
    auth: int | None = Field(None, examples=[60])


class Refused(Output):
    """Calls that were refused with 429, before anybody looked what was called."""

    method: str = Field(examples=["GET"])
    user_id: UUID | None
    full_name: str | None = Field(examples=["Olga Owner"])
    refused_count: int = Field(examples=[12])
    last_at: datetime


class LimitsRead(Output):
    endpoint: str = Field(description="What was asked about; `*` is everything.", examples=["*"])
    limits: LimitsByClass
    burst: Bursts
    refusals: list[Refused] = Field(
        description="Of everybody of the tenant in the last hour, the most first."
    )
    is_shared: bool = Field(
        description="Whether all servers count together; else each counts for itself.", examples=[False]
    )

"""The audit log as clients see it, and what they may ask for."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field

from serve.kernel.envelope import Day, Output, PageMeta
from serve.kernel.paging import Paged
from serve.platform.events.schemas import Categories, EventRead, Words

RequestId = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,64}$")]


class AuditEntry(EventRead):
    """One thing that happened, with the name of who did it."""

    actor_name: str | None = Field(
        None, description="The person, or the person whose key it was.", examples=["Olga Owner"]
    )


class PeriodQuery(Paged):
    date_start: Day | None = Field(None, description="On this day (UTC) or later.")
    date_end: Day | None = Field(None, description="On this day (UTC) or earlier.")


class SecurityQuery(PeriodQuery):
    actor_id: UUID | None = Field(
        None, description="Done by this person, with or without a key, or by this key."
    )
    entity_type: Words | None = Field(None, description="Done to one of these entities.")
    entity_id: UUID | None = Field(None, description="Done to this row.")
    name: Words | None = Field(None, description="Events of these names.")
    request_id: RequestId | None = Field(None, description="Done by this request.")


class AuditQuery(SecurityQuery):
    category: Categories | None = Field(None, description="Only changes, noted reads or security events.")


class ActivityQuery(PeriodQuery):
    """The last 30 days unless said."""

    user_id: UUID | None = Field(None, description="The single actions of this person, newest first.")


class AuditMeta(PageMeta):
    total_is_estimate: bool = Field(
        False, description="There are at least `total` entries.", examples=[False]
    )


class UserActivity(Output):
    """What one person did in the period."""

    user_id: UUID
    full_name: str | None = Field(None, examples=["Olga Owner"])
    email: str | None = Field(None, examples=["olga@example.org"])
    role: str | None = Field(None, description="Empty for who no longer belongs here.", examples=["owner"])
    action_count: int = Field(examples=[3])
    by_name: dict[str, int] = Field(
        description="How often each kind of event.", examples=[{"contact.updated": 2, "audit.read": 1}]
    )
    last_seen_at: datetime = Field(description="The last action of the period.")


class ActivityMeta(AuditMeta):
    date_start: date
    date_end: date


class Seal(Output):
    """The newest batch. Whoever keeps number and hash elsewhere can prove later that nothing before was touched."""

    number: int = Field(examples=[12])
    hash: str = Field(examples=["9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"])
    sealed_at: datetime


class BrokenSeal(Output):
    """A batch that is not what was sealed."""

    number: int = Field(examples=[7])
    event_count: int = Field(description="Events when it was sealed.", examples=[200])
    found_count: int = Field(description="Events found now.", examples=[199])
    sealed_at: datetime


class Verification(Output):
    holds: bool = Field(description="Whether every batch is what was sealed.", examples=[True])
    batch_count: int = Field(examples=[12])
    event_count: int = Field(description="Events in these batches.", examples=[2340])
    unsealed_count: int = Field(description="Newer events, in no batch yet.", examples=[0])
    newest: Seal | None = Field(None, description="Empty while nothing is sealed.")
    broken: list[BrokenSeal] = Field(description="The batches that do not hold.", examples=[[]])

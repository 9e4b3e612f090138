"""What is asked of figures of leads, and what they say."""

from __future__ import annotations

from datetime import date
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field

from serve.kernel.envelope import Day, Output
from serve.kernel.resources.schemas import Line


class LeadsAsked(BaseModel):
    date_start: Day | None = Field(
        None, description="The first UTC day on which they came; 30 days before the last unless said."
    )
    date_end: Day | None = Field(None, description="The last such day; today unless said.")
    source: Annotated[Line, Field(max_length=100)] | None = Field(None, description="Only those from there.")
    owner_id: UUID | None = Field(None, description="Only those on which this person works.")
    zone_id: UUID | None = Field(None, description="Only those of this zone.")
    campaign_id: UUID | None = Field(None, description="Only those that this campaign brought.")
    country: Annotated[str, Field(pattern="^[A-Z]{2}$")] | None = Field(
        None, description="Only those from this country, ISO 3166."
    )


class RepliesAsked(LeadsAsked):
    target_s: Annotated[int, Field(ge=1, le=31_536_000)] | None = Field(
        None, description="By when an answer is in time, seconds; what your settings say unless said."
    )
    calendar_id: UUID | None = Field(
        None, description="Count only the working time of this business calendar; without it all time counts."
    )


class Steps(Output):
    came_count: int = Field(description="All that came in the period.", examples=[120])
    contacted_count: int = Field(
        description="Those that you answered or that went past it by now.", examples=[96]
    )
    qualified_count: int = Field(description="Those that ever were worth an offer, or won.", examples=[40])
    won_count: int = Field(examples=[18])
    lost_count: int = Field(examples=[35])
    open_count: int = Field(description="Neither won nor lost: they may still become either.", examples=[67])
    contacted_share: float | None = Field(description="Of those that came, 0 to 1.", examples=[0.8])
    qualified_share: float | None = Field(description="Of those contacted.", examples=[0.417])
    won_share: float | None = Field(description="Of those qualified.", examples=[0.45])
    overall_share: float | None = Field(
        description="Won of all that came; while some are open it can still rise.", examples=[0.15]
    )
    win_rate: float | None = Field(
        description="Won per lead won or lost, as in other figures.", examples=[0.34]
    )
    median_contact_s: float | None = Field(description="From coming to contact.", examples=[5400.0])
    median_qualify_s: float | None = Field(description="From contact to qualified.", examples=[86400.0])
    median_win_s: float | None = Field(description="From coming to won.", examples=[864000.0])


class SourceSteps(Steps):
    source: str = Field(examples=["referral"])


class Funnel(Steps):
    """How far the leads of a period have come by now."""

    date_start: date
    date_end: date
    by_source: list[SourceSteps] = Field(description="Whence most came first; 100 at most.")


class Replies(Output):
    """How soon the leads of a period got their first answer."""

    date_start: date
    date_end: date
    calendar_id: UUID | None = Field(description="Whose working time was counted.")
    target_s: int = Field(examples=[3600])
    came_count: int = Field(examples=[120])
    answered_count: int = Field(examples=[96])
    waiting_count: int = Field(description="Open, not answered, and still in time.", examples=[4])
    median_s: float | None = Field(description="Of those answered.", examples=[2700.0])
    p90_s: float | None = Field(description="Nine of ten answers came within.", examples=[14400.0])
    in_time_count: int = Field(examples=[70])
    in_time_share: float | None = Field(
        description="Of those answered, and those open whose time is over; 0 to 1.", examples=[0.66]
    )

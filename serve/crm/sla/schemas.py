"""What calendars and policies are to clients."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID
from zoneinfo import available_timezones

from pydantic import AfterValidator, BaseModel, Field, WithJsonSchema

from serve.crm.tickets.schemas import Channel, Priority
from serve.kernel.envelope import Day, Input, Output
from serve.kernel.resources import Fields
from serve.kernel.resources.schemas import Line

Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
Segment = Literal["enterprise", "smb", "consumer"]
Clock = Annotated[str, Field(pattern=r"^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$")]
Minutes = Annotated[int, Field(ge=1, le=525_600)]


def _day(text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError as error:
        raise ValueError("write a day as YYYY-MM-DD") from error


def _user_id(text: str) -> str:
    try:
        return str(UUID(text))
    except ValueError as error:
        raise ValueError("is no id") from error


def _known_zone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError("is not a time zone; names are such as Europe/Berlin")
    return name


WrittenDay = Annotated[str, AfterValidator(_day), WithJsonSchema({"type": "string", "format": "date"})]
WrittenId = Annotated[str, AfterValidator(_user_id), WithJsonSchema({"type": "string", "format": "uuid"})]


class OpenHours(Input):
    day: Weekday
    opens: Clock = Field(examples=["08:00"])
    closes: Clock = Field(description="Up to this minute, which belongs to it no more.", examples=["17:00"])


class ClosedDay(Input):
    date: WrittenDay = Field(examples=["2026-12-24"])
    name: Annotated[Line, Field(max_length=100)] = Field("", examples=["Inventory"])


_HOURS = [{"day": "monday", "opens": "08:00", "closes": "17:00"}]


class CalendarFields(Fields):
    name: Line = Field(min_length=1, max_length=100, description="Unique.", examples=["Office"])
    timezone: Annotated[str, Field(max_length=64), AfterValidator(_known_zone)] = Field(
        examples=["Europe/Berlin"]
    )
    hours: list[OpenHours] = Field(
        min_length=1,
        max_length=70,
        description="When it is open each week, by the clock of the zone.",
        examples=[_HOURS],
    )
    country: Annotated[str, Field(pattern="^[A-Z]{2}$")] | None = Field(
        None,
        description="ISO 3166 code of the country on whose public holidays it is closed.",
        examples=["DE"],
    )
    subdivision: Annotated[Line, Field(max_length=10)] | None = Field(
        None,
        description="ISO 3166-2 code of the part of the country, for holidays of its own.",
        examples=["HB"],
    )
    closed_days: list[ClosedDay] = Field(
        [], max_length=1000, description="Days on which it is closed besides.", examples=[[]]
    )


class PolicyFields(Fields):
    name: Line = Field(min_length=1, max_length=100, description="Unique.", examples=["Urgent"])
    position: int = Field(
        100, ge=0, le=10_000, description="A ticket has the first policy by this whose conditions all hold."
    )
    is_default: bool = Field(
        False, description="For tickets that no other policy takes; there is one at most."
    )
    is_active: bool = Field(True, description="Whether it is looked at.")
    priority: Priority | None = Field(None, description="Only tickets of this priority.", examples=["urgent"])
    channel: Channel | None = Field(None, description="Only tickets that came this way.", examples=[None])
    segment: Segment | None = Field(
        None, description="Only tickets of accounts of this segment.", examples=[None]
    )
    calendar_id: UUID | None = Field(
        None, description="Whose working time counts; without one all time does.", examples=[None]
    )
    first_reply_minutes: Minutes | None = Field(
        None, description="Working time until the first public answer.", examples=[60]
    )
    resolution_minutes: Minutes | None = Field(
        None, description="Working time until it is resolved.", examples=[480]
    )
    warn_before_minutes: Annotated[int, Field(ge=1, le=43_200)] | None = Field(
        None, description="People are warned so long before it is too late, nights included.", examples=[15]
    )
    notify_user_ids: list[WrittenId] = Field(
        [],
        max_length=50,
        description="Who is told besides the assignee; the tenant's leaders where there is neither.",
        examples=[[]],
    )
    raises_priority: bool = Field(
        False, description="A ticket that is too late gets the next higher priority."
    )
    reassign_to_id: UUID | None = Field(
        None, description="A ticket that is too late goes to this member.", examples=[None]
    )


class DaysQuery(BaseModel):
    date_start: Day = Field(description="The first day.", examples=["2026-12-21"])
    date_end: Day = Field(
        description="The last day, at most a year after the first.", examples=["2026-12-27"]
    )


class OpenSpan(Output):
    opens_at: datetime
    closes_at: datetime


class CalendarDay(Output):
    """A day as the calendar has it."""

    date: date
    open: list[OpenSpan] = Field(description="As moments: the day on which clocks change is shown as it is.")
    worked_s: float = Field(description="Working time of the day.", examples=[32400.0])
    closed_because: str | None = Field(
        description="The holiday; `closed` for a closed day of the firm's own.", examples=[None]
    )

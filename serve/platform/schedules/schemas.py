"""What is written and read of schedules."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, Field

from serve.kernel.envelope import Output, ZonedMoment
from serve.kernel.resources.schemas import Fields, FreeMap, Line, Record
from serve.platform.schedules.rules import check_cron, check_zone


class ScheduleFields(Fields):
    name: Line = Field(min_length=1, max_length=200, examples=["Every morning"])
    description: Line | None = Field(None, max_length=2000, examples=["A new list of accounts"])
    operation_id: Line = Field(
        description="The action to invoke; `GET /api/v1/actions` lists them.",
        max_length=100,
        examples=["accounts.list"],
    )
    params: FreeMap = Field(
        default_factory=dict, description="What the action is invoked with.", examples=[{"per_page": 10}]
    )
    cron: Annotated[Line, AfterValidator(check_cron)] | None = Field(
        None,
        max_length=200,
        description="Minute, hour, day of the month, month, day of the week; by the clocks of the time zone.",
        examples=["30 7 * * 1-5"],
    )
    run_at: ZonedMoment | None = Field(
        None, description="For a single run: its moment. Either this or `cron`.", examples=[None]
    )
    timezone: Annotated[Line, AfterValidator(check_zone)] = Field(
        "UTC",
        max_length=64,
        description="IANA name of the zone whose clocks count.",
        examples=["Europe/Berlin"],
    )
    overlap: Literal["skip", "queue", "allow", "cancel_previous"] = Field(
        "skip",
        description="When its time comes and the run before has not ended: leave it out, begin it after that (one"
        " waits), begin it beside, or cancel the one before.",
    )
    catch_up_s: int = Field(
        3600,
        ge=0,
        le=30 * 86_400,
        description="How many seconds late it may still begin when nobody was there at its time. Where several times"
        " have passed, the last one counts.",
    )
    ends_at: ZonedMoment | None = Field(None, description="No run after this moment.", examples=[None])


class ScheduleRead(Record):
    """An action that is invoked at a time, as the person who last changed the schedule."""

    external_id: str | None = Field(None, examples=["crm-1001"])
    name: str = Field(examples=["Every morning"])
    description: str | None = Field(None, examples=["A new list of accounts"])
    operation_id: str = Field(examples=["accounts.list"])
    params: FreeMap = Field(examples=[{"per_page": 10}])
    cron: str | None = Field(None, examples=["30 7 * * 1-5"])
    run_at: datetime | None = Field(None, examples=[None])
    timezone: str = Field(examples=["Europe/Berlin"])
    overlap: Literal["skip", "queue", "allow", "cancel_previous"] = Field(examples=["skip"])
    catch_up_s: int = Field(examples=[3600])
    ends_at: datetime | None = Field(None, examples=[None])
    status: Literal["active", "paused", "finished"] = Field(
        description="`finished` has no time any more.", examples=["active"]
    )
    next_run_at: datetime | None = Field(
        None, description="Its next time; empty while it is paused or when there is none any more."
    )
    user_id: UUID | None = Field(None, description="As whom it is invoked.")
    api_key_id: UUID | None = Field(None, description="The key as which it is invoked.")


class NextRun(Output):
    """When a schedule's time comes."""

    next_run_at: datetime | None = Field(description="Empty when there is none any more.")
    next_run_local: str | None = Field(
        description="By the clocks of its zone.", examples=["2026-11-23T07:30:00+01:00"]
    )
    timezone: str = Field(examples=["Europe/Berlin"])
    upcoming: list[datetime] = Field(description="The next five.")
    in_words: str | None = Field(
        description="The cron expression.", examples=["At 07:30 on Monday through Friday"]
    )


class ScheduleRun(Output):
    """One time that came, newest first, and what was done."""

    id: UUID
    due_at: datetime
    trigger: Literal["schedule", "person"] = Field(examples=["schedule"])
    outcome: Literal["started", "skipped", "waiting", "missed"] = Field(examples=["started"])
    reason: str | None = Field(None, description="Why it did not begin.", examples=[None])
    missed_count: int = Field(description="Times before it that had passed unseen.", examples=[0])
    task_id: UUID | None = None
    task_status: str | None = Field(None, description="What became of it.", examples=["succeeded"])
    finished_at: datetime | None = None

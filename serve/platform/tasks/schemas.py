"""What is read of a task, and what may be asked of it."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import Field

from serve.kernel.envelope import Input, Output
from serve.kernel.errors import ErrorDetail
from serve.kernel.resources.schemas import Record

Status = Literal["queued", "running", "paused", "succeeded", "failed", "cancelled"]


class TaskFields(Input):
    """Nobody writes a task: it comes about by what it is for."""


class TaskError(Output):
    """Why it failed, or why it is tried again."""

    code: str = Field(examples=["OUTSIDE_FAILED"])
    message: str = Field(examples=["The mail server does not answer."])
    step: str | None = Field(
        None, description="In which step; it is the next one to be done.", examples=["rows 500"]
    )
    attempt: int | None = Field(None, description="At the how manieth try of that step.", examples=[5])
    details: list[ErrorDetail] = Field([], examples=[[]])


class TaskRead(Record):
    """Work that outlives the request that asked for it."""

    kind: str = Field(description="What is done.", examples=["actions.invoke"])
    title: str = Field(description="The same for people.", examples=["contacts.bulk_create"])
    queue: str = Field(examples=["actions"])
    status: Status = Field(examples=["running"])
    operation_id: str | None = Field(
        None, description="The action that it invokes.", examples=["contacts.bulk_create"]
    )
    entity_type: str | None = Field(None, description="What it is for.", examples=["schedule"])
    entity_id: UUID | None = None
    done_count: int = Field(description="How much is done, in parts of its own.", examples=[120])
    total_count: int | None = Field(None, description="Of how much; empty when nobody knows.", examples=[400])
    message: str | None = Field(
        None, description="Where it is, in words.", examples=["Sending to the third list."]
    )
    result: Any = Field(None, description="What came of it, once it succeeded.", examples=[{"created": 120}])
    error: TaskError | None = None
    attempt: int = Field(
        description="Try of the step that is next; a step that ends begins the count anew.", examples=[1]
    )
    most_attempts: int = Field(examples=[5])
    run: int = Field(description="How often it was queued.", examples=[1])
    round: int = Field(description="How often it was begun from the beginning.", examples=[1])
    not_before: datetime | None = Field(None, description="When it is tried again.", examples=[None])
    user_id: UUID | None = Field(None, description="Who asked for it; empty when the platform did.")
    api_key_id: UUID | None = Field(None, description="The key that asked for it.")
    request_id: str | None = Field(None, description="The request that asked for it.", examples=["0b7c-1"])
    started_at: datetime | None = None
    finished_at: datetime | None = None
    dismissed_at: datetime | None = Field(
        None, description="When somebody put the failed task aside.", examples=[None]
    )


class Retry(Input):
    start: Literal["failed_step", "beginning"] = Field(
        "failed_step", description="Go on with the step that failed, or forget what was done and begin anew."
    )


class StepRead(Output):
    """A step that was done, or begun."""

    name: str = Field(examples=["rows 500"])
    round: int = Field(examples=[1])
    attempt: int = Field(examples=[1])
    worker: str | None = Field(examples=["worker-1"])
    started_at: datetime
    finished_at: datetime | None = Field(
        None, description="Null while it runs, or when nobody knows how it ended."
    )
    output: Any = Field(None, examples=[{"rows": 500}])

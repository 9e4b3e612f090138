"""What is asked and answered about notifications."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field

from serve.kernel.envelope import Day, Input, Output, PageMeta
from serve.kernel.paging import Paged
from serve.kernel.permissions import Role
from serve.kernel.resources.filters import Word, _set
from serve.kernel.resources.schemas import Line
from serve.platform.notifications.rules import Priority

EntityType = Annotated[str, Field(pattern=r"^[a-z][a-z_]{0,49}$")]


class NotificationRead(Output):
    id: UUID
    kind: str = Field(description="What it is about; `message` from a person.", examples=["vehicle"])
    priority: Priority = Field(examples=["normal"])
    title: str = Field(examples=["A vehicle went into the workshop"])
    body: str | None = Field(examples=[None])
    entity_type: str | None = Field(description="What to open.", examples=["vehicle"])
    entity_id: UUID | None
    event_id: UUID | None = Field(description="The event that it was made from.")
    is_read: bool = Field(examples=[False])
    read_at: datetime | None = Field(examples=[None])
    created_at: datetime


class NotificationsMeta(PageMeta):
    unread: int = Field(description="Unread ones in all, whatever the filters.", examples=[1])


class NotificationQuery(Paged):
    is_read: bool | None = Field(None, description="Only read or only unread ones.")
    kind: _set(Word) | None = Field(None, description="Only of these kinds.")  # type: ignore[valid-type]
    priority: _set(Priority) | None = Field(None, description="Only of these priorities.")  # type: ignore[valid-type]
    entity_type: _set(Word) | None = Field(None, description="Only about these types.")  # type: ignore[valid-type]
    date_start: Day | None = Field(None, description="Made on this day (UTC) or later.")
    date_end: Day | None = Field(None, description="Made on this day (UTC) or earlier.")


class Unread(Output):
    unread: int = Field(examples=[3])
    by_kind: dict[str, int] = Field(examples=[{"vehicle": 2, "message": 1}])


class NotificationFields(Input):
    """A message to people of the tenant; to oneself when nobody is named."""

    title: Line = Field(min_length=1, max_length=200, examples=["Vans are washed on Friday"])
    body: Annotated[Line, Field(max_length=5000)] | None = Field(None, examples=["From 8 in the yard."])
    priority: Priority = "normal"
    user_ids: Annotated[list[UUID], Field(max_length=1000)] = Field(
        [], description="These people.", examples=[[]]
    )
    roles: list[Role] = Field(
        [], description="And everybody with one of these roles.", examples=[["technician"]]
    )
    entity_type: EntityType | None = Field(None, description="What it is about.", examples=["vehicle"])
    entity_id: UUID | None = Field(None, examples=[None])


class NotificationFlag(Input):
    is_read: bool = Field(examples=[True])


class Addressed(Output):
    id: UUID = Field(description="Of the person's notification.")
    user_id: UUID


class Sent(Output):
    event_id: UUID
    notifications: list[Addressed]


class Marked(Output):
    updated: int = Field(description="How many were unread.", examples=[3])


class Removed(Output):
    id: UUID


class Cleared(Output):
    deleted: int = Field(examples=[12])

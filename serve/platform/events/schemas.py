"""An event as clients see it, and what they may ask for."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from serve.kernel.envelope import Meta, Output
from serve.kernel.events import Category

MOST_EVENTS = 1000

Word = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[a-z0-9_.-]+$")]


def _split(asked: Any) -> Any:
    """``a,b`` is ``a`` and ``b``, whether sent once or as two parameters."""
    words = asked if isinstance(asked, list) else [asked]
    return [part.strip() for word in words for part in (word.split(",") if isinstance(word, str) else [word])]


Words = Annotated[list[Word], BeforeValidator(_split), Field(max_length=100)]
Categories = Annotated[list[Category], BeforeValidator(_split), Field(max_length=3)]


class EventRead(Output):
    """One thing that happened."""

    id: UUID
    tenant_id: UUID = Field(description="Whose event it is; an umbrella sees those of its children too.")
    name: str = Field(examples=["contact.updated"])
    category: Category = Field(examples=["change"])
    entity_type: str = Field(examples=["contact"])
    entity_id: UUID | None = Field(None, description="The row; empty when there is no single one.")
    before: dict[str, Any] | None = Field(
        None,
        description='What changed, as it was. A personal value is `{"sealed": null}`: the history of the row shows it.',
        examples=[{"job_title": "Clerk"}],
    )
    after: dict[str, Any] | None = Field(
        None, description="What changed, as it is.", examples=[{"job_title": "Head of fleet"}]
    )
    actor_kind: str = Field(
        description="`user`, `api_key`, or what acted by itself: `platform`, `pipeline`.", examples=["user"]
    )
    actor_id: UUID | None = Field(None, description="The person or the key.")
    request_id: str | None = Field(None, description="The request that did it.", examples=["0b7c-1"])
    cause_id: UUID | None = Field(None, description="The event that led to this one.")
    happened_at: datetime


class FeedQuery(BaseModel):
    model_config = ConfigDict(extra="ignore")

    after: UUID | None = Field(
        None,
        description="`meta.next_cursor` of the answer before; without it the feed begins at the beginning.",
    )
    limit: int = Field(100, ge=1, le=MOST_EVENTS, description="Most events in one answer.")
    entity_type: Words | None = Field(None, description="Only events of these entities.")
    name: Words | None = Field(None, description="Only events of these names.")
    category: Categories | None = Field(
        None,
        description="`change` unless said. `read` and `security` need the permission audit:read as well.",
    )


class FeedMeta(Meta):
    next_cursor: UUID | None = Field(
        None,
        description="Send it as `after` to go on from here, now or later; empty while nothing has happened yet.",
    )
    has_more: bool = Field(description="Whether there is more already.", examples=[False])

"""What happened with an account or a contact, to clients."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from serve.kernel.envelope import Meta, Moment, Output
from serve.kernel.resources.filters import split

Kind = Literal[
    "account", "contact", "lead", "ticket", "quote", "invoice", "payment", "call", "note", "review"
]


class ActivityAsked(BaseModel):
    model_config = ConfigDict(extra="ignore")

    kind: Annotated[list[Kind], BeforeValidator(split), Field(max_length=20)] | None = Field(
        None, description="Only these; all that you may read unless said. `quote` has estimates too."
    )
    since: Moment | None = Field(None, description="At this moment or later.")
    until: Moment | None = Field(None, description="Before this moment.")
    cursor: UUID | None = Field(None, description="`meta.next_cursor` of the page before.")
    limit: int = Field(50, ge=1, le=200, description="Entries a page.")


class ActivityMeta(Meta):
    next_cursor: UUID | None = Field(description="For the page behind this one; null on the last.")
    has_more: bool
    left_out: list[Kind] = Field(description="Kinds that you may not read.", examples=[["call"]])


class ActivityEntry(Output):
    """One change of something that concerns it."""

    id: UUID = Field(description="Of the event.")
    happened_at: datetime
    kind: Kind = Field(description="What it was about.", examples=["ticket"])
    name: str = Field(description="What happened.", examples=["ticket.resolved"])
    entity_type: str = Field(description="Whose id `entity_id` is.", examples=["ticket"])
    entity_id: UUID
    label: str | None = Field(description="How that is called now.", examples=["The boiler is cold"])
    actor_kind: str = Field(description="Who or what did it.", examples=["user"])
    actor_id: UUID | None
    actor_name: str | None = Field(examples=["Olga Owner"])
    cause_id: UUID | None = Field(description="The import, task or event that it was done for.")
    before: dict[str, Any] | None = Field(
        description="The values that changed.", examples=[{"status": "open"}]
    )
    after: dict[str, Any] | None = Field(description="What they became.", examples=[{"status": "resolved"}])

"""What tickets and replies are to clients."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from serve.crm.tags.schemas import Tags
from serve.kernel.envelope import Day, Input, Output
from serve.kernel.paging import Paged
from serve.kernel.resources import Fields, read_of
from serve.kernel.resources.schemas import Line

Priority = Literal["low", "normal", "high", "urgent"]
Status = Literal["open", "pending", "resolved", "closed"]
Channel = Literal["email", "phone", "web", "chat", "whatsapp", "portal", "visit"]
Words = Annotated[Line, Field(min_length=1, max_length=20_000)]


class TicketFields(Fields):
    subject: Line = Field(min_length=1, max_length=300, examples=["The visit was late"])
    description: Annotated[Line, Field(max_length=20_000)] | None = Field(
        None, description="What the customer said.", examples=["Nobody came before noon."]
    )
    account_id: UUID | None = Field(
        None,
        description="Whose ticket it is; may be left out where it follows from the contact or the job.",
        examples=[None],
    )
    contact_id: UUID | None = Field(
        None, description="Who asks: somebody of the account, or of none yet.", examples=[None]
    )
    job_id: UUID | None = Field(None, description="Which job of the account it is about.", examples=[None])
    channel: Channel | None = Field(None, description="How it came.", examples=["phone"])
    priority: Priority = "normal"
    status: Status = Field(
        "open",
        description="`pending` waits for the customer. `resolved` and `closed` need a resolution; from there the"
        " ticket can be reopened as `open`.",
    )
    assignee_id: UUID | None = Field(
        None, description="The user who looks after it: an active member of the tenant.", examples=[None]
    )
    resolution: Annotated[Line, Field(max_length=20_000)] | None = Field(
        None, description="What was done, or why nothing.", examples=[None]
    )
    tags: Tags = Field([], description="A new one becomes part of the vocabulary.", examples=[["billing"]])


class TicketRead(read_of(TicketFields, "TicketBase")):  # type: ignore[misc]
    account_id: UUID = Field(description="Whose ticket it is.")
    number: int | None = Field(
        description="Unique and rising within the tenant; empty for what was loaded in bulk.", examples=[1041]
    )
    opened_at: datetime
    first_response_at: datetime | None = Field(description="When somebody first answered in public.")
    resolved_at: datetime | None
    closed_at: datetime | None
    reopened_count: int = Field(examples=[0])
    sla_policy_id: UUID | None = Field(description="Which promises hold for it.")
    first_reply_due_at: datetime | None = Field(
        description="By when it must be answered; empty where nothing is promised, and during a pause."
    )
    resolution_due_at: datetime | None = Field(description="By when it must be resolved; empty likewise.")
    first_reply_breached_at: datetime | None = Field(description="Since when the answer was late.")
    resolution_breached_at: datetime | None = Field(description="Since when the resolution was late.")
    is_breached: bool = Field(description="Whether either was late.", examples=[False])
    merged_into_id: UUID | None = Field(description="The ticket that it was merged into.", examples=[None])
    satisfaction: int | None = Field(description="What the customer thinks of it, 1 to 5.", examples=[5])
    satisfaction_comment: str | None = Field(description="In the customer's words.", examples=[None])
    satisfaction_at: datetime | None


class Resolution(Input):
    resolution: Words | None = Field(
        None,
        description="What was done, or why nothing; needed unless the ticket says so already.",
        examples=["We came again at no charge."],
    )


class Resolved(Resolution):
    ask_rating: bool = Field(
        False,
        description="Send the contact a mail with a link by which they say how content they are.",
        examples=[False],
    )


class Merge(Input):
    into_id: UUID = Field(description="The ticket of the same account that goes on.")


class RatingFields(Input):
    rating: int = Field(ge=1, le=5, description="5 is best.", examples=[5])
    comment: Annotated[Line, Field(max_length=2_000)] | None = Field(None, examples=["Quick and friendly."])


class RatingLink(Input):
    token: str = Field(min_length=20, max_length=100, pattern="^[A-Za-z0-9_-]+$", description="Of the mail.")


class LinkedRating(RatingFields, RatingLink):
    pass


class RatingShown(Output):
    """What the holder of the link may know."""

    tenant_name: str = Field(examples=["Example Fleet"])
    tenant_slug: str = Field(examples=["example-fleet"])
    number: int | None = Field(examples=[1041])
    rating: int | None = Field(
        description="What they said so far; it may be changed while the link is good.", examples=[5]
    )
    comment: str | None = Field(examples=[None])


class CannedFields(Fields):
    shortcut: str = Field(
        pattern="^[a-z0-9][a-z0-9_-]{0,49}$", description="Unique; what one types.", examples=["sorry"]
    )
    title: Line = Field(min_length=1, max_length=200, examples=["We are sorry"])
    body: Words = Field(
        description="With places such as `{{contact.full_name}}`, which are filled in for a ticket.",
        examples=["Dear {{contact.full_name}}, we are sorry."],
    )


class Rendering(BaseModel):
    ticket_id: UUID = Field(description="Whom the text is for, and about what.")


class Rendered(Output):
    body: str = Field(examples=["Dear Ada Byron, we are sorry."])


class Assignment(Input):
    assignee_id: UUID | None = Field(
        description="An active member of the tenant; null takes the ticket from whoever has it.",
        examples=[None],
    )


class ReplyFields(Input):
    body: Words = Field(examples=["We are sorry, and come again tomorrow."])
    is_internal: bool = Field(False, description="A note that the customer never sees.", examples=[False])
    is_from_contact: bool = Field(
        False,
        description="The contact's own words, written down here; opens what waited for them.",
        examples=[False],
    )
    send_mail: bool = Field(False, description="Send it to the contact by mail.", examples=[False])
    status: Literal["open", "pending"] | None = Field(
        None,
        description="What the ticket is after it: `pending` if it asks the customer something.",
        examples=[None],
    )


class ReplyRead(Output):
    """What was said in a ticket."""

    id: UUID
    ticket_id: UUID
    kind: Literal["public", "internal"] = Field(examples=["public"])
    author: Literal["staff", "contact"] = Field(examples=["staff"])
    author_id: UUID | None = Field(description="The user who wrote it, or wrote it down.")
    author_name: str | None = Field(
        description="Of the member of the tenant, or of the contact.", examples=["Olga Owner"]
    )
    contact_id: UUID | None = Field(examples=[None])
    body: str = Field(examples=["We are sorry, and come again tomorrow."])
    mail_id: UUID | None = Field(
        description="The mail that brought it to the contact; `GET /api/v1/mails/{id}` says what became of it.",
        examples=[None],
    )
    created_at: datetime


class ReplyQuery(Paged):
    kind: Literal["public", "internal"] | None = Field(None, description="Only these.")


class ClockRead(Output):
    """One of the two clocks of a ticket, as it stands now."""

    name: Literal["first_reply", "resolution"] = Field(examples=["first_reply"])
    state: Literal["running", "paused", "stopped"] = Field(
        description="`paused` while the ticket is pending, `stopped` when it was answered or is done.",
        examples=["running"],
    )
    target_s: float = Field(description="Working time that was promised.", examples=[3600.0])
    elapsed_s: float = Field(description="Working time that has passed, without pauses.", examples=[600.0])
    remaining_s: float = Field(description="Below 0 when it is late.", examples=[3000.0])
    due_at: datetime | None
    breached_at: datetime | None = Field(examples=[None])


class Told(Output):
    """What people were told of a clock; each once until the ticket is opened again."""

    clock: Literal["first_reply", "resolution"] = Field(examples=["first_reply"])
    level: Literal["warning", "breach"] = Field(examples=["warning"])
    due_at: datetime
    told_at: datetime
    told_count: int = Field(description="How many people.", examples=[1])
    reopened_count: int = Field(
        description="How often the ticket had been opened again by then.", examples=[0]
    )


class TicketSla(Output):
    """What is promised of a ticket, and how it stands."""

    policy_id: UUID | None
    policy_name: str | None = Field(examples=["Urgent"])
    clocks: list[ClockRead]
    told: list[Told]


class SlaQuery(BaseModel):
    date_start: Day | None = Field(None, description="Opened on this day (UTC) or later.")
    date_end: Day | None = Field(None, description="Opened on this day (UTC) or earlier.")


class SlaCount(Output):
    """Of the tickets of which it is promised."""

    within_count: int = Field(description="Done in time.", examples=[40])
    breached_count: int = Field(description="Too late, done or not.", examples=[2])
    running_count: int = Field(description="Not done and not late.", examples=[5])
    within_share: float | None = Field(
        description="In time, of those that are decided, 0 to 1; empty when none is.", examples=[0.95]
    )


class SlaOfPriority(Output):
    priority: Priority | None = Field(description="Null: all of them.", examples=["high"])
    ticket_count: int = Field(description="Tickets with a policy.", examples=[47])
    first_reply: SlaCount
    resolution: SlaCount

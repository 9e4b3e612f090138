"""What a request for a review is to clients."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from serve.kernel.envelope import Input, Moment, Output
from serve.kernel.resources import Fields, read_of
from serve.kernel.resources.schemas import Line

Status = Literal["queued", "sent", "opened", "answered", "expired", "cancelled"]
Rating = Annotated[int, Field(ge=1, le=5)]
Text = Annotated[Line, Field(min_length=1, max_length=2000)]


class ReviewRequestAsked(Fields):
    """Whom to ask, about what, and when."""

    contact_id: UUID = Field(description="Who is asked.")
    job_id: UUID | None = Field(None, description="The job that is done.", examples=[None])
    channel: Literal["email"] = Field("email", description="How; mail is the only way so far.")
    send_at: Moment | None = Field(None, description="When to send it: now, unless said.", examples=[None])
    message: Text | None = Field(
        None, description="Words of your own in the mail.", examples=["Thank you for having us."]
    )


class ReviewRequestFields(Fields):
    send_at: Moment = Field(description="When it is sent; may be changed until then.")
    message: Text | None = Field(None, examples=["Thank you for having us."])
    status: Status = Field(
        "queued", description="Write `cancelled` to take it back; the rest follows.", examples=["queued"]
    )
    rating: Rating | None = Field(
        None, description="From 1 to 5. Written by you, it is what they told you.", examples=[5]
    )
    comment: Text | None = Field(
        None, description="What they said; goes with a rating.", examples=["On time, tidy."]
    )
    published_on: Annotated[Line, Field(min_length=1, max_length=200)] | None = Field(
        None, description="Where the review can be read by all.", examples=["Our own pages"]
    )


class ReviewRequestRead(read_of(ReviewRequestFields, "ReviewRequestBase")):  # type: ignore[misc]
    contact_id: UUID = Field(description="Who is asked.")
    job_id: UUID | None = Field(description="The job that it is about.")
    channel: Literal["email"] = Field(examples=["email"])
    sent_at: datetime | None
    opened_at: datetime | None = Field(description="When the page behind the link was first looked at.")
    expires_at: datetime | None = Field(description="Until when the link is good.")
    answered_at: datetime | None
    answered_by: Literal["customer", "staff"] | None = Field(description="Who wrote the answer.")
    cancelled_at: datetime | None
    cancel_reason: str | None = Field(
        description="Why it was not sent when its time came.", examples=["withdrawn"]
    )
    mail_id: UUID | None = Field(description="The mail, and what became of it.")


class ReviewLink(Input):
    token: str = Field(min_length=20, max_length=100, pattern="^[A-Za-z0-9_-]+$", description="Of the mail.")


class ReviewByLink(ReviewLink):
    rating: Rating = Field(examples=[5])
    comment: Text | None = Field(None, examples=["On time, tidy."])


class ReviewShown(Output):
    """What the holder of the link may know."""

    tenant_name: str = Field(examples=["Example Fleet"])
    tenant_slug: str = Field(examples=["example-fleet"])
    service: str | None = Field(description="What was done.", examples=["Boiler service"])
    rating: int | None = Field(
        description="What they said so far; it may be changed while the link is good.", examples=[5]
    )
    comment: str | None = Field(examples=[None])
    publish_at: str | None = Field(
        description="Where the firm would like it to be said too.", examples=["https://example.org/reviews"]
    )

"""What is written and read of purposes and consents."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from serve.kernel.envelope import Input, Output, ZonedMoment
from serve.kernel.paging import Paged
from serve.kernel.resources import Fields
from serve.kernel.resources.schemas import Line

Basis = Literal[
    "consent", "contract", "legal_obligation", "vital_interests", "public_task", "legitimate_interests"
]
Subject = Literal["contact", "lead", "provider", "account", "user", "employee"]
Channel = Literal["any", "email", "sms", "phone", "whatsapp", "post", "web"]
Decision = Literal["granted", "withdrawn"]


class PurposeFields(Fields):
    """What people's data is used for."""

    key: str = Field(
        pattern=r"^[a-z][a-z0-9_-]{0,62}$",
        description="By which programs know it; unique.",
        examples=["newsletter"],
    )
    name: Line = Field(min_length=1, max_length=200, examples=["Newsletter"])
    description: Line | None = Field(None, max_length=2000, examples=["News and offers, monthly at most"])
    lawful_basis: Basis = Field(
        description="Of GDPR Art. 6(1). With `consent` nothing goes without a yes, with the others nothing against"
        " a no.",
        examples=["consent"],
    )
    is_active: bool = True


class TextFields(Input):
    language: str = Field(pattern=r"^[a-z]{2}(-[A-Z]{2})?$", examples=["en"])
    text: Line = Field(
        min_length=1, max_length=20_000, examples=["Yes, send me news. I can say no at any time."]
    )


class TextRead(Output):
    """A text that people were shown; it never changes."""

    id: UUID
    version: int = Field(examples=[1])
    language: str = Field(examples=["en"])
    text: str = Field(examples=["Yes, send me news. I can say no at any time."])
    created_at: datetime


class Decided(Input):
    """One decision; taking something back is said like giving it."""

    purpose_id: UUID
    channel: Channel = "any"
    decision: Decision = Field(examples=["granted"])
    decided_at: ZonedMoment | None = Field(None, description="Now unless said; never in the future.")
    text_version: int | None = Field(None, ge=1, le=1_000_000, examples=[None])
    source: Annotated[Line, Field(min_length=1, max_length=100)] = Field(
        description="Where they said it.", examples=["web form"]
    )
    evidence: Annotated[Line, Field(max_length=5000)] | None = Field(
        None,
        description="What shows that they did; gone when the person is erased.",
        examples=["double opt-in"],
    )


class ConsentFields(Decided):
    subject_kind: Subject = Field(examples=["contact"])
    subject_id: UUID


class ConsentRead(Output):
    id: UUID
    subject_kind: str = Field(examples=["contact"])
    subject_id: UUID
    purpose_id: UUID
    channel: str = Field(examples=["email"])
    decision: str = Field(examples=["granted"])
    decided_at: datetime
    text_version: int | None
    source: str = Field(examples=["web form"])
    evidence: str | None
    recorded_by: UUID | None = Field(description="Who wrote it down.")
    created_at: datetime


class Standing(Output):
    """How it stands with one purpose and channel now."""

    purpose_id: UUID
    purpose_key: str = Field(examples=["newsletter"])
    lawful_basis: str = Field(examples=["consent"])
    channel: str = Field(examples=["email"])
    decision: str | None = Field(description="Null: never asked.", examples=["granted"])
    decided_at: datetime | None
    may: bool = Field(description="Whether the person's data may be used for it.", examples=[True])
    why: str = Field(examples=["granted"])


class ConsentQuery(Paged):
    subject_kind: Subject | None = Field(None, description="Only of this kind of person.")
    subject_id: UUID | None = Field(None, description="Only of this person.")
    purpose_id: UUID | None = Field(None, description="Only for this purpose.")
    channel: Channel | None = Field(None, description="Only of this channel.")
    decision: Decision | None = Field(None, description="Only what was decided so.")


class SubjectQuery(BaseModel):
    subject_kind: Subject = Field(description="What the person is.", examples=["contact"])
    subject_id: UUID = Field(description="Id of the person's row.")

"""What a call is to clients."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import phonenumbers
from pydantic import AfterValidator, Field

from serve.kernel.envelope import Input, Moment
from serve.kernel.resources import Fields, read_of
from serve.kernel.resources.schemas import Line


def _international(number: str) -> str:
    """As ITU-T E.164 writes it, so that one number is always the same text."""
    try:
        parsed = phonenumbers.parse(number, None)
    except phonenumbers.NumberParseException as error:
        raise ValueError("write it with + and the country's code, such as +49 30 901820") from error
    if not phonenumbers.is_possible_number(parsed):
        raise ValueError("has too few or too many digits for its country")
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


Number = Annotated[
    str, Field(min_length=1, max_length=50, pattern=r"^[^\x00]*$"), AfterValidator(_international)
]


class CallFields(Fields):
    direction: Literal["inbound", "outbound"] = Field(description="Seen from here.", examples=["inbound"])
    from_number: Number | None = Field(
        None, description="Empty when it was withheld; kept as +4930901820.", examples=["+49 30 901820"]
    )
    to_number: Number | None = Field(None, examples=["+49 421 3610"])
    contact_id: UUID | None = Field(None, description="Who was spoken to.", examples=[None])
    account_id: UUID | None = Field(None, description="The customer that it was about.", examples=[None])
    job_id: UUID | None = Field(None, description="The job that it was about.", examples=[None])
    user_id: UUID | None = Field(
        None, description="Who of the tenant's people took or made it.", examples=[None]
    )
    started_at: Moment = Field(examples=["2026-01-15T09:30:00Z"])
    duration_s: int = Field(
        0, ge=0, le=86_400, description="Seconds; 0 where nobody answered.", examples=[125]
    )
    outcome: Literal["answered", "voicemail", "no_answer", "busy", "declined", "failed"] = Field(
        "answered", description="What came of it."
    )
    notes: Annotated[Line, Field(max_length=10_000)] | None = Field(
        None, examples=["Wants the van back by Friday."]
    )
    recording_file_id: UUID | None = Field(
        None,
        description="An uploaded file with sound, which belongs to the call from then on: it is deleted when the call"
        " names it no longer.",
        examples=[None],
    )
    transcript: Annotated[Line, Field(max_length=100_000)] | None = Field(
        None, description="What was said.", examples=["Good morning, this is about the van."]
    )


class CallRead(read_of(CallFields, "CallBase")):  # type: ignore[misc]
    transcript_source: Literal["manual", "provider"] | None = Field(
        description="Who wrote it: `manual`, a client of this API, or the service that the settings `transcription`"
        " name; empty without a transcript.",
        examples=["manual"],
    )
    transcribed_at: datetime | None = Field(description="When it was written.")


class TranscriptionAsked(Input):
    replace: bool = Field(False, description="Also where there is a transcript.", examples=[False])

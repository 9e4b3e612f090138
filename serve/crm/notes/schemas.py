"""What a note is to clients."""

from __future__ import annotations

from uuid import UUID

from pydantic import Field

from serve.kernel.envelope import Input
from serve.kernel.resources import read_of
from serve.kernel.resources.schemas import Line


class NoteFields(Input):
    body: Line = Field(min_length=1, max_length=20_000, examples=["Wants an offer for six vans by June."])
    is_pinned: bool = Field(False, description="Stands before the others.")


class NoteRead(read_of(NoteFields, "NoteBase")):  # type: ignore[misc]
    lead_id: UUID | None = Field(
        description="The lead on which it was written; it is changed there.", examples=[None]
    )
    user_id: UUID | None = Field(description="Who wrote it first; its history has who changed it.")

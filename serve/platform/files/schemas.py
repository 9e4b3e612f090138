"""What a file is to clients."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import UploadFile
from pydantic import Field

from serve.kernel.envelope import Input, Output
from serve.kernel.resources import Fields, Record
from serve.kernel.resources.schemas import Line
from serve.platform.files.names import LONGEST

LONGEST_LINK_S = 7 * 24 * 3600
Word = Annotated[str, Field(pattern="^[a-z][a-z0-9_]*$", max_length=50)]

PURPOSE = Field("attachment", description="A word of yours for what it is for.", examples=["attachment"])
ENTITY_TYPE = Field(
    None,
    description="What it belongs to: the entity's name, as in events, with `entity_id`. Who may read that kind may"
    " read the file; one that belongs to nothing is for who sent it, and for `files:all`.",
    examples=[None],
)
ENTITY_ID = Field(None, description="The row that it belongs to.", examples=[None])


class FileFields(Fields):
    """What may be changed of a file."""

    name: Line = Field(
        min_length=1, max_length=LONGEST, description="Its ending stays what it is.", examples=["minutes.txt"]
    )
    purpose: Word = PURPOSE
    entity_type: Word | None = ENTITY_TYPE
    entity_id: UUID | None = ENTITY_ID


class ManyForm(Input):
    """The fields of a form with several files."""

    purpose: Word = PURPOSE
    entity_type: Word | None = ENTITY_TYPE
    entity_id: UUID | None = ENTITY_ID


class OneForm(Fields, ManyForm):
    """The fields of a form with one file."""


class PictureForm(Input):
    """A form with nothing but the picture."""


class SentFile(OneForm):
    """As OpenAPI shows it."""

    file: UploadFile = Field(description="The file; its name ends as its kind does.")


class SentFiles(ManyForm):
    files: list[UploadFile] = Field(min_length=1, description="The files; all of them are taken, or none.")


class SentPicture(PictureForm):
    file: UploadFile = Field(
        description="PNG, JPEG, GIF or WebP. It is made anew: upright, without metadata."
    )


class FileRead(Record):
    external_id: str | None = Field(description="Your own id of it.", examples=[None])
    name: str = Field(examples=["offer.pdf"])
    media_type: str = Field(description="Seen from the content.", examples=["application/pdf"])
    charset: str | None = Field(description="How a text is written.", examples=[None])
    size_bytes: int = Field(examples=[48_213])
    sha256: str = Field(
        description="Of the content; the ETag of a download too.", examples=["9f86d081884c7d65…"]
    )
    purpose: str = Field(description="What it is for.", examples=["attachment"])
    entity_type: str | None = Field(description="What it belongs to.", examples=["account"])
    entity_id: UUID | None = Field(description="The row that it belongs to.")
    width_px: int | None = Field(description="Of a picture.", examples=[None])
    height_px: int | None = Field(description="Of a picture.", examples=[None])
    uploaded_by: UUID | None = Field(description="Who sent it.")
    lost_at: datetime | None = Field(
        description="When it was noticed that its content is gone; empty for all is well.", examples=[None]
    )


class LinkFields(Input):
    expires_in_s: int = Field(
        3600,
        ge=1,
        le=LONGEST_LINK_S,
        description="Seconds until the link ends, seven days at most.",
        examples=[3600],
    )


class LinkRead(Output):
    """A link to a file, for whoever has it."""

    url: str = Field(
        description="Relative to this server. GET and HEAD need no log-in; ranges work.",
        examples=["/api/v1/files/shared?token=AZL…"],
    )
    expires_at: datetime


class AvatarGone(Output):
    removed: bool = Field(description="Whether there was one.", examples=[True])

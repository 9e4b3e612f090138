"""What a tag is to clients, and the tags of a row."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, Field

from serve.kernel.envelope import Input, Output
from serve.kernel.resources import Fields
from serve.kernel.resources.schemas import Line

MOST_TAGS = 50
SEPARATORS = frozenset(",;|")


def _one_word(name: str) -> str:
    name = " ".join(name.split())
    if not name:
        raise ValueError("must not be blank")
    if SEPARATORS & {*name}:
        raise ValueError("must not contain a comma, a semicolon or a bar: they stand between tags")
    return name


TagName = Annotated[
    Line,
    Field(
        min_length=1,
        max_length=60,
        json_schema_extra={"pattern": r"^[^\x00,;|]*[^\x00,;|\s][^\x00,;|]*$"},
    ),
    AfterValidator(_one_word),
]
Tags = Annotated[list[TagName], Field(max_length=MOST_TAGS)]
"""The tags of a row. One that is new becomes part of the vocabulary; however it is written, a word is one tag."""


class TagFields(Fields):
    name: TagName = Field(description="Unique, however it is written.", examples=["vip"])
    color: Annotated[str, Field(pattern="^#[0-9a-f]{6}$")] | None = Field(None, examples=["#2563eb"])
    description: Annotated[Line, Field(max_length=500)] | None = Field(
        None, examples=["Answers within the hour."]
    )


class TagChoice(Input):
    """One tag, by its id or by its name."""

    tag_id: UUID | None = Field(None, examples=[None])
    name: TagName | None = Field(None, description="Made if there is none of that name.", examples=["vip"])


class RowTag(Output):
    """A tag as it is on a row."""

    id: UUID
    name: str = Field(examples=["vip"])
    color: str | None = Field(examples=["#2563eb"])


class TagsApplied(Input):
    """Put tags on many rows, take others off."""

    ids: list[UUID] = Field(min_length=1, max_length=1000, description="The rows.")
    add: Tags = Field([], examples=[["vip"]])
    remove: Tags = Field([], examples=[[]])

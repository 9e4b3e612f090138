"""A question to everything, and what it finds."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, Field

from serve.crm.search.service import KINDS
from serve.kernel.envelope import Meta, Output
from serve.kernel.resources.filters import Word, split


class Question(BaseModel):
    q: str = Field(
        min_length=1,
        max_length=200,
        pattern=r"^[^\x00]*$",
        description="Words, beginnings of words, or a telephone number. Where nothing has all of them, words that are"
        " one slip away count too.",
        examples=["nordlicht ada"],
    )
    kinds: Annotated[list[Word], BeforeValidator(split), Field(max_length=20)] | None = Field(
        None, description=f"Only these: {', '.join(KINDS)}."
    )
    limit: int = Field(20, ge=1, le=50, description="How many at most.")


class Hit(Output):
    kind: str = Field(description="What it is: the entity, as in events.", examples=["lead"])
    id: UUID
    title: str = Field(examples=["Ada Byron"])
    subtitle: str | None = Field(description="What else tells it apart.", examples=["Nordlicht GmbH, Bremen"])
    score: float = Field(description="How well it answers, 0 to 1.", examples=[0.98])
    href: str = Field(
        description="Where it is read.", examples=["/api/v1/leads/0192f0c1-7d3a-7b6e-9c0e-5f1f6f0f6a01"]
    )
    updated_at: datetime


class SearchMeta(Meta):
    is_corrected: bool = Field(
        description="Whether words were read as slips of others: nothing had them as they are.",
        examples=[False],
    )
    has_more: bool = Field(description="Whether there are more than `limit`.", examples=[False])
    kinds: list[str] = Field(
        description="What was looked through: what you may read.", examples=[["contact", "lead"]]
    )

"""What an article is to clients."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, Field

from serve.kernel.envelope import Input, Output
from serve.kernel.resources import Fields, read_of
from serve.kernel.resources.schemas import Line

MOST_BODY = 50_000
State = Literal["draft", "published", "archived"]
View = Literal["draft", "published"]
BODY = "## When the fuel card is refused\n\n1. Wait two minutes.\n2. Try another pump."


def _each_once(tags: list[str]) -> list[str]:
    return list(dict.fromkeys(tag.strip() for tag in tags if tag.strip()))


def _has_words(title: str) -> str:
    if not title.strip():
        raise ValueError("must have words")
    return title


class ArticleFields(Fields):
    title: Annotated[Line, AfterValidator(_has_words)] = Field(
        min_length=1, max_length=200, examples=["The fuel card is refused"]
    )
    slug: Annotated[str, Field(max_length=100, pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")] | None = Field(
        None,
        description="Its name in addresses, unique; made of the title unless said.",
        examples=[None],
    )
    summary: Annotated[Line, Field(max_length=500)] | None = Field(
        None, description="In a sentence.", examples=["What to try before calling the card's hotline."]
    )
    body: Line = Field("", max_length=MOST_BODY, description="Markdown.", examples=[BODY])
    category: Annotated[Line, Field(min_length=1, max_length=100)] | None = Field(
        None, description="Where it stands among the others.", examples=["Fuel"]
    )
    language: str = Field(
        "en",
        pattern=r"^[a-z]{2,3}(-[A-Z]{2})?$",
        description="ISO 639; searching brings words to their stems by it.",
        examples=["en"],
    )
    tags: Annotated[
        list[Annotated[Line, Field(max_length=50)]], Field(max_length=30), AfterValidator(_each_once)
    ] = Field([], examples=[["fuel", "cards"]])


class ArticleRead(read_of(ArticleFields, "ArticleBase")):  # type: ignore[misc]
    slug: str = Field(description="Its name in addresses.", examples=["fuel-card-refused"])
    tags: list[str] = Field(description="All of those asked for must be there.", examples=[["fuel", "cards"]])
    state: State = Field(description="Readers see published ones alone.", examples=["published"])
    author_id: UUID | None = Field(description="Who began it.", examples=[None])
    revision: int = Field(description="Counts edits of the content.", examples=[4])
    published_revision: int | None = Field(
        description="The one that readers see; other than `revision` when there are changes to publish.",
        examples=[3],
    )
    published_number: int | None = Field(description="Of the newest version.", examples=[2])
    published_at: datetime | None
    helpful_count: int = Field(description="People whom it helped.", examples=[12])
    unhelpful_count: int = Field(description="People whom it did not help.", examples=[1])


class ArticlePublication(Input):
    note: Annotated[Line, Field(max_length=500)] | None = Field(
        None, description="What has changed, for other editors.", examples=["New number of the hotline"]
    )


class ArticleVersionSummary(Output):
    number: int = Field(description="From 1, without gaps.", examples=[2])
    title: str = Field(examples=["The fuel card is refused"])
    note: str | None = Field(examples=["New number of the hotline"])
    published_by: UUID | None = None
    restored_from: int | None = Field(
        description="The version whose content it took up again.", examples=[None]
    )
    is_current: bool = Field(description="Whether it is the newest: the one readers see.")
    created_at: datetime = Field(description="When it was published.")


class ArticleVersionRead(ArticleVersionSummary):
    summary: str | None = Field(examples=["What to try before calling the card's hotline."])
    body: str = Field(description="Markdown.", examples=[BODY])
    category: str | None = Field(examples=["Fuel"])
    language: str = Field(examples=["en"])
    tags: list[str] = Field(examples=[["fuel", "cards"]])


class ArticleLine(Output):
    change: Literal["same", "removed", "added"]
    text: str = Field(examples=["1. Wait two minutes."])


class ArticleDifference(Output):
    field: str = Field(examples=["title"])
    before: Any = Field(examples=["The fuel card is refused"])
    after: Any = Field(examples=["The fuel card does not work"])
    lines: list[ArticleLine] | None = Field(
        description="Of a body, line by line; null for other fields and for bodies of more than 1,000 lines."
    )


class ArticleComparison(Output):
    from_number: int = Field(examples=[1])
    to_number: int | None = Field(description="Null for the draft.", examples=[2])
    differences: list[ArticleDifference]


class ArticlePage(Output):
    id: UUID
    title: str = Field(examples=["The fuel card is refused"])
    number: int | None = Field(description="Of the version that is shown; null for a draft.", examples=[2])
    html: str = Field(
        description="Safe to show: no scripts, nothing that is loaded from elsewhere.",
        examples=["<p>Wait <strong>two</strong> minutes.</p>"],
    )


class ArticlePreviewInput(Input):
    body: Line = Field(max_length=MOST_BODY, description="Markdown.", examples=[BODY])


class ArticlePreview(Output):
    html: str = Field(examples=["<p>Wait <strong>two</strong> minutes.</p>"])
    text: str = Field(description="The words alone, as they are searched.", examples=["Wait two minutes."])


class ArticleFeedbackInput(Input):
    is_helpful: bool


class ArticleFeedbackRead(Output):
    is_helpful: bool = Field(description="What the caller said last.")
    helpful_count: int = Field(examples=[12])
    unhelpful_count: int = Field(examples=[1])

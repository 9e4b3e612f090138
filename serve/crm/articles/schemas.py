"""What an article is to clients."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, Field

from serve.kernel.envelope import Input, Meta, Output
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


class SearchQuery(BaseModel):
    q: Line = Field(
        min_length=1,
        max_length=500,
        description='Words, or a question. `"…"`, `or` and `-` before a word mean what they do elsewhere; with quotes'
        " or `-` it goes by words alone.",
        examples=["fuel card refused"],
    )
    category: Annotated[Line, Field(min_length=1, max_length=100)] | None = Field(
        None, description="Only these."
    )
    language: str | None = Field(
        None, pattern=r"^[a-z]{2,3}(-[A-Z]{2})?$", description="Only those in this language."
    )
    tag: Annotated[Line, Field(min_length=1, max_length=50)] | None = Field(
        None, description="Only those with this tag."
    )
    limit: int = Field(10, ge=1, le=50, description="How many at most.")


class ArticleHit(Output):
    """A published article and why it was found."""

    id: UUID
    title: str = Field(examples=["The fuel card is refused"])
    slug: str = Field(examples=["fuel-card-refused"])
    summary: str | None = Field(examples=["What to try before calling the card's hotline."])
    category: str | None = Field(examples=["Fuel"])
    language: str = Field(examples=["en"])
    number: int = Field(description="Of the version.", examples=[2])
    snippet: str = Field(
        description="HTML: escaped text, with the words that were found in `<mark>`.",
        examples=["Wait two minutes when the <mark>card</mark> is <mark>refused</mark>."],
    )
    score: float = Field(description="Of the place in both lists; it says nothing beyond this answer.")
    words_rank: int | None = Field(description="Place among those with the words; null when not there.")
    meaning_rank: int | None = Field(description="Place among those about the same; null when not there.")
    alike: float | None = Field(description="How much it is about the same, 0 to 1; null when not asked.")


class SearchMeta(Meta):
    count: int = Field(description="Articles in the answer.", examples=[1])
    meaning: Literal["used", "not_trained", "not_asked"] = Field(
        description="Whether searching by meaning had its say: it is learned a moment after the third article is"
        " published."
    )
    model_number: int | None = Field(
        description="Of what was learned last; null when not used.", examples=[3]
    )


class SuggestionLimit(BaseModel):
    limit: int = Field(5, ge=1, le=20, description="How many at most.")


class SuggestionQuery(SuggestionLimit):
    ticket_id: UUID = Field(description="Whose subject and description are asked with.")


class SuggestionInput(Input):
    ticket_id: UUID | None = Field(None, description="Or a text.", examples=[None])
    text: Annotated[Line, Field(min_length=1, max_length=5000)] | None = Field(
        None,
        description="A question in the customer's words; it is not kept.",
        examples=["My card is refused"],
    )
    limit: int = Field(5, ge=1, le=20, description="How many at most.")


class SuggestionRead(Output):
    id: UUID = Field(description="Name it when one of the articles is used.")
    articles: list[ArticleHit]


class UseInput(Input):
    article_id: UUID = Field(description="One of those that were suggested.")


class UseRead(Output):
    article_id: UUID
    rank: int = Field(description="The place at which it was suggested, from 1.", examples=[1])
    used_at: datetime


class ArticleCounts(Output):
    draft: int = Field(examples=[2])
    published: int = Field(examples=[12])
    archived: int = Field(examples=[1])


class SuggestionRates(Output):
    asked_count: int = Field(description="Suggestions that were asked for.", examples=[40])
    shown_count: int = Field(description="Those with at least one article.", examples=[36])
    used_count: int = Field(description="Those of which an article was used.", examples=[27])
    used_first_count: int = Field(description="Those of which the first was.", examples=[20])
    used_top_3_count: int = Field(description="Those of which one of the first three was.", examples=[26])
    hit_rate: float | None = Field(
        description="used / shown, 0 to 1; null when none was shown.", examples=[0.75]
    )
    hit_rate_first: float | None = Field(description="used first / shown.", examples=[0.556])
    hit_rate_top_3: float | None = Field(description="used among the first three / shown.", examples=[0.722])


class ArticleUse(Output):
    id: UUID
    title: str = Field(examples=["The fuel card is refused"])
    shown_count: int = Field(examples=[20])
    used_count: int = Field(examples=[9])


class KnowledgeStats(Output):
    articles: ArticleCounts = Field(description="As they are now.")
    suggestions: SuggestionRates
    most_used: list[ArticleUse] = Field(description="The ten that were used most, of those that readers see.")


class KnowledgeStatsMeta(Meta):
    start: date = Field(description="First day (UTC).")
    end: date = Field(description="Last day (UTC).")

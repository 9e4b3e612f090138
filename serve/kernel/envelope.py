"""The body of every success: ``{"success": true, "data": …, "meta": {…}}``."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated, Any, Generic, Literal, TypeVar, get_args
from uuid import UUID

import orjson
from pydantic import (
    AfterValidator,
    AliasChoices,
    AliasGenerator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
)
from pydantic.alias_generators import to_camel

Data = TypeVar("Data")
M = TypeVar("M", bound="Meta")


class Input(BaseModel):
    """Base of request bodies: snake_case and camelCase are both read, unknown fields are refused."""

    model_config = ConfigDict(
        alias_generator=AliasGenerator(validation_alias=lambda name: AliasChoices(name, to_camel(name))),
        validate_by_name=True,
        extra="forbid",
    )

    @field_validator("*", mode="before")
    @classmethod
    def _is_of_its_kind(cls, value: Any, about: ValidationInfo) -> Any:
        """Without this, true would be read as 1 where a number belongs, and 0 as false."""
        if isinstance(value, (bool, int, float)):
            kind = cls.model_fields[str(about.field_name)].annotation
            if isinstance(value, bool) and not _takes(kind, bool):
                raise ValueError("must not be true or false")
            if not isinstance(value, bool) and _takes(kind, bool) and not _takes(kind, int, float):
                raise ValueError("must be true or false")
        return value


def _takes(annotation: Any, *kinds: type) -> bool:
    return annotation in (*kinds, Any) or any(_takes(each, *kinds) for each in get_args(annotation))


def _written_out(value: Any) -> Any:
    if isinstance(value, (int, float)) or (isinstance(value, str) and not re.match(r"\d{4}-", value)):
        raise ValueError("write a day as YYYY-MM-DD")
    return value


def _in_utc(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


Day = Annotated[date, BeforeValidator(_written_out)]
Moment = Annotated[datetime, BeforeValidator(_written_out), AfterValidator(_in_utc)]
"""As clients write them: a bare number would be read as seconds since 1970. Without a zone it is UTC."""
ZonedMoment = Annotated[AwareDatetime, BeforeValidator(_written_out)]
"""A moment that says its zone."""


class Output(BaseModel):
    """Base of everything that is answered; the model says exactly which fields there are."""

    model_config = ConfigDict(extra="forbid", protected_namespaces=())


class Meta(Output):
    """What is said about an answer beside the answer."""


class PageMeta(Meta):
    """Where a page lies in its list; both ways of counting."""

    page: int | None = Field(
        description="From 1; empty when the offset is not a whole number of pages.", examples=[1]
    )
    per_page: int = Field(examples=[20])
    total: int = Field(description="Rows on all pages.", examples=[1])
    total_pages: int = Field(examples=[1])
    limit: int = Field(description="The same as per_page.", examples=[20])
    offset: int = Field(description="Rows before this page.", examples=[0])


class Success(Output, Generic[Data, M]):
    success: Literal[True] = True
    data: Data
    meta: M


def dumps(value: Any) -> bytes:
    """JSON bytes: times as RFC 3339 with Z, naive ones taken as UTC; not-a-number becomes null."""
    return orjson.dumps(value, _plain, orjson.OPT_UTC_Z | orjson.OPT_NAIVE_UTC)


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):  # means and ratios; money is an integer
        return float(value)
    if isinstance(value, UUID):  # a subclass, as asyncpg gives it
        return str(value)
    raise TypeError(f"{type(value).__name__} has no place in an answer")


def success(data: Any, meta: Any) -> bytes:
    """The envelope around data and meta that are plain values."""
    return dumps({"success": True, "data": data, "meta": meta})


def around(data: bytes, meta: Any) -> bytes:
    """The envelope around data that is JSON already."""
    return b'{"success":true,"data":%b,"meta":%b}' % (data, dumps(meta))

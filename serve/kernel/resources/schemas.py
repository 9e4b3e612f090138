"""From the fields that a client may write: what it sends to create, replace and patch, and what it reads."""

from __future__ import annotations

import types
from datetime import datetime
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin
from uuid import UUID

from pydantic import AfterValidator, BaseModel, Field, create_model

from serve.kernel.envelope import Input, Meta, Output, PageMeta
from serve.kernel.errors import ErrorDetail

Model = TypeVar("Model", bound=BaseModel)


def _no_nul(text: str) -> str:
    if "\0" in text:
        raise ValueError("must not contain the character NUL")
    return text


Line = Annotated[str, AfterValidator(_no_nul), Field(json_schema_extra={"pattern": r"^[^\x00]*$"})]
"""Text that PostgreSQL can hold."""


def _storable(value: Any) -> Any:
    if isinstance(value, str):
        _no_nul(value)
    elif isinstance(value, int) and not -(2**63) <= value < 2**64:
        raise ValueError("must not contain whole numbers of more than 64 bits")
    elif isinstance(value, dict):
        for name, each in value.items():
            _no_nul(name)
            _storable(each)
    elif isinstance(value, list):
        for each in value:
            _storable(each)
    return value


FreeMap = Annotated[dict[str, Any], AfterValidator(_storable)]
"""Whatever a client keeps with a row, as JSON."""


class Fields(Input):
    """Base of the fields of a resource: everything a client may write."""

    external_id: Line | None = Field(
        None,
        min_length=1,
        max_length=200,
        description="Your own id of it; unique, and what upserts go by.",
        examples=["crm-1001"],
    )


class Record(Output):
    """What every row says about itself."""

    id: UUID
    created_at: datetime
    updated_at: datetime


class RowMeta(Meta):
    """Nothing is said beside a single row; its version is the ETag."""


class ListMeta(PageMeta):
    total: int | None = Field(  # type: ignore[assignment]
        description="Rows on all pages; null when it was not counted.", examples=[1]
    )
    total_pages: int | None = Field(examples=[1])  # type: ignore[assignment]
    offset: int | None = Field(  # type: ignore[assignment]
        description="Rows before this page; null behind a cursor.", examples=[0]
    )
    total_is_estimate: bool = Field(
        False, description="There are at least `total` rows; ask for `count=exact` to know.", examples=[False]
    )
    next_cursor: str | None = Field(
        None, description="Send it as `cursor` for the rows after these; null at the end.", examples=[None]
    )


class Deleted(Output):
    """The row that was deleted; it can be restored."""

    id: UUID
    deleted_at: datetime


class RowError(Output):
    code: str = Field(examples=["INVALID"])
    message: str = Field(examples=["Some values are not valid."])
    details: list[ErrorDetail] = Field([], examples=[[{"field": "email", "message": "is not an address"}]])


class RowResult(Output):
    """What became of one row of a bulk call."""

    index: int = Field(description="Place in the request, from 0.", examples=[0])
    status: Literal["created", "updated", "unchanged", "deleted", "failed"] = Field(examples=["created"])
    id: UUID | None = None
    error: RowError | None = Field(None, examples=[None])


class BulkResult(Output):
    dry_run: bool = Field(description="Whether all was rolled back in the end.", examples=[False])
    succeeded: int = Field(examples=[1])
    failed: int = Field(examples=[0])
    results: list[RowResult]


class Group(Output):
    """How many rows share a value."""

    value: Any = Field(examples=["active"])
    count: int = Field(examples=[12])


class Stats(Output):
    total: int = Field(examples=[12])
    by: dict[str, list[Group]] = Field(
        description="For each column asked for, its values, the most frequent first.",
        examples=[{"status": [{"value": "active", "count": 12}]}],
    )


class Change(Output):
    """One event of a row's history, newest first."""

    event_id: UUID
    name: str = Field(examples=["contact.updated"])
    happened_at: datetime
    actor_kind: str = Field(examples=["user"])
    actor_id: UUID | None = None
    actor_name: str | None = Field(None, examples=["Olga Owner"])
    request_id: str | None = Field(None, examples=["0b7c-1"])
    before: dict[str, Any] | None = Field(None, examples=[{"job_title": "Clerk"}])
    after: dict[str, Any] | None = Field(None, examples=[{"job_title": "Head of fleet"}])


def patch_of(fields: type[Input], name: str) -> type[Input]:
    """The same fields, none of them needed; one that is not sent is not touched."""
    parts: dict[str, Any] = {}
    for field, info in fields.model_fields.items():
        optional = info._copy()
        optional.default, optional.default_factory = None, None
        parts[field] = (info.annotation, optional)
    return create_model(name, __base__=Input, __module__=fields.__module__, **parts)


def read_of(fields: type[Input], name: str) -> type[Output]:
    """The same fields as they are read, with the stamps: stored rows are shown as they are, under no rules."""
    id_, *stamps = Record.model_fields
    parts: dict[str, Any] = {id_: (UUID, Record.model_fields[id_])}
    for field, info in fields.model_fields.items():
        kind = _without_rules(info.annotation)
        parts[field] = (kind, Field(description=info.description, examples=info.examples))
    parts |= {stamp: (datetime, Record.model_fields[stamp]) for stamp in stamps}
    return create_model(name, __base__=Output, __module__=fields.__module__, **parts)


def _without_rules(kind: Any) -> Any:
    origin, inner = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return _without_rules(inner[0])
    if origin in (Union, types.UnionType):
        return Union[tuple(_without_rules(each) for each in inner)]  # noqa: UP007
    if origin is list:
        return list[_without_rules(inner[0])]  # type: ignore[misc]
    return kind


def part_of(read: type[BaseModel], name: str) -> type[Output]:
    """The same fields, each of them there or not: what ``fields=`` leaves of a row."""
    parts: dict[str, Any] = {
        field: (info.annotation, Field(None, description=info.description, examples=info.examples))
        for field, info in read.model_fields.items()
    }
    return create_model(name, __base__=Output, __module__=read.__module__, **parts)

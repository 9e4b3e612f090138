"""Segments to clients."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from serve.kernel.envelope import Output
from serve.kernel.paging import Paged
from serve.kernel.resources import Fields, read_of
from serve.kernel.resources.advanced import EXAMPLE
from serve.kernel.resources.conditions import Condition
from serve.kernel.resources.schemas import Line


class SegmentFields(Fields):
    name: Annotated[Line, Field(min_length=1, max_length=200)] = Field(examples=["Worth a call this quarter"])
    resource: Literal["leads", "contacts", "accounts"] = Field("leads", description="Whose rows are in it.")
    conditions: Condition = Field(
        description="As `where` of `POST …/advanced-filter` of that resource.", examples=[EXAMPLE]
    )
    description: Annotated[Line, Field(max_length=2000)] | None = Field(
        None, examples=["Asked for by sales."]
    )


class SegmentRead(read_of(SegmentFields, "SegmentBase")):  # type: ignore[misc]
    conditions: dict[str, Any] = Field(examples=[EXAMPLE])


class Members(Paged):
    sort: str | None = Field(None, max_length=200, description="As in the list of that resource.")
    cursor: str | None = Field(None, max_length=2000, description="`meta.next_cursor` of the page before.")
    count: Literal["usual", "exact", "none"] = Field("usual", description="As in the list of that resource.")


class SegmentSize(Output):
    """How many rows are in a segment now."""

    count: int = Field(examples=[312])

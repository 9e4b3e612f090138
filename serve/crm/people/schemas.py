"""People and companies, compared: what clients ask and are told."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from serve.kernel.envelope import Input, Output
from serve.kernel.resources.schemas import Fields, Line, RowMeta, read_of

Kind = Literal["contact", "lead", "account"]


class Evidence(Output):
    """One finding of a comparison."""

    field: str = Field(description="What was compared.", examples=["email"])
    says: str = Field(examples=["the same address"])
    weight_bits: float = Field(
        description="How much it speaks for one person, against when negative: each 1 doubles the odds.",
        examples=[14.0],
    )


class PossibleDuplicate(Output):
    """A row that may be the same person or company."""

    kind: Kind = Field(examples=["contact"])
    id: UUID
    label: str = Field(description="Its name.", examples=["Ada Byron"])
    chance: float = Field(description="That both are one, 0 to 1.", examples=[0.97])
    evidence: list[Evidence] = Field(description="What speaks for and against it.")


class CreatedMeta(RowMeta):
    """What is said of a new row beside it."""

    possible_duplicates: list[PossibleDuplicate] | None = Field(
        None,
        description="Rows that were there before and may be the same, the likeliest first; null when that could not"
        " be looked up.",
        examples=[[]],
    )


class DuplicateCheck(Input):
    kind: Kind = Field("contact", description="What you are about to add.")
    full_name: Annotated[Line, Field(max_length=200)] | None = Field(
        None, description="Of a person.", examples=["Ada Byron"]
    )
    email: Annotated[Line, Field(max_length=254)] | None = Field(None, examples=["ada@example.org"])
    phone: Annotated[Line, Field(max_length=50)] | None = Field(None, examples=["030 901820"])
    company: Annotated[Line, Field(max_length=200)] | None = Field(
        None, description="An account's name, or where a lead works.", examples=["Nordlicht Logistik GmbH"]
    )
    city: Annotated[Line, Field(max_length=200)] | None = Field(None, examples=["Bremen"])
    except_id: UUID | None = Field(
        None, description="A row that is not to be named: the one you edit.", examples=[None]
    )


class MergeAsked(Input):
    from_id: UUID = Field(
        description="The row that becomes part of this one.",
        examples=["0197c1f0-0000-7000-8000-000000000002"],
    )
    take: Annotated[list[Line], Field(max_length=50)] = Field(
        [], description="Fields whose values come from it; all others stay.", examples=[["phone"]]
    )
    fill_gaps: bool = Field(
        True, description="Whether fields that are empty here get its values. Tags and attributes are united."
    )


class UndoAsked(Input):
    leave_changed: bool = Field(
        False, description="Undo the rest where some of it was changed since, and leave that as it is."
    )


class MergeFields(Fields):
    entity_type: Kind = Field(examples=["contact"])
    survivor_id: UUID = Field(description="The row that has all of it now.")
    merged_id: UUID = Field(description="The row that is part of it.")


class LeftAsChanged(Output):
    field: str = Field(examples=["phone"])
    message: str = Field(examples=["was changed since"])


class MergeRead(read_of(MergeFields, "MergeBase")):  # type: ignore[misc]
    merged_by: UUID | None = Field(description="Who did it.")
    taken_fields: list[str] = Field(
        description="Fields of the survivor that changed; its history has the values.", examples=[["phone"]]
    )
    moved: dict[str, int] = Field(
        description="How many rows refer to the survivor since, by table.", examples=[{"notes": 2}]
    )
    moved_count: int = Field(examples=[2])
    chance: float = Field(
        description="That both were one, as they were compared then, 0 to 1.", examples=[0.97]
    )
    evidence: list[Evidence] = Field(description="What spoke for and against it.")
    undone_at: datetime | None
    undone_by: UUID | None = Field(description="Who took them apart.")
    left_as_changed: list[LeftAsChanged] = Field(
        description="What undoing left as it was, because it was changed since.", examples=[[]]
    )

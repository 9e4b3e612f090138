"""Rows that are one person or may be: what clients ask and are told."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BeforeValidator, Field

from serve.kernel.envelope import Output
from serve.kernel.paging import Paged
from serve.kernel.resources.filters import split
from serve.kernel.resources.schemas import Line

PersonKind = Literal["contact", "lead", "user", "employee", "provider"]
LinkState = Literal["proposed", "confirmed", "refused"]


class PersonRow(Output):
    """A row of a person."""

    kind: PersonKind = Field(examples=["contact"])
    id: UUID
    label: str = Field(description="Its name.", examples=["Ada Byron"])
    href: str | None = Field(
        description="Where it is read; null for a kind that has no calls yet.",
        examples=["/api/v1/contacts/0192f0c1-7d3a-7b6e-9c0e-5f1f6f0f6a01"],
    )


class Finding(Output):
    """What one field, or other rows together, say for or against one person."""

    field: Literal["name", "email", "phone", "company", "city", "others"] = Field(
        description="`others`: other rows of the same person, as when both are like a third one.",
        examples=["email"],
    )
    says: str = Field(examples=["speaks for one person"])
    weight_bits: float = Field(
        description="Each 1 doubles the odds that both are one, each -1 halves them.", examples=[12.4]
    )


class MergeWay(Output):
    """How two rows of one kind become one row."""

    href: str = Field(
        description="The call: POST, to the row that stays.",
        examples=["/api/v1/contacts/0192f0c1-7d3a-7b6e-9c0e-5f1f6f0f6a01/merge"],
    )
    from_id: UUID = Field(description="What to send: the row that becomes part of it.")


class PersonLink(Output):
    """Two rows that may be one person."""

    id: UUID
    state: LinkState = Field(
        description="`proposed` by the matching; `confirmed` or `refused` by somebody, which no matching changes.",
        examples=["proposed"],
    )
    left: PersonRow
    right: PersonRow
    probability: float = Field(description="That both are one person, 0 to 1.", examples=[0.97])
    evidence: list[Finding] = Field(description="What speaks for and against it, the weightiest first.")
    model_version: str = Field(description="Which model found it.", examples=["4f1c09a7d2e3"])
    found_at: datetime
    decided_by: UUID | None = Field(description="Who confirmed or refused it.")
    decided_at: datetime | None
    merge: MergeWay | None = Field(
        description="How the two become one row: of a confirmed pair of one kind, for who may do that."
    )
    updated_at: datetime


class LinkQuery(Paged):
    kind: Annotated[list[PersonKind], BeforeValidator(split), Field(max_length=10)] | None = Field(
        None, description="Pairs with a row of one of these kinds."
    )
    state: Annotated[list[LinkState], BeforeValidator(split), Field(max_length=10)] | None = Field(
        None, description="One or several, separated by commas."
    )
    min_probability: float | None = Field(None, ge=0, le=1, description="At least this probability.")
    max_probability: float | None = Field(None, ge=0, le=1, description="At most this probability.")
    sort: Line = Field(
        "-probability",
        max_length=200,
        description="Columns, `-` for descending: probability, found_at, decided_at, updated_at.",
    )


class PersonRowRead(PersonRow):
    """A row of the person that was asked for."""

    because: Literal["asked", "confirmed", "recorded"] = Field(
        description="Why it is the person's: `asked` for; `confirmed` by somebody; `recorded` in a row, as an"
        " employee's account or the contact that a lead became.",
        examples=["confirmed"],
    )


class Person(Output):
    """Everything that is known to be one person, and what may be."""

    rows: list[PersonRowRead] = Field(
        description="Rows that are this person, of the kinds that you may read."
    )
    confirmed: list[PersonLink] = Field(description="The pairs by which they are.")
    proposed: list[PersonLink] = Field(
        description="Pairs of one of these rows and another one that may be the same, the likeliest first; 100 at most."
    )
    is_cut: bool = Field(
        description="Whether there are more than 200 rows, of which the rest is left out.", examples=[False]
    )


class Matching(Output):
    """The last look for rows that are one person."""

    matched_at: datetime
    people_count: int = Field(description="Rows that were compared.", examples=[12_400])
    pair_count: int = Field(description="Pairs that stand since.", examples=[310])
    model_version: str = Field(examples=["4f1c09a7d2e3"])
    not_matched_because: str | None = Field(
        description="Why nothing was compared; pairs of before stand.",
        examples=["too many people to compare in memory (61,200; 50,000 at most)"],
    )

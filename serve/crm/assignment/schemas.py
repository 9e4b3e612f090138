"""What rules of assignment are to clients."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, Field

from serve.crm.leads.schemas import LeadRead
from serve.crm.sla.schemas import WrittenId
from serve.kernel.envelope import Input, Output
from serve.kernel.resources import Fields
from serve.kernel.resources.schemas import Line

Method = Literal["round_robin", "least_open", "user"]
Word = Annotated[Line, Field(min_length=1, max_length=100)]
_SOMEBODY = "0192a7c0-0000-7000-8000-000000000001"


class Member(Input):
    user_id: WrittenId = Field(examples=[_SOMEBODY])
    most_open: Annotated[int, Field(ge=1, le=1_000_000)] | None = Field(
        None,
        description="Gets nothing while so many open leads are theirs; without it always.",
        examples=[50],
    )


def _each_once(members: list[Member]) -> list[Member]:
    if len({member.user_id for member in members}) < len(members):
        raise ValueError("names somebody twice")
    return members


class AssignmentRuleFields(Fields):
    name: Line = Field(min_length=1, max_length=100, description="Unique.", examples=["Fairs in the north"])
    position: int = Field(
        100,
        ge=0,
        le=10_000,
        description="A lead goes by the first rule by this whose conditions all hold and that has somebody free.",
    )
    is_active: bool = Field(True, description="Whether it is looked at.")
    sources: list[Word] = Field([], max_length=100, description="Only leads from these.", examples=[["fair"]])
    countries: list[Annotated[str, Field(pattern="^[A-Z]{2}$")]] = Field(
        [], max_length=250, description="Only leads from these, ISO 3166 codes.", examples=[["DE", "AT"]]
    )
    any_tags: list[Word] = Field(
        [], max_length=100, description="Only leads with one of these tags.", examples=[["vip"]]
    )
    zone_ids: list[WrittenId] = Field(
        [], max_length=500, description="Only leads of these zones.", examples=[[]]
    )
    method: Method = Field(
        "round_robin",
        description="`round_robin`: one after the other; `least_open`: whoever has the fewest open leads;"
        " `user`: the one member it names.",
    )
    members: Annotated[list[Member], AfterValidator(_each_once)] = Field(
        min_length=1,
        max_length=500,
        description="Who takes part. Whoever left or is switched off is passed over.",
        examples=[[{"user_id": _SOMEBODY}]],
    )


class Assigning(Input):
    user_id: UUID | None = Field(
        None, description="Who gets it; by the tenant's rules unless said.", examples=[None]
    )


class Assigned(Output):
    """The lead with its owner, and the rule that it went by."""

    lead: LeadRead
    rule_id: UUID | None = Field(description="Null where somebody said who.")

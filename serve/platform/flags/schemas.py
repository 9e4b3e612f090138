"""What clients write and read about flags."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, Field, model_validator

from serve.kernel.envelope import Input, Moment, Output
from serve.kernel.resources import Fields, patch_of, read_of
from serve.kernel.resources.schemas import Line, _storable
from serve.platform.flags.rules import ABOUT_REASONS, OWN_ATTRIBUTES, Operator, Reason, is_fit, moment_of

MOST_PARTS = 50
KEY = r"^[a-z0-9][a-z0-9._-]{0,99}$"


def _in_utc(moment: datetime) -> datetime:
    if not 1970 <= moment.year <= 9000:
        raise ValueError("must lie between the years 1970 and 9000")
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _as_stored(text: str) -> str:
    moment = moment_of(text)
    if moment is None:
        raise ValueError("is no moment: write it as 2026-01-31T08:00:00Z")
    return _in_utc(moment).isoformat().replace("+00:00", "Z")


UtcMoment = Annotated[Moment, AfterValidator(_in_utc)]
StoredMoment = Annotated[str, AfterValidator(_as_stored), Field(json_schema_extra={"format": "date-time"})]
"""A moment within JSON: text that is the same before and after it was stored."""

Key = Annotated[str, Field(pattern=KEY)]
Percent = Annotated[float, Field(ge=0, le=100)]
Name = Annotated[Line, Field(min_length=1, max_length=200)]
Scalar = Annotated[bool | int | float | str, AfterValidator(_storable)]
Text = Annotated[Line, Field(max_length=2000)]


def _is_small(value: Any) -> Any:
    if len(str(value)) > 10_000:
        raise ValueError("is too long for a variant")
    return _storable(value)


class Part(Input):
    """Base of what is kept inside a row, as JSON: always whole, also where a default was meant."""

    @model_validator(mode="after")
    def _is_whole(self) -> Part:
        self.__pydantic_fields_set__.update(type(self).model_fields)
        return self


class ConditionPart(Part):
    """Something that must be true of whoever it is about."""

    attribute: str = Field(
        pattern=r"^[A-Za-z][A-Za-z0-9_.-]{0,99}$",
        description=f"One of {', '.join(f'`{name}`' for name in OWN_ATTRIBUTES)}, or one that you send yourself.",
        examples=["role"],
    )
    operator: Operator = Field(
        "is_one_of",
        description="Of an attribute that is not known nothing holds but `is_not_set`. `before` and `after` take a day"
        " or a moment, `at_least` and its like one number, `is_set` and `is_not_set` nothing.",
    )
    values: Annotated[list[Scalar], Field(max_length=1000)] = Field(
        [], description="One of them is enough.", examples=[["manager", "technician"]]
    )

    @model_validator(mode="after")
    def _fits(self) -> ConditionPart:
        if not is_fit(self.operator, self.values):
            raise ValueError(f"{self.operator} cannot be asked with these values")
        return self


class VariantPart(Part):
    """One of the things that a flag can give."""

    name: Key = Field(examples=["blue"])
    value: Annotated[Any, AfterValidator(_is_small)] = Field(
        None, description="Any JSON; the name when it is null.", examples=["#0b5fff"]
    )
    weight: float = Field(
        1.0, ge=0, le=1_000_000, description="How often, next to the others.", examples=[1.0]
    )


class RulePart(Part):
    """Who gets what, when all conditions hold."""

    name: Name | None = Field(None, description="For people.", examples=["Workshops first"])
    conditions: Annotated[list[ConditionPart], Field(max_length=MOST_PARTS)] = Field(
        [], description="All must hold; without any the rule is for everybody."
    )
    percent: Percent = Field(100.0, description="Of those for whom they hold.", examples=[50.0])
    variant: Key | None = Field(
        None, description="What they get; empty: one of all variants by weight.", examples=[None]
    )


class StepPart(Part):
    """From this moment on the flag's own percentage is this."""

    at: StoredMoment = Field(examples=["2026-02-01T08:00:00Z"])
    percent: Percent = Field(examples=[10.0])


class FlagFields(Fields):
    key: Key = Field(description="What programs ask for; unique.", examples=["new-checkout"])
    name: Name = Field(examples=["The new checkout"])
    description: Text | None = Field(None, examples=["One page instead of three."])
    kind: Literal["boolean", "variants"] = Field(
        "boolean", description="`boolean` gives true or false, as the variants `on` and `off`."
    )
    variants: Annotated[list[VariantPart], Field(max_length=20)] = Field(
        [], description="Of a flag of the kind `variants`.", examples=[[]]
    )
    default_variant: Key = Field(
        "off",
        description="What everybody gets whom the flag does not take in, and all while it is off.",
        examples=["off"],
    )
    is_enabled: bool = Field(False, description="Off, everybody gets the default.")
    rules: Annotated[list[RulePart], Field(max_length=MOST_PARTS)] = Field(
        [],
        description="The first one whose conditions hold decides.",
        examples=[
            [
                {
                    "name": "Managers first",
                    "conditions": [{"attribute": "role", "operator": "is_one_of", "values": ["manager"]}],
                    "percent": 100.0,
                    "variant": "on",
                }
            ]
        ],
    )
    percent: Percent = Field(
        100.0,
        description="How many of those get it for whom no rule holds; who is among 10 % is among 20 % too.",
        examples=[10.0],
    )
    steps: Annotated[list[StepPart], Field(max_length=MOST_PARTS)] = Field(
        [],
        description="A gradual rollout: percentages that take the place of `percent`, each from its moment on.",
        examples=[[{"at": "2026-02-01T08:00:00Z", "percent": 50.0}]],
    )
    starts_at: UtcMoment | None = Field(
        None, description="Before it everybody gets the default.", examples=[None]
    )
    ends_at: UtcMoment | None = Field(None, description="From then on, too.", examples=[None])
    stale_after_days: Annotated[int, Field(ge=1, le=3650)] | None = Field(
        30,
        description="A flag unchanged for so long, that is unused or gives everybody the same, is marked as stale."
        " Empty: never.",
        examples=[30],
    )


class FlagRead(read_of(FlagFields, "FlagBase")):  # type: ignore[misc]
    archived_at: datetime | None = Field(
        description="An archived flag gives everybody its default.", examples=[None]
    )
    stale_since: datetime | None = Field(description="Nobody seems to need it any more.", examples=[None])
    stale_because: Literal["unused", "on_for_all", "off_for_all", "ended"] | None = Field(examples=[None])


class SegmentFields(Fields):
    key: Key = Field(description="What conditions on `segment` name; unique.", examples=["north-crews"])
    name: Name = Field(examples=["Crews in the north"])
    description: Text | None = Field(None, examples=[None])
    conditions: Annotated[list[ConditionPart], Field(max_length=MOST_PARTS)] = Field(
        [],
        description="All must hold; without any nobody belongs to it.",
        examples=[[{"attribute": "email_domain", "operator": "is_one_of", "values": ["north.example"]}]],
    )


Attributes = Annotated[
    dict[Annotated[str, Field(max_length=100)], Scalar | Annotated[list[Scalar], Field(max_length=100)]],
    Field(max_length=100),
]


class ContextInput(Input):
    """Somebody, or something, else."""

    subject: Line = Field(
        min_length=1,
        max_length=200,
        description="Whom percentages go by: any id of yours.",
        examples=["customer-17"],
    )
    attributes: Attributes = Field({}, description="What rules may ask.", examples=[{"role": "manager"}])


class EvaluateInput(Input):
    keys: Annotated[list[Key], Field(max_length=500)] | None = Field(
        None, description="Only these flags; all unless said.", examples=[None]
    )
    attributes: Attributes = Field(
        {},
        description="What else is true of the caller; what the platform knows it takes from nobody.",
        examples=[{}],
    )
    context: ContextInput | None = Field(
        None, description="Somebody else; needs `flags:read`.", examples=[None]
    )
    note_exposure: bool = Field(
        False,
        description="They are being shown now: note who saw which variant first when.",
        examples=[False],
    )


class Given(Output):
    """What the subject gets from one flag."""

    key: str = Field(examples=["new-checkout"])
    value: Any = Field(examples=[True])
    variant: str = Field(examples=["on"])
    reason: Reason = Field(description=ABOUT_REASONS, examples=["rollout"])
    rule: int | None = Field(description="Place of the rule that decided, from 0.", examples=[None])
    experiment_id: UUID | None = Field(examples=[None])


FlagPreviewChanges: Any = patch_of(FlagFields, "FlagPreviewChanges")


class PreviewInput(Input):
    """The flag with these changes, which are not saved."""

    changes: FlagPreviewChanges = Field(examples=[{"percent": 50.0}])
    at: UtcMoment | None = Field(None, description="As it will be then; now unless said.", examples=[None])


class Previewed(Output):
    """What one of the tenant's people gets now, and what after the changes."""

    user_id: UUID
    full_name: str = Field(examples=["Olga Owner"])
    role: str = Field(examples=["owner"])
    now: Given
    then: Given
    is_changed: bool = Field(description="Whether the value is another one.", examples=[False])


class PreviewCount(Output):
    variant: str = Field(examples=["on"])
    now_count: int = Field(examples=[1])
    then_count: int = Field(examples=[3])


class Preview(Output):
    member_count: int = Field(description="Active people of the tenant.", examples=[6])
    changed_count: int = Field(examples=[2])
    variants: list[PreviewCount]
    members: list[Previewed] = Field(description="Those whose value changes first; 1000 at most.")


class FeedbackInput(Input):
    rating: int = Field(ge=1, le=5, description="1 is bad, 5 is good.", examples=[4])
    comment: Text | None = Field(None, examples=["Faster than before."])


class FeedbackRead(Output):
    id: UUID
    user_id: UUID
    full_name: str | None = Field(examples=["Tom Technician"])
    variant: str | None = Field(description="What the person had when saying so.", examples=["on"])
    rating: int = Field(examples=[4])
    comment: str | None = Field(examples=["Faster than before."])
    created_at: datetime
    updated_at: datetime


class FlagUse(Output):
    """How a flag is used."""

    variant: str = Field(examples=["on"])
    use_count: int = Field(description="Times it was given, last 30 days.", examples=[120])
    subject_count: int = Field(
        description="How many different ones have ever seen it, outside experiments.", examples=[12]
    )

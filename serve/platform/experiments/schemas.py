"""What clients write and read about experiments and beta users."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field

from serve.kernel.envelope import Output
from serve.kernel.permissions import Role
from serve.kernel.resources import Fields, read_of
from serve.platform.experiments.rules import Status
from serve.platform.flags.schemas import MOST_PARTS, ConditionPart, Name, Percent, Text, VariantPart

HALVES = [{"name": "short", "value": True, "weight": 1.0}, {"name": "long", "value": False, "weight": 1.0}]


class ExperimentFields(Fields):
    flag_id: UUID = Field(description="The flag whose value differs; one experiment at a time runs on it.")
    name: Name = Field(examples=["One page or three"])
    hypothesis: Annotated[Text, Field(min_length=1)] = Field(
        examples=["One page brings more jobs than three."]
    )
    primary_metric: str = Field(
        pattern=r"^[a-z][a-z0-9_]{0,99}$",
        description="What it is decided by: a metric of the catalogue.",
        examples=["revenue_cents"],
    )
    variants: Annotated[list[VariantPart], Field(min_length=2, max_length=20)] = Field(
        description="What people get, each as often as its weight says. Of a boolean flag true and false.",
        examples=[HALVES],
    )
    conditions: Annotated[list[ConditionPart], Field(max_length=MOST_PARTS)] = Field(
        [], description="Who takes part: all must hold.", examples=[[]]
    )
    percent: Percent = Field(
        100.0, description="How many of those take part; may grow while it runs.", examples=[50.0]
    )
    conclusion: Text | None = Field(None, description="What came out.", examples=[None])


class ExperimentRead(read_of(ExperimentFields, "ExperimentBase")):  # type: ignore[misc]
    status: Status = Field(examples=["draft"])
    started_at: datetime | None = Field(examples=[None])
    stopped_at: datetime | None = Field(examples=[None])


class VariantResult(Output):
    variant: str = Field(examples=["short"])
    exposed_count: int = Field(description="Different subjects that have seen it.", examples=[512])
    exposed_share: float | None = Field(description="0 to 1.", examples=[0.5])
    expected_share: float = Field(description="By its weight, 0 to 1.", examples=[0.5])


class ExperimentResult(Output):
    """Who has seen which variant. How that changed the metric the warehouse finds out from ``flag_exposures``."""

    experiment_id: UUID
    name: str = Field(examples=["One page or three"])
    flag_key: str = Field(examples=["new-checkout"])
    status: Status = Field(examples=["running"])
    primary_metric: str = Field(examples=["revenue_cents"])
    exposed_count: int = Field(examples=[1024])
    first_exposed_at: datetime | None
    last_exposed_at: datetime | None = Field(description="When the newest subject saw it first.")
    variants: list[VariantResult]
    ratio_p: float | None = Field(
        description="How likely a split at least this uneven is by chance.", examples=[0.73]
    )
    is_ratio_suspect: bool = Field(
        description="So unlikely (below 0.001) that something is wrong: do not trust the result.",
        examples=[False],
    )


class BetaUser(Output):
    user_id: UUID
    full_name: str = Field(examples=["Anna Agent"])
    role: Role = Field(examples=["agent"])
    source: Literal["self", "team"] = Field(description="Who put the person in.", examples=["self"])
    created_at: datetime


class BetaState(Output):
    user_id: UUID
    is_beta: bool = Field(description="What rules ask for as `is_beta`.", examples=[True])


class FeatureFlag(Output):
    """A flag that is not in the archive."""

    id: UUID
    key: str = Field(examples=["new-checkout"])
    name: str = Field(examples=["The new checkout"])
    kind: Literal["boolean", "variants"]
    is_enabled: bool = Field(examples=[True])
    percent: float = Field(description="The flag's own percentage at this moment.", examples=[10.0])
    value: Any = Field(description="What the caller gets from it.", examples=[True])
    experiment_id: UUID | None = Field(description="The experiment that runs on it.", examples=[None])
    stale_because: str | None = Field(examples=[None])


class FeatureUse(Output):
    """Of one flag, the last 30 days."""

    key: str = Field(examples=["new-checkout"])
    use_count: int = Field(description="Times it was given.", examples=[120])
    exposed_count: int = Field(description="Different subjects that have ever seen it.", examples=[12])
    feedback_count: int = Field(examples=[3])
    rating_mean: float | None = Field(description="1 to 5.", examples=[4.3])


class FeatureMetrics(Output):
    features: list[FeatureUse]
    experiments: list[ExperimentResult] = Field(description="Running and stopped ones, the newest first.")


class Features(Output):
    feature_flags: list[FeatureFlag]
    beta_users: list[BetaUser]
    metrics: FeatureMetrics

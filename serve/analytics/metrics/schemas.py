"""What the metric endpoints take and answer."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field

from serve.kernel.answers import ReleaseMeta
from serve.kernel.envelope import Day, Input, Output
from serve.kernel.periods import PeriodRead

Grain = Literal["day", "week", "month", "quarter", "year"]
Scalar = str | int | float | bool | None
MOST_ROWS = 100_000


class NoParameters(BaseModel):
    pass


class DimensionRead(Output):
    name: str = Field(examples=["metric_time"])
    kind: Literal["time", "categorical", "entity"]
    label: str | None = Field(examples=[None])
    description: str | None = Field(examples=[None])
    grains: list[str] = Field(
        description="For times: what they can be grouped by.", examples=[["day", "month"]]
    )


class MetricRow(Output):
    """A metric as CSV and Arrow show it."""

    name: str = Field(examples=["revenue"])
    label: str = Field(examples=["Revenue"])
    description: str | None = Field(examples=["Invoiced revenue without tax."])
    type: str = Field(examples=["simple"])
    unit: str | None = Field(examples=["cents"])


class MetricRead(MetricRow):
    dimensions: list[DimensionRead] = Field(description="What it can be grouped and filtered by.")


class FilterInput(Input):
    dimension: str = Field(max_length=200, examples=["lead__source"])
    op: Literal["=", "!=", "in", "not in", "<", "<=", ">", ">=", "between"] = "="
    values: list[Scalar] = Field(
        min_length=1,
        max_length=1_000,
        description="One value, two for between, any number for in.",
        examples=[["ads"]],
    )


class MetricQueryInput(Input):
    metrics: list[str] = Field(min_length=1, max_length=20, examples=[["revenue"]])
    group_by: list[str] = Field(
        [],
        max_length=10,
        description="Dimensions; a time may carry its grain (`metric_time__month`).",
        examples=[["metric_time"]],
    )
    grain: Grain = Field("day", description="For times that carry none.", examples=["month"])
    range: Literal["7d", "30d", "90d", "12m", "custom"] | None = Field(
        None, description="Days up to the last day of the data, instead of start and end.", examples=["12m"]
    )
    start: Day | None = Field(None, description="First day counted.", examples=[None])
    end: Day | None = Field(None, description="Last day counted.", examples=[None])
    filters: list[FilterInput] = Field([], max_length=20, examples=[[]])
    compare: Literal["none", "previous_period", "previous_year"] = Field(
        "none", description="Adds `<metric>__previous` and `<metric>__change` (0.1 is ten percent more)."
    )
    order_by: list[str] = Field(
        [],
        max_length=10,
        description="Columns of the answer, a minus for descending.",
        examples=[["-revenue"]],
    )
    limit: int = Field(1_000, ge=1, le=MOST_ROWS, description="Most rows answered.")


class ColumnRead(Output):
    name: str = Field(examples=["revenue"])
    kind: Literal["time", "categorical", "entity", "metric", "previous", "change"] = Field(
        examples=["metric"]
    )
    of: str = Field(description="The metric or dimension it shows.", examples=["revenue"])
    grain: str | None = Field(examples=[None])


class MetricsMeta(ReleaseMeta):
    period: PeriodRead | None = Field(description="Empty when all days are counted.")
    columns: list[ColumnRead]
    has_more: bool = Field(description="Whether the limit cut rows off.", examples=[False])


Row = dict[str, Any]

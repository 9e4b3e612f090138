"""What the business-intelligence endpoints take and answer."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, ClassVar, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from serve.analytics.intelligence.rules import Level, State
from serve.kernel.envelope import Output
from serve.kernel.paging import Paged
from serve.kernel.periods import DayRange, Grain

Band = Literal["low", "medium", "high"]


class NoParameters(BaseModel):
    pass


class Reason(Output):
    """What moved a score, and how far."""

    feature: str = Field(examples=["days_since_last_invoice"])
    value: Any = Field(description="The feature's value.", examples=[120])
    effect: float = Field(description="Above zero raises the score.", examples=[0.8])


class PulseMeasure(Output):
    """A measure's last day beside the same weekday of the eight weeks before."""

    name: str = Field(examples=["job_count"])
    label: str = Field(examples=["New jobs"])
    unit: str = Field(examples=["count"])
    value: float | None = Field(examples=[20.0])
    usual: float | None = Field(description="Median of those weekdays.", examples=[10.0])
    spread: float | None = Field(description="Scaled median absolute deviation.", examples=[2.0])
    deviation: float | None = Field(description="(value - usual) / spread", examples=[5.0])
    state: State = Field(
        description="Beyond two spreads a day is not usual; unknown with fewer than four weeks."
    )


class OperationalPulse(Output):
    """How the last day of the data compares with what is usual on that weekday."""

    day: date
    weekday: str = Field(examples=["Saturday"])
    level: Level = Field(description="act: two measures or more are worse than usual; watch: one is.")
    reasons: list[str] = Field(
        examples=[["New jobs on Saturday 2026-01-31: 100 % above what is usual on a Saturday."]]
    )
    measures: list[PulseMeasure]


class ChurnRiskQuery(Paged):
    band: Band | None = Field(None, description="Only accounts in this band.")
    min_score: float | None = Field(None, ge=0, le=1, description="Only accounts with at least this score.")
    sort: str = Field(
        "-churn_score",
        max_length=200,
        description="Comma-separated, a minus for descending: churn_score, mrr_cents, revenue_365d_cents, "
        "last_activity_at, account_name.",
    )


class ChurnRisk(Output):
    """An account and its chance to leave."""

    account_id: UUID
    account_name: str | None = Field(description="Companies only.", examples=["Example Logistics"])
    churn_score: float = Field(description="Probability, 0 to 1.", examples=[0.82])
    risk_band: Band
    reasons: list[Reason] = Field(description="At most three, the strongest first.")
    mrr_cents: int | None = Field(description="Recurring revenue a month.", examples=[45_000])
    revenue_365d_cents: int | None = Field(examples=[540_000])
    last_activity_at: datetime | None
    as_of_date: date = Field(description="The day the score is about.")
    model_version: str = Field(examples=["20260201T020000Z"])


class RevenueCostMarginQuery(DayRange):
    usual: ClassVar[str] = "12m"

    grain: Grain | None = Field(
        None, description="Length of a step; chosen by the length of the period unless said."
    )


class Money(Output):
    """Margin and cost are empty when the tenant records no costs at all."""

    revenue_cents: int | None = Field(examples=[1_000_000])
    cost_cents: int | None = Field(examples=[600_000])
    margin_cents: int | None = Field(examples=[400_000])
    margin_share: float | None = Field(description="margin / revenue", examples=[0.4])


class MoneyStep(Money):
    date: date


class MoneyCategory(Money):
    category: str = Field(examples=["sales"])


class RevenueCostMargin(Output):
    grain: Grain
    totals: Money
    previous: Money = Field(description="The period of the same length just before.")
    categories: list[MoneyCategory]
    series: list[MoneyStep]


class RevenueForecastQuery(BaseModel):
    history_days: int = Field(90, ge=0, le=1_100, description="Days of known revenue before the forecast.")
    horizon_days: int = Field(90, ge=1, le=730, description="Most days of forecast.")


class RevenueDay(Output):
    """A day of revenue: known, or forecast with its interval."""

    date: date
    kind: Literal["history", "forecast"]
    revenue_cents: int | None = Field(description="Known revenue.", examples=[120_000])
    forecast_cents: int | None = Field(examples=[None])
    lower_cents: int | None = Field(description="Lower end of the interval.", examples=[None])
    upper_cents: int | None = Field(description="Upper end of the interval.", examples=[None])


class ForecastModel(Output):
    """The model behind the forecast, and how it did on days that it had not seen."""

    model_name: str = Field(examples=["prophet"])
    model_version: str = Field(examples=["20260201T020000Z"])
    made_on_date: date
    backtest: dict[str, Any] = Field(description="Measured on past days.", examples=[{"mase": 0.81}])
    baseline: dict[str, Any] = Field(
        description="The dullest forecast on the same days.", examples=[{"mase": 1.0}]
    )


class RevenueForecast(Output):
    model: ForecastModel | None = Field(description="Empty when there is no forecast.")
    forecast_total_cents: int | None = Field(description="Sum of the forecast days.", examples=[3_600_000])
    days: list[RevenueDay]


class ComplianceQuery(Paged):
    state: Literal["valid", "expiring", "expired"] | None = Field(
        None, description="Only papers in this state."
    )
    kind: str | None = Field(None, max_length=50, description="Only papers of this kind, such as insurance.")
    sort: str = Field(
        "days_left", max_length=200, description="days_left, expires_date, kind; a minus for descending."
    )


class Paper(Output):
    """The newest document of its kind for a vehicle or a person."""

    document_id: UUID
    subject_kind: Literal["vehicle", "provider"]
    subject_id: UUID
    kind: str = Field(examples=["insurance"])
    expires_date: date
    days_left: int = Field(description="Below zero when expired.", examples=[12])
    state: Literal["valid", "expiring", "expired"]


class PaperKind(Output):
    kind: str = Field(examples=["insurance"])
    valid: int = Field(examples=[40])
    expiring: int = Field(examples=[3])
    expired: int = Field(examples=[1])


class ComplianceStatus(Output):
    """All papers counted, and the page of those asked for."""

    valid: int = Field(examples=[40])
    expiring: int = Field(examples=[3])
    expired: int = Field(examples=[1])
    compliant_share: float | None = Field(description="Papers not expired, of all.", examples=[0.977])
    kinds: list[PaperKind]
    documents: list[Paper]


class TopClientsQuery(Paged):
    segment: Literal["enterprise", "smb", "consumer", "all"] = "enterprise"


class TopClient(Output):
    """A client by revenue of the last 365 days."""

    rank: int = Field(description="Within the segment asked for.", examples=[1])
    overall_rank: int = Field(examples=[1])
    account_id: UUID
    account_name: str | None = Field(description="Companies only.", examples=["Example Logistics"])
    segment: str | None = Field(examples=["enterprise"])
    revenue_cents: int = Field(description="Net of returns.", examples=[5_400_000])
    margin_cents: int | None = Field(examples=[2_000_000])
    invoice_count: int = Field(examples=[24])
    return_cents: int = Field(examples=[0])
    share_of_revenue: float = Field(description="Of all clients' revenue, 0 to 1.", examples=[0.18])

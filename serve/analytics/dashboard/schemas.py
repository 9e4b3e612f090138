"""What the dashboard endpoints take and answer."""

from __future__ import annotations

from datetime import date
from typing import ClassVar, Literal

from pydantic import Field

from serve.analytics.dashboard.kpis import Section, Unit
from serve.kernel.answers import PeriodMeta
from serve.kernel.envelope import Output
from serve.kernel.periods import Compared, DayRange, Grain


class KpiQuery(DayRange, Compared):
    pass


class MetricsQuery(DayRange, Compared):
    sections: str | None = Field(
        None, description="Comma-separated: finance, jobs, leads, campaigns, fleet, service; all unless said."
    )


class SeriesQuery(DayRange):
    usual: ClassVar[str] = "90d"

    metrics: str | None = Field(
        None,
        description="Comma-separated figures, such as revenue_cents,job_count; the headline ones unless said.",
    )
    grain: Grain | None = Field(
        None, description="Length of a step; chosen to give at most about 100 unless said."
    )


class Point(Output):
    date: date
    value: float | None = Field(description="Empty where the data says nothing.", examples=[12_500.0])


class KpiRow(Output):
    """One figure as CSV and Arrow show it."""

    name: str = Field(examples=["revenue_cents"])
    metric: str | None = Field(
        description="The metric of the same definition, for /api/v1/metrics/query.", examples=["revenue"]
    )
    label: str = Field(examples=["Revenue"])
    section: Section
    unit: Unit
    better: Literal["up", "down", "neither"] = Field(description="Which way is good.")
    value: float | None = Field(examples=[1_250_000.0])
    previous: float | None = Field(
        description="The same figure over `meta.period.compared_to`.", examples=[1_000_000.0]
    )
    change: float | None = Field(description="value - previous", examples=[250_000.0])
    change_share: float | None = Field(
        description="change / previous; 0.25 is a quarter more.", examples=[0.25]
    )


class KpiRead(KpiRow):
    series: list[Point] = Field(description="The figure at each step of `meta.grain` in the period.")


class KpisMeta(PeriodMeta):
    grain: Grain


class Figure(Output):
    value: float | None = Field(examples=[42.0])
    previous: float | None = Field(examples=[40.0])
    unit: str = Field(examples=["count"])


class FigureRow(Output):
    """One figure of a section as CSV and Arrow show it."""

    section: Section
    name: str = Field(examples=["job_count"])
    value: float | None = Field(examples=[42.0])
    previous: float | None = Field(examples=[40.0])
    unit: str = Field(examples=["count"])


class Finance(Output):
    revenue_cents: Figure
    cost_cents: Figure
    margin_cents: Figure
    margin_share: Figure
    invoice_count: Figure
    mrr_cents: Figure
    active_account_count: Figure


class Jobs(Output):
    job_count: Figure
    completed_job_count: Figure
    late_job_count: Figure


class Leads(Output):
    lead_count: Figure
    won_lead_count: Figure
    lost_lead_count: Figure
    lead_win_rate: Figure


class Campaigns(Output):
    """Events that happened in the period; rates are per delivered message."""

    send_count: Figure
    delivery_count: Figure
    open_count: Figure
    click_count: Figure
    reply_count: Figure
    conversion_count: Figure
    open_rate: Figure
    click_rate: Figure
    reply_rate: Figure


class Fleet(Output):
    vehicle_count: Figure
    downtime_h: Figure
    distance_km: Figure
    fuel_cost_cents: Figure
    fuel_cents_per_km: Figure


class Service(Output):
    """Tickets opened in the period, and those open at its end."""

    open_ticket_count: Figure
    opened_ticket_count: Figure
    resolved_ticket_count: Figure
    median_first_response_hours: Figure
    satisfaction_mean: Figure


class Sections(Output):
    """Those asked for; the others are left out."""

    finance: Finance | None = None
    jobs: Jobs | None = None
    leads: Leads | None = None
    campaigns: Campaigns | None = None
    fleet: Fleet | None = None
    service: Service | None = None


class Series(Output):
    name: str = Field(examples=["revenue_cents"])
    label: str = Field(examples=["Revenue"])
    unit: Unit
    total: float | None = Field(description="The figure over the whole period.", examples=[1_250_000.0])
    points: list[Point]


class SeriesRow(Output):
    """One point of a series as CSV and Arrow show it."""

    name: str = Field(examples=["revenue_cents"])
    unit: Unit
    date: date
    value: float | None = Field(examples=[12_500.0])


class SeriesRead(Output):
    grain: Grain
    series: list[Series]

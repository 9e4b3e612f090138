"""The catalogue of figures: one definition for the headline, the section and the series.

Flows are summed over the days asked for, stocks are taken on the last of them, and a ratio is the ratio of the sums,
never the mean of daily ratios. A figure that a tenant's data says nothing about is empty, not zero.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Unit = Literal["cents", "count", "share", "h", "km", "cents_per_km"]
Section = Literal["finance", "jobs", "leads", "campaigns", "fleet", "service"]


@dataclass(frozen=True, slots=True)
class Flow:
    column: str

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.column,)


@dataclass(frozen=True, slots=True)
class Stock:
    column: str

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.column,)


@dataclass(frozen=True, slots=True)
class Ratio:
    """``part`` over the sum of ``whole``."""

    part: str
    whole: tuple[str, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.part, *self.whole)


@dataclass(frozen=True, slots=True)
class Kpi:
    """``metric`` is the metric of the same definition, to go on asking with; ``better`` says which way is good.

    The columns are those of ``marts.kpi_daily``.
    """

    name: str
    metric: str | None
    label: str
    section: Section
    unit: Unit
    better: Literal["up", "down", "neither"]
    measure: Flow | Stock | Ratio


_ACTIVE = Stock("active_account_count")
_COMPLETED = Flow("completed_job_count")
_FUEL_PER_KM = Ratio("fuel_cost_cents", ("distance_km",))
_MARGIN_SHARE = Ratio("margin_cents", ("revenue_cents",))
_OPEN_TICKETS = Stock("open_ticket_count")
_WIN_RATE = Ratio("won_lead_count", ("won_lead_count", "lost_lead_count"))

_ALL = (
    Kpi("revenue_cents", "revenue", "Revenue", "finance", "cents", "up", Flow("revenue_cents")),
    Kpi("cost_cents", "cost", "Cost", "finance", "cents", "down", Flow("cost_cents")),
    Kpi("margin_cents", "margin", "Margin", "finance", "cents", "up", Flow("margin_cents")),
    Kpi("margin_share", "margin_share", "Margin share", "finance", "share", "up", _MARGIN_SHARE),
    Kpi("invoice_count", "invoice_count", "Invoices", "finance", "count", "up", Flow("invoice_count")),
    Kpi("mrr_cents", "mrr", "Monthly recurring revenue", "finance", "cents", "up", Stock("mrr_cents")),
    Kpi("active_account_count", "active_accounts", "Active clients", "finance", "count", "up", _ACTIVE),
    Kpi("job_count", "job_count", "Jobs requested", "jobs", "count", "up", Flow("job_count")),
    Kpi("completed_job_count", "completed_jobs", "Jobs completed", "jobs", "count", "up", _COMPLETED),
    Kpi("late_job_count", "late_jobs", "Jobs late", "jobs", "count", "down", Flow("late_job_count")),
    Kpi("lead_count", "lead_count", "New leads", "leads", "count", "up", Flow("lead_count")),
    Kpi("won_lead_count", "won_leads", "Leads won", "leads", "count", "up", Flow("won_lead_count")),
    Kpi("lost_lead_count", None, "Leads lost", "leads", "count", "down", Flow("lost_lead_count")),
    Kpi("lead_win_rate", "win_rate", "Leads won of those decided", "leads", "share", "up", _WIN_RATE),
    Kpi("open_ticket_count", "open_tickets", "Open tickets", "service", "count", "down", _OPEN_TICKETS),
    Kpi("vehicle_count", "vehicle_count", "Vehicles", "fleet", "count", "neither", Stock("vehicle_count")),
    Kpi("downtime_h", "downtime_h", "Vehicle downtime", "fleet", "h", "down", Flow("downtime_h")),
    Kpi("distance_km", "distance_km", "Distance driven", "fleet", "km", "neither", Flow("distance_km")),
    Kpi("fuel_cost_cents", "fuel_cost", "Fuel", "fleet", "cents", "down", Flow("fuel_cost_cents")),
    Kpi("fuel_cents_per_km", None, "Fuel per kilometre", "fleet", "cents_per_km", "down", _FUEL_PER_KM),
)

KPIS: dict[str, Kpi] = {kpi.name: kpi for kpi in _ALL}
HEADLINES = tuple(
    KPIS[name]
    for name in (
        "revenue_cents",
        "margin_cents",
        "margin_share",
        "mrr_cents",
        "active_account_count",
        "completed_job_count",
        "late_job_count",
        "lead_count",
        "lead_win_rate",
        "open_ticket_count",
        "downtime_h",
        "fuel_cost_cents",
    )
)
SECTIONS: tuple[Section, ...] = ("finance", "jobs", "leads", "campaigns", "fleet", "service")

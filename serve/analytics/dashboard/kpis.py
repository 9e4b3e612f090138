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
    """``better`` says which way is good; the columns are those of ``marts.kpi_daily``."""

    name: str
    label: str
    section: Section
    unit: Unit
    better: Literal["up", "down", "neither"]
    measure: Flow | Stock | Ratio
    is_headline: bool = False


_ALL = (
    Kpi("revenue_cents", "Revenue", "finance", "cents", "up", Flow("revenue_cents"), True),
    Kpi("cost_cents", "Cost", "finance", "cents", "down", Flow("cost_cents")),
    Kpi("margin_cents", "Margin", "finance", "cents", "up", Flow("margin_cents"), True),
    Kpi(
        "margin_share",
        "Margin share",
        "finance",
        "share",
        "up",
        Ratio("margin_cents", ("revenue_cents",)),
        True,
    ),
    Kpi("invoice_count", "Invoices", "finance", "count", "up", Flow("invoice_count")),
    Kpi("mrr_cents", "Monthly recurring revenue", "finance", "cents", "up", Stock("mrr_cents"), True),
    Kpi(
        "active_account_count",
        "Active clients",
        "finance",
        "count",
        "up",
        Stock("active_account_count"),
        True,
    ),
    Kpi("job_count", "Jobs requested", "jobs", "count", "up", Flow("job_count")),
    Kpi("completed_job_count", "Jobs completed", "jobs", "count", "up", Flow("completed_job_count"), True),
    Kpi("late_job_count", "Jobs late", "jobs", "count", "down", Flow("late_job_count"), True),
    Kpi("lead_count", "New leads", "leads", "count", "up", Flow("lead_count"), True),
    Kpi("won_lead_count", "Leads won", "leads", "count", "up", Flow("won_lead_count")),
    Kpi("lost_lead_count", "Leads lost", "leads", "count", "down", Flow("lost_lead_count")),
    Kpi(
        "lead_win_rate",
        "Leads won of those decided",
        "leads",
        "share",
        "up",
        Ratio("won_lead_count", ("won_lead_count", "lost_lead_count")),
        True,
    ),
    Kpi("open_ticket_count", "Open tickets", "service", "count", "down", Stock("open_ticket_count"), True),
    Kpi("vehicle_count", "Vehicles", "fleet", "count", "neither", Stock("vehicle_count")),
    Kpi("downtime_h", "Vehicle downtime", "fleet", "h", "down", Flow("downtime_h"), True),
    Kpi("distance_km", "Distance driven", "fleet", "km", "neither", Flow("distance_km")),
    Kpi("fuel_cost_cents", "Fuel", "fleet", "cents", "down", Flow("fuel_cost_cents"), True),
    Kpi(
        "fuel_cents_per_km",
        "Fuel per kilometre",
        "fleet",
        "cents_per_km",
        "down",
        Ratio("fuel_cost_cents", ("distance_km",)),
    ),
)

KPIS: dict[str, Kpi] = {kpi.name: kpi for kpi in _ALL}
HEADLINES = tuple(kpi for kpi in _ALL if kpi.is_headline)
SECTIONS: tuple[Section, ...] = ("finance", "jobs", "leads", "campaigns", "fleet", "service")

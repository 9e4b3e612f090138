"""The catalogue of figures: one definition for the headline, the section and the series.

Flows are summed over the days asked for, stocks are taken on the last of them, and a ratio is the ratio of the sums,
never the mean of daily ratios. Each expression aggregates rows of ``marts.kpi_daily``; a figure that a tenant's
data says nothing about is empty, not zero.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Unit = Literal["cents", "count", "share", "h", "km", "cents_per_km"]
Section = Literal["finance", "jobs", "leads", "campaigns", "fleet", "service"]


@dataclass(frozen=True, slots=True)
class Kpi:
    """``better`` says which way is good; ``sql`` is ours and never comes from a request."""

    name: str
    label: str
    section: Section
    unit: Unit
    better: Literal["up", "down", "neither"]
    sql: str
    is_headline: bool = False


def _flow(column: str, kind: str = "bigint") -> str:
    return f"sum({column})::{kind}"


def _stock(column: str) -> str:
    return f"arg_max({column}, date)"


def _ratio(part: str, whole: str) -> str:
    return f"sum({part})::double / nullif(sum({whole}), 0)"


_ALL = (
    Kpi("revenue_cents", "Revenue", "finance", "cents", "up", _flow("revenue_cents"), True),
    Kpi("cost_cents", "Cost", "finance", "cents", "down", _flow("cost_cents")),
    Kpi("margin_cents", "Margin", "finance", "cents", "up", _flow("margin_cents"), True),
    Kpi(
        "margin_share",
        "Margin share",
        "finance",
        "share",
        "up",
        _ratio("margin_cents", "revenue_cents"),
        True,
    ),
    Kpi("invoice_count", "Invoices", "finance", "count", "up", _flow("invoice_count")),
    Kpi("mrr_cents", "Monthly recurring revenue", "finance", "cents", "up", _stock("mrr_cents"), True),
    Kpi(
        "active_account_count",
        "Active clients",
        "finance",
        "count",
        "up",
        _stock("active_account_count"),
        True,
    ),
    Kpi("job_count", "Jobs requested", "jobs", "count", "up", _flow("job_count")),
    Kpi("completed_job_count", "Jobs completed", "jobs", "count", "up", _flow("completed_job_count"), True),
    Kpi("late_job_count", "Jobs late", "jobs", "count", "down", _flow("late_job_count"), True),
    Kpi("lead_count", "New leads", "leads", "count", "up", _flow("lead_count"), True),
    Kpi("won_lead_count", "Leads won", "leads", "count", "up", _flow("won_lead_count")),
    Kpi("lost_lead_count", "Leads lost", "leads", "count", "down", _flow("lost_lead_count")),
    Kpi(
        "lead_win_rate",
        "Leads won of those decided",
        "leads",
        "share",
        "up",
        _ratio("won_lead_count", "(won_lead_count + lost_lead_count)"),
        True,
    ),
    Kpi("open_ticket_count", "Open tickets", "service", "count", "down", _stock("open_ticket_count"), True),
    Kpi("vehicle_count", "Vehicles", "fleet", "count", "neither", _stock("vehicle_count")),
    Kpi("downtime_h", "Vehicle downtime", "fleet", "h", "down", _flow("downtime_h", "double"), True),
    Kpi("distance_km", "Distance driven", "fleet", "km", "neither", _flow("distance_km", "double")),
    Kpi("fuel_cost_cents", "Fuel", "fleet", "cents", "down", _flow("fuel_cost_cents"), True),
    Kpi(
        "fuel_cents_per_km",
        "Fuel per kilometre",
        "fleet",
        "cents_per_km",
        "down",
        _ratio("fuel_cost_cents", "distance_km"),
    ),
)

KPIS: dict[str, Kpi] = {kpi.name: kpi for kpi in _ALL}
HEADLINES = tuple(kpi for kpi in _ALL if kpi.is_headline)
SECTIONS: tuple[Section, ...] = ("finance", "jobs", "leads", "campaigns", "fleet", "service")

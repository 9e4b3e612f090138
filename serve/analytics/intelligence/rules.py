"""How a day is judged against the days it should resemble: plain functions, no database, no clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from statistics import median
from typing import Any, Literal

State = Literal["usual", "better", "worse", "unusual", "unknown"]
Level = Literal["steady", "watch", "act"]

FEWEST_DAYS = 4
LIMIT = 2.0
MAD_TO_SD = (
    1.4826  # the median absolute deviation of a normal distribution is 0.6745 of its standard deviation
)
SMALLEST_SPREAD_SHARE = 0.05  # days that hardly ever differ must not make a difference of one look unusual


@dataclass(frozen=True, slots=True)
class Measure:
    """A column of ``kpi_daily`` whose day is worth a look."""

    name: str
    label: str
    unit: str
    better: Literal["up", "down", "neither"]


MEASURES = (
    Measure("revenue_cents", "Revenue", "cents", "up"),
    Measure("job_count", "New jobs", "count", "up"),
    Measure("completed_job_count", "Completed jobs", "count", "up"),
    Measure("late_job_count", "Late jobs", "count", "down"),
    Measure("lead_count", "New leads", "count", "up"),
    Measure("open_ticket_count", "Open tickets", "count", "down"),
    Measure("downtime_h", "Vehicle downtime", "h", "down"),
    Measure("distance_km", "Distance driven", "km", "neither"),
)


@dataclass(frozen=True, slots=True)
class Judgement:
    """``deviation`` counts spreads between today and the usual; ``usual`` is a median."""

    state: State
    usual: float | None
    spread: float | None
    deviation: float | None


def judge(measure: Measure, today: float | None, before: Sequence[float]) -> Judgement:
    """Today beside the same weekday of the weeks before.

    The usual is their median; the spread their median absolute deviation, scaled to a standard deviation and at
    least 5 % of the usual and one unit for counts. Beyond two spreads a day is not usual any more.

    >>> judge(MEASURES[1], 20, [10, 12, 11, 10, 9]).state
    'better'
    """
    if today is None or len(before) < FEWEST_DAYS:
        return Judgement("unknown", None, None, None)
    usual = float(median(before))
    mad = median(abs(value - usual) for value in before)
    least = max(abs(usual) * SMALLEST_SPREAD_SHARE, 1.0)
    spread = max(MAD_TO_SD * mad, least)
    deviation = (today - usual) / spread
    if abs(deviation) <= LIMIT:
        state: State = "usual"
    elif measure.better == "neither":
        state = "unusual"
    else:
        state = "better" if (deviation > 0) == (measure.better == "up") else "worse"
    return Judgement(state, usual, spread, deviation)


def level(states: Sequence[State]) -> Level:
    """``act`` when two measures or more are worse than usual, ``watch`` when one is or something is unusual."""
    worse = states.count("worse")
    if worse >= 2:
        return "act"
    return "watch" if worse or "unusual" in states else "steady"


def reason(measure: Measure, today: float, judgement: Judgement, day: date) -> str:
    """One sentence on a day that was not usual.

    >>> lead = MEASURES[4]
    >>> reason(lead, 5, judge(lead, 5, [10, 10, 10, 10]), date(2026, 1, 30))
    'New leads on Friday 2026-01-30: 50 % below what is usual on a Friday.'
    """
    weekday = f"{day:%A}"
    usual = judgement.usual or 0.0
    way = "above" if today > usual else "below"
    amount = (
        f"{abs(today - usual) / abs(usual):.0%}".replace("%", " %") if usual else f"{abs(today - usual):g}"
    )
    return f"{measure.label} on {weekday} {day}: {amount} {way} what is usual on a {weekday}."


def money(rows: Sequence[Mapping[str, Any]]) -> dict[str, float | None]:
    """Revenue, cost and margin of rows together; without any recorded cost the margin is unknown, not perfect.

    >>> money([{"revenue_cents": 100, "cost_cents": 60}, {"revenue_cents": 0, "cost_cents": 20}])
    {'revenue_cents': 100, 'cost_cents': 80, 'margin_cents': 20, 'margin_share': 0.2}
    """
    revenue, cost = (_sum(rows, name) for name in ("revenue_cents", "cost_cents"))
    margin = None if revenue is None or cost is None else revenue - cost
    share = margin / revenue if margin is not None and revenue else None
    return {"revenue_cents": revenue, "cost_cents": cost, "margin_cents": margin, "margin_share": share}


def _sum(rows: Sequence[Mapping[str, Any]], name: str) -> int | None:
    known = [row[name] for row in rows if row[name] is not None]
    return sum(known) if known else None

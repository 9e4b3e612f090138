"""What the serving benchmark asks: BI endpoints, each with as many different questions as a run can use up."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from datetime import date, timedelta
from typing import Any

HISTORY_DAYS = 720
Entry = dict[str, Any]


def _days(draw: random.Random, until: date) -> tuple[date, date]:
    end = until - timedelta(days=draw.randrange(HISTORY_DAYS - 30))
    return max(end - timedelta(days=draw.randrange(7, 400)), until - timedelta(days=HISTORY_DAYS)), end


def _span(path: str, more: str = "") -> Callable[[random.Random, date], Entry]:
    def ask(draw: random.Random, until: date) -> Entry:
        start, end = _days(draw, until)
        return {"target": f"/api/v1/{path}?range=custom&start={start}&end={end}{more}"}

    return ask


def _roi(draw: random.Random, until: date) -> Entry:
    start, end = _days(draw, until)
    return {"target": f"/api/v1/analytics/roi/calculation?timeframe=custom&start={start}&end={end}"}


def _churn(draw: random.Random, until: date) -> Entry:
    return {"target": f"/api/v1/business-intelligence/churn-risk?min_score={draw.random():.6f}"}


def _forecast(draw: random.Random, until: date) -> Entry:
    days = f"history_days={draw.randrange(1_100)}&horizon_days={draw.randrange(1, 730)}"
    return {"target": f"/api/v1/business-intelligence/revenue-forecast?{days}"}


def _metrics(draw: random.Random, until: date) -> Entry:
    start, end = _days(draw, until)
    body = {"metrics": ["revenue"], "group_by": ["metric_time"], "grain": "month", "compare": "previous_year"}
    return {
        "method": "POST",
        "target": "/api/v1/metrics/query",
        "body": {**body, "start": str(start), "end": str(end)},
    }


ENDPOINTS: Mapping[str, Callable[[random.Random, date], Entry]] = {
    "dashboard/kpis": _span("dashboard/kpis"),
    "dashboard/metrics": _span("dashboard/metrics"),
    "analytics": _span("analytics"),
    "revenue-cost-margin": _span("business-intelligence/revenue-cost-margin"),
    "revenue-forecast": _forecast,
    "churn-risk": _churn,
    "roi": _roi,
    "fleet-operational-costs": _span("fleet-operational-costs"),
    "metrics/query": _metrics,
}


def different(until: date, seed: int) -> Iterator[Entry]:
    """Questions, the endpoints in turn, none asked twice."""
    draw, seen = random.Random(seed), set()
    while True:
        for label, ask in ENDPOINTS.items():
            entry = ask(draw, until)
            while repr(entry) in seen:
                entry = ask(draw, until)
            seen.add(repr(entry))
            yield {"label": label, **entry}


def usual(until: date) -> list[Entry]:
    """One question an endpoint that can answer 304, the same each time."""
    draw = random.Random(0)
    asked = [{"label": label, **ask(draw, until)} for label, ask in ENDPOINTS.items()]
    return [entry for entry in asked if "body" not in entry]

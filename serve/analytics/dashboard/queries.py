"""Statements over the release, and the shape of their answers. At most three a request."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from serve.analytics.dashboard.days import Days, Number
from serve.analytics.dashboard.kpis import HEADLINES, KPIS, SECTIONS, Kpi
from serve.analytics.dashboard.rules import change_share, names
from serve.analytics.dashboard.schemas import KpiQuery, MetricsQuery, SeriesQuery
from serve.kernel.answers import Answer, Reading
from serve.kernel.formats import Row
from serve.kernel.periods import Span

_CAMPAIGN_KINDS = ("send", "delivery", "open", "click", "reply", "conversion")
_CAMPAIGNS = """
    select
        kind,
        count(*) filter (where happened_at::date between $start and $end) as now,
        count(*) filter (where happened_at::date between $previous_start and $previous_end) as earlier
    from marts.fct_campaign_events
    where happened_at >= least($start, $previous_start)
    group by kind
"""
_TICKETS = """
    select
        count(*) as opened_ticket_count,
        count(resolved_at) as resolved_ticket_count,
        median(first_response_hours) as median_first_response_hours,
        avg(satisfaction) as satisfaction_mean
    from marts.fct_tickets
    where opened_at >= $start and opened_at < $end + interval 1 day
"""
_TICKET_UNITS = {
    "opened_ticket_count": "count",
    "resolved_ticket_count": "count",
    "median_first_response_hours": "h",
    "satisfaction_mean": "points_of_5",
}


def kpis(reading: Reading, query: KpiQuery) -> Answer:
    span = query.span(reading.as_of)
    previous = span.before(query.compare)
    grain = span.grain()
    days = _days(reading, HEADLINES, span, previous)
    now, earlier = days.within(span), days.within(previous) if previous else None
    steps = list(now.steps(grain))
    data = [
        {
            **_kpi_row(kpi, now.figure(kpi), earlier.figure(kpi) if earlier else None),
            "series": _points(kpi, steps),
        }
        for kpi in HEADLINES
    ]
    return Answer(data, meta={"period": query.describe(span, previous), "grain": grain})


def sections(reading: Reading, query: MetricsQuery) -> Answer:
    asked = names(query.sections, SECTIONS, parameter="sections")
    span = query.span(reading.as_of)
    previous = span.before(query.compare)
    data: dict[str, dict[str, Row]] = {name: {} for name in asked}
    wanted = [kpi for kpi in KPIS.values() if kpi.section in asked]
    if wanted:
        days = _days(reading, wanted, span, previous)
        now, earlier = days.within(span), days.within(previous) if previous else None
        for kpi in wanted:
            data[kpi.section][kpi.name] = _figure(
                now.figure(kpi), earlier.figure(kpi) if earlier else None, kpi.unit
            )
    if "campaigns" in asked:
        data["campaigns"] = _campaigns(reading, span, previous)
    if "service" in asked:
        data["service"] |= _tickets(reading, span, previous)
    rows = [
        {"section": section, "name": name, **figure}
        for section, figures in data.items()
        for name, figure in figures.items()
    ]
    return Answer(data, rows, {"period": query.describe(span, previous)})


def series(reading: Reading, query: SeriesQuery) -> Answer:
    asked = names(query.metrics, tuple(KPIS), parameter="metrics") if query.metrics else None
    chosen = [KPIS[name] for name in asked] if asked else list(HEADLINES)
    span = query.span(reading.as_of)
    grain = query.grain or span.grain()
    days = _days(reading, chosen, span, None)
    steps = list(days.steps(grain))
    data = [
        {
            "name": kpi.name,
            "label": kpi.label,
            "unit": kpi.unit,
            "total": days.figure(kpi),
            "points": _points(kpi, steps),
        }
        for kpi in chosen
    ]
    rows = [
        {"name": each["name"], "unit": each["unit"], **point} for each in data for point in each["points"]
    ]
    return Answer({"grain": grain, "series": data}, rows, {"period": query.describe(span)})


def _days(reading: Reading, kpis: Sequence[Kpi], span: Span, previous: Span | None) -> Days:
    """The columns behind the figures, for both spans and whatever lies between them."""
    columns = sorted({column for kpi in kpis for column in kpi.measure.columns})
    found = reading.columns(
        f"""
        select date, {", ".join(columns)}
        from marts.kpi_daily
        where date between $first and $last
        order by date
        """,
        first=min(span.start, previous.start) if previous else span.start,
        last=span.end,
    )
    return Days(found.pop("date"), found)


def _points(kpi: Kpi, steps: Sequence[tuple[date, Days]]) -> list[Row]:
    return [{"date": start, "value": days.figure(kpi)} for start, days in steps]


def _campaigns(reading: Reading, span: Span, previous: Span | None) -> dict[str, Row]:
    bounds = {
        "start": span.start,
        "end": span.end,
        "previous_start": previous and previous.start,
        "previous_end": previous and previous.end,
    }
    found = {row["kind"]: row for row in reading.rows(_CAMPAIGNS, **bounds)}
    count = {
        when: {kind: found[kind][when] if kind in found else 0 for kind in _CAMPAIGN_KINDS}
        for when in ("now", "earlier")
    }
    figures = {
        f"{kind}_count": _figure(count["now"][kind], count["earlier"][kind] if previous else None, "count")
        for kind in _CAMPAIGN_KINDS
    }
    for kind in ("open", "click", "reply"):
        now, earlier = (_share(each[kind], each["delivery"]) for each in count.values())
        figures[f"{kind}_rate"] = _figure(now, earlier if previous else None, "share")
    return figures


def _tickets(reading: Reading, span: Span, previous: Span | None) -> dict[str, Row]:
    now = reading.row(_TICKETS, start=span.start, end=span.end)
    earlier = reading.row(_TICKETS, start=previous.start, end=previous.end) if previous else {}
    return {name: _figure(now[name], earlier.get(name), unit) for name, unit in _TICKET_UNITS.items()}


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _figure(value: Number | None, previous: Number | None, unit: str) -> Row:
    return {"value": value, "previous": previous, "unit": unit}


def _kpi_row(kpi: Kpi, value: Number | None, previous: Number | None) -> dict[str, Any]:
    return {
        "name": kpi.name,
        "metric": kpi.metric,
        "label": kpi.label,
        "section": kpi.section,
        "unit": kpi.unit,
        "better": kpi.better,
        "value": value,
        "previous": previous,
        "change": None if value is None or previous is None else value - previous,
        "change_share": change_share(value, previous),
    }

"""Statements over the release, and the shape of their answers. At most three a request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from serve.analytics.dashboard.kpis import HEADLINES, KPIS, SECTIONS, Kpi
from serve.analytics.dashboard.rules import change_share, names
from serve.analytics.dashboard.schemas import KpiQuery, MetricsQuery, SeriesQuery
from serve.kernel.answers import Answer, Reading
from serve.kernel.formats import Row
from serve.kernel.periods import Grain, Span

_SPANS = """
    (
        values
            ('current', cast($start as date), cast($end as date)),
            ('previous', cast($previous_start as date), cast($previous_end as date))
    ) as spans (span, first_date, last_date)
"""

_CAMPAIGN_COUNTS = ("send", "delivery", "open", "click", "reply", "conversion")
_CAMPAIGNS = f"""
    select
        span,
        {", ".join(f"count(e.kind) filter (where e.kind = '{kind}') as {kind}_count" for kind in _CAMPAIGN_COUNTS)},
        {", ".join(f"{kind}_count / nullif(delivery_count, 0) as {kind}_rate" for kind in ("open", "click", "reply"))}
    from {_SPANS}
    left join marts.fct_campaign_events as e on cast(e.happened_at as date) between first_date and last_date
    group by span
"""
_SERVICE = f"""
    select
        span,
        count(t.opened_at) as opened_ticket_count,
        count(t.resolved_at) as resolved_ticket_count,
        median(date_diff('second', t.opened_at, t.first_response_at) / 3600.0) as median_first_response_h,
        avg(t.satisfaction) as satisfaction_mean
    from {_SPANS}
    left join marts.fct_tickets as t on cast(t.opened_at as date) between first_date and last_date
    group by span
"""
_UNITS = {"median_first_response_h": "h", "satisfaction_mean": "points_of_5"}


def kpis(reading: Reading, query: KpiQuery) -> Answer:
    span = query.span(reading.as_of)
    previous = span.before(query.compare)
    grain = span.grain()
    rows = _figures(reading, HEADLINES, span, previous, grain)
    totals, steps = _split(rows)
    now, then = totals.get("current", {}), totals.get("previous", {})
    data = [
        {
            **_kpi_row(kpi, now.get(kpi.name), then.get(kpi.name)),
            "series": [{"date": step["step"], "value": step[kpi.name]} for step in steps],
        }
        for kpi in HEADLINES
    ]
    return Answer(data, meta={"period": query.describe(span, previous), "grain": grain})


def sections(reading: Reading, query: MetricsQuery) -> Answer:
    asked = names(query.sections, SECTIONS, parameter="sections")
    span = query.span(reading.as_of)
    previous = span.before(query.compare)
    wanted = [kpi for kpi in KPIS.values() if kpi.section in asked]
    found: dict[str, dict[str, Row]] = {name: {"current": {}, "previous": {}} for name in asked}
    units: dict[str, str] = {kpi.name: kpi.unit for kpi in wanted}
    if wanted:
        totals, _ = _split(_figures(reading, wanted, span, previous, None))
        for kpi in wanted:
            for which in ("current", "previous"):
                found[kpi.section][which][kpi.name] = totals.get(which, {}).get(kpi.name)
    for section, statement in (("campaigns", _CAMPAIGNS), ("service", _SERVICE)):
        if section in asked:
            for row in reading.rows(statement, **_bounds(span, previous)):
                found[section][row.pop("span")] |= row
    data = {
        section: {
            name: {
                "value": value,
                "previous": values["previous"].get(name) if previous else None,
                "unit": units.get(name)
                or _UNITS.get(name)
                or ("share" if name.endswith("_rate") else "count"),
            }
            for name, value in values["current"].items()
        }
        for section, values in found.items()
    }
    rows = [
        {"section": section, "name": name, **figure}
        for section, figures in data.items()
        for name, figure in figures.items()
    ]
    return Answer(data, rows, {"period": query.describe(span, previous)})


def series(reading: Reading, query: SeriesQuery) -> Answer:
    chosen = (
        names(query.metrics, tuple(KPIS), parameter="metrics")
        if query.metrics
        else [k.name for k in HEADLINES]
    )
    kpis = [KPIS[name] for name in chosen]
    span = query.span(reading.as_of)
    grain = query.grain or span.grain()
    totals, steps = _split(_figures(reading, kpis, span, None, grain))
    total = totals.get("current", {})
    data = {
        "grain": grain,
        "series": [
            {
                "name": kpi.name,
                "label": kpi.label,
                "unit": kpi.unit,
                "total": total.get(kpi.name),
                "points": [{"date": step["step"], "value": step[kpi.name]} for step in steps],
            }
            for kpi in kpis
        ],
    }
    rows = [
        {"name": kpi.name, "unit": kpi.unit, "date": step["step"], "value": step[kpi.name]}
        for kpi in kpis
        for step in steps
    ]
    return Answer(data, rows, {"period": query.describe(span)})


def _figures(
    reading: Reading, kpis: Sequence[Kpi], span: Span, previous: Span | None, grain: Grain | None
) -> list[Row]:
    """One row a span (``step`` empty) and, with a grain, one a step of the current span."""
    columns = ", ".join(f"{kpi.sql} as {kpi.name}" for kpi in kpis)
    # A step begins on its calendar day, but not before the span: the first one may be cut short.
    step = f"greatest(cast(date_trunc('{grain}', d.date) as date), first_date)" if grain else "null"
    grouping = "grouping sets ((span), (span, step))" if grain else "span, step"
    statement = f"""
        select span, step, {columns}
        from (select d.*, span, {step} as step
              from {_SPANS} inner join marts.kpi_daily as d on d.date between first_date and last_date)
        group by {grouping}
        order by step nulls first
    """
    return reading.rows(statement, **_bounds(span, previous))


def _bounds(span: Span, previous: Span | None) -> dict[str, Any]:
    return {
        "start": span.start,
        "end": span.end,
        "previous_start": previous and previous.start,
        "previous_end": previous and previous.end,
    }


def _split(rows: Sequence[Row]) -> tuple[dict[str, Row], list[Row]]:
    """Totals by span, and the steps of the current span."""
    totals = {row["span"]: row for row in rows if row["step"] is None}
    return totals, [row for row in rows if row["step"] is not None and row["span"] == "current"]


def _kpi_row(kpi: Kpi, value: float | None, previous: float | None) -> Mapping[str, Any]:
    return {
        "name": kpi.name,
        "label": kpi.label,
        "section": kpi.section,
        "unit": kpi.unit,
        "better": kpi.better,
        "value": value,
        "previous": previous,
        "change": None if value is None or previous is None else value - previous,
        "change_share": change_share(value, previous),
    }

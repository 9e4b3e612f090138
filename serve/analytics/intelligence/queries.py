"""Statements over the release, and the shape of their answers. At most three a request."""

from __future__ import annotations

from typing import Any

import orjson

from serve.analytics.intelligence import rules
from serve.analytics.intelligence.schemas import (
    ChurnRiskQuery,
    ComplianceQuery,
    NoParameters,
    RevenueCostMarginQuery,
    RevenueForecastQuery,
    TopClientsQuery,
)
from serve.kernel.answers import Answer, Reading
from serve.kernel.formats import Row
from serve.kernel.paging import order_by, page_meta

_PULSE = f"""
    select date, {", ".join(measure.name for measure in rules.MEASURES)}
    from marts.kpi_daily
    where date <= $day and date >= $day - interval 56 day and dayofweek(date) = dayofweek($day)
    order by date
"""


def operational_pulse(reading: Reading, query: NoParameters) -> Answer:
    day = reading.as_of
    rows = reading.rows(_PULSE, day=day)
    today = rows.pop() if rows and rows[-1]["date"] == day else {}
    measures, reasons = [], []
    for measure in rules.MEASURES:
        value = today.get(measure.name)
        before = [row[measure.name] for row in rows if row[measure.name] is not None]
        judged = rules.judge(measure, value, before)
        measures.append(
            {
                "name": measure.name,
                "label": measure.label,
                "unit": measure.unit,
                "value": value,
                "usual": judged.usual,
                "spread": judged.spread,
                "deviation": judged.deviation,
                "state": judged.state,
            }
        )
        if value is not None and judged.state in ("worse", "better", "unusual"):
            reasons.append(
                (
                    judged.state != "worse",
                    -abs(judged.deviation or 0),
                    rules.reason(measure, value, judged, day),
                )
            )
    data = {
        "day": day,
        "weekday": f"{day:%A}",
        "level": rules.level([measure["state"] for measure in measures]),
        "reasons": [sentence for *_, sentence in sorted(reasons)],
        "measures": measures,
    }
    return Answer(data, measures)


_CHURN_WHERE = (
    "where ($band is null or risk_band = $band) and ($min_score is null or churn_score >= $min_score)"
)
_CHURN_SORT = {
    name: name
    for name in ("churn_score", "mrr_cents", "revenue_365d_cents", "last_activity_at", "account_name")
}


def churn_risk(reading: Reading, query: ChurnRiskQuery) -> Answer:
    window = query.window()
    page = reading.page(
        f"""
        select
            cast(account_id as varchar) as account_id, account_name, churn_score, risk_band, reasons, mrr_cents,
            revenue_365d_cents, last_activity_at, as_of_date, model_version
        from marts.churn_risk {_CHURN_WHERE}
        """,
        order=order_by(query.sort, _CHURN_SORT, tie="account_id"),
        window=window,
        band=query.band,
        min_score=query.min_score,
    )
    for row in page.rows:
        row["reasons"] = orjson.loads(row["reasons"]) if row["reasons"] else []
    return Answer(page.rows, meta=page_meta(window, page.total))


def revenue_cost_margin(reading: Reading, query: RevenueCostMarginQuery) -> Answer:
    span = query.span(reading.as_of)
    previous = span.before("previous_period")
    assert previous is not None
    grain = query.grain or span.grain()
    rows = reading.rows(
        f"""
        select
            category,
            case when date >= $start then greatest(cast(date_trunc('{grain}', date) as date), $start) end as step,
            cast(sum(revenue_cents) as bigint) as revenue_cents,
            cast(sum(cost_cents) as bigint) as cost_cents
        from marts.revenue_cost_margin
        where date between $previous_start and $end
        group by all
        order by step, category
        """,
        start=span.start,
        end=span.end,
        previous_start=previous.start,
    )
    current = [row for row in rows if row["step"] is not None]
    series = [{"date": step, **rules.money(part)} for step, part in _by(current, "step").items()]
    data = {
        "grain": grain,
        "totals": rules.money(current),
        "previous": rules.money([row for row in rows if row["step"] is None]),
        "categories": [
            {"category": category, **rules.money(part)}
            for category, part in sorted(_by(current, "category").items())
        ],
        "series": series,
    }
    return Answer(data, series, {"period": query.describe(span, previous)})


def _by(rows: list[Row], name: str) -> dict[Any, list[Row]]:
    groups: dict[Any, list[Row]] = {}
    for row in rows:
        groups.setdefault(row[name], []).append(row)
    return groups


_FORECAST = """
    select date, 'history' as kind, revenue_cents, null as forecast_cents, null as lower_cents, null as upper_cents,
        null as model_name, null as model_version, null as made_on_date
    from marts.kpi_daily
    where date > $as_of - to_days($history_days) and date <= $as_of
    union all
    select date, 'forecast', null, forecast_cents, lower_cents, upper_cents, model_name, model_version, made_on_date
    from marts.revenue_forecast
    where date > $as_of and date <= $as_of + to_days($horizon_days)
    order by date
"""
_CARD = """
    select card
    from release.cards
    where card ->> 'question' = 'revenue_forecast' and card ->> 'version' = $version
"""


def revenue_forecast(reading: Reading, query: RevenueForecastQuery) -> Answer:
    rows = reading.rows(
        _FORECAST, as_of=reading.as_of, history_days=query.history_days, horizon_days=query.horizon_days
    )
    about = [(row.pop("model_name"), row.pop("model_version"), row.pop("made_on_date"), row) for row in rows]
    ahead = [each for each in about if each[3]["kind"] == "forecast"]
    model = None
    if ahead:
        name, version, made_on, _ = ahead[0]
        card = _card(reading, version)
        model = {
            "model_name": name,
            "model_version": version,
            "made_on_date": made_on,
            "backtest": card.get("metrics") or {},
            "baseline": card.get("baseline") or {},
        }
    total = sum(row["forecast_cents"] for *_, row in ahead) if ahead else None
    return Answer({"model": model, "forecast_total_cents": total, "days": rows}, rows)


def _card(reading: Reading, version: str) -> dict[str, Any]:
    cards = reading.rows(_CARD, version=version)
    card: dict[str, Any] = orjson.loads(cards[0]["card"]) if cards else {}
    return card


_PAPERS_WHERE = "where ($state is null or state = $state) and ($kind is null or kind = $kind)"
_STATES = ("valid", "expiring", "expired")


def compliance_status(reading: Reading, query: ComplianceQuery) -> Answer:
    limit, offset = query.window()
    order = order_by(
        query.sort, {name: name for name in ("days_left", "expires_date", "kind")}, tie="document_id"
    )
    kinds = reading.rows(
        f"""
        select kind, {", ".join(f"count(*) filter (where state = '{state}') as {state}" for state in _STATES)}
        from marts.compliance_status group by kind order by kind
        """
    )
    documents = reading.rows(
        f"""
        select
            cast(document_id as varchar) as document_id, subject_kind, cast(subject_id as varchar) as subject_id,
            kind, expires_date, cast(days_left as bigint) as days_left, state
        from marts.compliance_status {_PAPERS_WHERE} order by {order} limit $limit offset $offset
        """,
        state=query.state,
        kind=query.kind,
        limit=limit,
        offset=offset,
    )
    counts = {state: sum(row[state] for row in kinds) for state in _STATES}
    all_papers = sum(counts.values())
    total = sum(
        row[state]
        for row in kinds
        if query.kind in (None, row["kind"])
        for state in _STATES
        if query.state in (None, state)
    )
    data = {
        **counts,
        "compliant_share": 1 - counts["expired"] / all_papers if all_papers else None,
        "kinds": kinds,
        "documents": documents,
    }
    return Answer(data, documents, page_meta((limit, offset), total))


_CLIENTS = """
    select
        row_number() over (order by rank) as rank, cast(rank as bigint) as overall_rank,
        cast(account_id as varchar) as account_id, account_name, segment, revenue_cents, margin_cents,
        invoice_count, return_cents, share_of_revenue
    from marts.top_clients
    where $segment = 'all' or segment = $segment
"""


def top_clients(reading: Reading, query: TopClientsQuery) -> Answer:
    window = query.window()
    page = reading.page(_CLIENTS, order="overall_rank", window=window, segment=query.segment)
    return Answer(page.rows, meta=page_meta(window, page.total))

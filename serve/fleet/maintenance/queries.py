"""Statements over ``marts.maintenance_forecast``."""

from __future__ import annotations

import orjson

from serve.fleet.maintenance.schemas import MaintenanceQuery
from serve.kernel.answers import Answer, Reading
from serve.kernel.paging import order_by, page_meta

_SORT = {
    name: name for name in ("failure_score", "expected_cost_cents", "recommended_by_date", "registration")
}
_FORECAST = """
    select
        cast(vehicle_id as varchar) as vehicle_id, registration, make, model, failure_score, risk_band,
        cast(horizon_h as bigint) as horizon_h, recommended_by_date, expected_cost_cents, reasons, as_of_at,
        model_version
    from marts.maintenance_forecast
    where ($band is null or risk_band = $band) and ($min_score is null or failure_score >= $min_score)
"""


def forecast(reading: Reading, query: MaintenanceQuery) -> Answer:
    window = query.window()
    page = reading.page(
        _FORECAST,
        order=order_by(query.sort, _SORT, tie="vehicle_id"),
        window=window,
        band=query.band,
        min_score=query.min_score,
    )
    for row in page.rows:
        row["reasons"] = orjson.loads(row["reasons"]) if row["reasons"] else []
    return Answer(page.rows, meta=page_meta(window, page.total))

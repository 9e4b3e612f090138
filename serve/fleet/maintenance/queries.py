"""Statements over ``marts.maintenance_forecast``."""

from __future__ import annotations

import orjson

from serve.fleet.maintenance.schemas import MaintenanceQuery
from serve.kernel.answers import Answer, Reading
from serve.kernel.paging import order_by, page_meta

_SORT = {
    name: name for name in ("failure_score", "expected_cost_cents", "recommended_by_date", "registration")
}
_CHOSEN = """
    from marts.maintenance_forecast
    where ($band is null or risk_band = $band) and ($min_score is null or failure_score >= $min_score)
"""


def forecast(reading: Reading, query: MaintenanceQuery) -> Answer:
    limit, offset = query.window()
    chosen = {"band": query.band, "min_score": query.min_score}
    rows = reading.rows(
        f"""
        select
            cast(vehicle_id as varchar) as vehicle_id, registration, make, model, failure_score, risk_band,
            cast(horizon_h as bigint) as horizon_h, recommended_by_date, expected_cost_cents, reasons, as_of_at,
            model_version
        {_CHOSEN} order by {order_by(query.sort, _SORT, tie="vehicle_id")} limit $limit offset $offset
        """,
        **chosen,
        limit=limit,
        offset=offset,
    )
    for row in rows:
        row["reasons"] = orjson.loads(row["reasons"]) if row["reasons"] else []
    total = reading.row(f"select count(*) as total {_CHOSEN}", **chosen)["total"]
    return Answer(rows, meta=page_meta((limit, offset), total))

"""A number has one definition: metrics say what the marts say, and every one of them can be asked by all its sides."""

from __future__ import annotations

import pytest
from fastapi.routing import APIRoute

from serve.app import create_app
from tests.transforms.line import project
from tests.transforms.published import Published
from warehouse.metrics import MetricQuery

OF_KPI_DAILY = {
    "revenue": "revenue_cents",
    "cost": "cost_cents",
    "margin": "margin_cents",
    "margin_share": "margin_share",
    "invoice_count": "invoice_count",
    "job_count": "job_count",
    "completed_jobs": "completed_job_count",
    "late_jobs": "late_job_count",
    "lead_count": "lead_count",
    "won_leads": "won_lead_count",
    "win_rate": "lead_win_rate",
    "active_accounts": "active_account_count",
    "mrr": "mrr_cents",
    "open_tickets": "open_ticket_count",
    "vehicle_count": "vehicle_count",
    "distance_km": "distance_km",
    "fuel_cost": "fuel_cost_cents",
}
OF_MONTHLY_MARTS = {
    "mrr": ("mrr_monthly", "closing_cents"),
    "new_mrr": ("mrr_monthly", "new_cents"),
    "fleet_cost": ("fleet_costs_monthly", "total_cents"),
    "maintenance_cost": ("fleet_costs_monthly", "maintenance_cents"),
    "litres": ("fuel_monthly", "litres"),
    "failures": ("downtime_monthly", "failure_count"),
    "downtime_h": ("downtime_monthly", "downtime_h"),
    "downtime_of_days": ("kpi_daily", "downtime_h"),
}


@pytest.mark.parametrize("metric", OF_KPI_DAILY)
def test_a_metric_by_day_is_the_column_of_kpi_daily(published: Published, metric: str) -> None:
    """The metric has no row for a day on which nothing happened; the mart says 0."""
    seen = 0
    for tenant in published.tenants:
        column = published.column(tenant, f"select date, {OF_KPI_DAILY[metric]} from marts.kpi_daily")
        series = published.series(tenant, metric, "day")
        assert {day: value for day, value in series.items() if value} == pytest.approx(
            {day: value for day, value in column.items() if value}
        )
        seen += len(series)
    assert seen > 5


@pytest.mark.parametrize("name", OF_MONTHLY_MARTS)
def test_a_metric_by_month_adds_up_the_monthly_mart(published: Published, name: str) -> None:
    mart, column = OF_MONTHLY_MARTS[name]
    month = "month" if mart != "kpi_daily" else "cast(date_trunc('month', date) as date)"
    for tenant in published.tenants:
        expected = published.column(tenant, f"select {month}, sum({column}) from marts.{mart} group by 1")
        series = published.series(tenant, "downtime_h" if name == "downtime_of_days" else name, "month")
        assert {at: value for at, value in series.items() if value} == pytest.approx(
            {at: value for at, value in expected.items() if value}
        )


def test_roi_is_the_marts(published: Published) -> None:
    for kind in ("campaign", "lead_source", "vehicle"):
        for tenant in published.tenants:
            found = published.ask(tenant, MetricQuery((f"{kind}_roi",))).to_pylist()[0][f"{kind}_roi"]
            (expected,) = published.column(
                tenant,
                f"""
                select 0, sum(profit_cents) / nullif(sum(investment_cents), 0)
                from marts.roi where subject_kind = '{kind}' and return_cents is not null
                """,
            ).values() or (None,)
            assert found == pytest.approx(expected)


def test_every_metric_answers_by_all_its_dimensions_as_each_tenant(published: Published) -> None:
    metrics = published.engine.list()
    assert len(metrics) > 90
    for metric in metrics:
        dimensions = tuple(dimension.name for dimension in metric.dimensions)
        for tenant in published.tenants:
            published.ask(tenant, MetricQuery((metric.name,), dimensions, grain="year", limit=3))


def test_every_metric_says_what_it_is(published: Published) -> None:
    for metric in published.engine.list():
        assert metric.description, metric.name
        assert metric.unit, metric.name
        assert metric.label != metric.name, metric.name


def test_metrics_stand_on_published_tables_alone() -> None:
    schemas = {model.node_relation.schema_name for model in project().semantic_models.values()}
    assert schemas == {"marts"}


def test_every_exposure_is_an_endpoint_and_every_reading_endpoint_an_exposure() -> None:
    app = create_app()
    paths = set(app.openapi()["paths"])
    exposed = {exposure.url for exposure in project().exposures.values()}
    assert exposed - {"/"} <= paths
    reading = {
        route.path
        for route in app.routes
        if isinstance(route, APIRoute)
        and route.endpoint.__module__.startswith(
            ("serve.analytics", "serve.fleet.costs", "serve.fleet.maintenance")
        )
    }
    assert len(reading) >= 16
    assert reading <= exposed

"""The dashboard's figures."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Response

from serve.analytics.dashboard import queries
from serve.analytics.dashboard.schemas import (
    FigureRow,
    KpiQuery,
    KpiRead,
    KpiRow,
    KpisMeta,
    MetricsQuery,
    Sections,
    SeriesQuery,
    SeriesRead,
    SeriesRow,
)
from serve.kernel.answers import AnalyticsAnswer, PeriodMeta
from serve.kernel.envelope import Success
from serve.kernel.openapi import release_answer
from serve.kernel.routing import area_router

router = area_router(prefix="/api/v1", tags=["dashboard"])


@router.get(
    "/dashboard/kpis",
    response_model=Success[list[KpiRead], KpisMeta],
    **release_answer(),
    name="dashboard.kpis",
)
async def dashboard_kpis(query: Annotated[KpiQuery, Query()], answer: AnalyticsAnswer) -> Response:
    """Headline figures with the earlier value, the change and the trend."""
    return await answer(query, queries.kpis, row=KpiRow)


@router.get(
    "/dashboard/metrics",
    response_model=Success[Sections, PeriodMeta],
    **release_answer(),
    name="dashboard.metrics",
)
async def dashboard_metrics(query: Annotated[MetricsQuery, Query()], answer: AnalyticsAnswer) -> Response:
    """All figures by section: finance, jobs, leads, campaigns, fleet and service."""
    return await answer(query, queries.sections, row=FigureRow)


@router.get(
    "/analytics", response_model=Success[SeriesRead, PeriodMeta], **release_answer(), name="analytics.series"
)
async def analytics_series(query: Annotated[SeriesQuery, Query()], answer: AnalyticsAnswer) -> Response:
    """Figures over time, by day, week or month."""
    return await answer(query, queries.series, row=SeriesRow)

"""Business intelligence."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Response

from serve.analytics.intelligence import queries
from serve.analytics.intelligence.schemas import (
    ChurnRisk,
    ChurnRiskQuery,
    ComplianceQuery,
    ComplianceStatus,
    MoneyStep,
    NoParameters,
    OperationalPulse,
    Paper,
    PulseMeasure,
    RevenueCostMargin,
    RevenueCostMarginQuery,
    RevenueDay,
    RevenueForecast,
    RevenueForecastQuery,
    TopClient,
    TopClientsQuery,
)
from serve.kernel.answers import AnalyticsAnswer, PeriodMeta, ReleaseMeta, ReleasePageMeta
from serve.kernel.envelope import Success
from serve.kernel.openapi import release_answer
from serve.kernel.routing import area_router

router = area_router(prefix="/api/v1/business-intelligence", tags=["business intelligence"])


@router.get("/operational-pulse", response_model=Success[OperationalPulse, ReleaseMeta], **release_answer())
async def operational_pulse(query: Annotated[NoParameters, Query()], answer: AnalyticsAnswer) -> Response:
    """The last day beside what is usual on its weekday, with reasons."""
    return await answer(query, queries.operational_pulse, row=PulseMeasure)


@router.get("/churn-risk", response_model=Success[list[ChurnRisk], ReleasePageMeta], **release_answer())
async def churn_risk(query: Annotated[ChurnRiskQuery, Query()], answer: AnalyticsAnswer) -> Response:
    """Clients by their chance to leave, with reasons and what they are worth."""
    return await answer(query, queries.churn_risk, row=ChurnRisk)


@router.get("/revenue-cost-margin", response_model=Success[RevenueCostMargin, PeriodMeta], **release_answer())
async def revenue_cost_margin(
    query: Annotated[RevenueCostMarginQuery, Query()], answer: AnalyticsAnswer
) -> Response:
    """Revenue, cost and margin: totals, by category and over time."""
    return await answer(query, queries.revenue_cost_margin, row=MoneyStep)


@router.get("/revenue-forecast", response_model=Success[RevenueForecast, ReleaseMeta], **release_answer())
async def revenue_forecast(
    query: Annotated[RevenueForecastQuery, Query()], answer: AnalyticsAnswer
) -> Response:
    """Known revenue, the forecast with its interval, and the model's measured backtest beside its baseline."""
    return await answer(query, queries.revenue_forecast, row=RevenueDay)


@router.get(
    "/compliance-status", response_model=Success[ComplianceStatus, ReleasePageMeta], **release_answer()
)
async def compliance_status(query: Annotated[ComplianceQuery, Query()], answer: AnalyticsAnswer) -> Response:
    """Papers of vehicles and people: valid, expiring or expired."""
    return await answer(query, queries.compliance_status, row=Paper)


@router.get(
    "/top-enterprise-clients", response_model=Success[list[TopClient], ReleasePageMeta], **release_answer()
)
async def top_enterprise_clients(
    query: Annotated[TopClientsQuery, Query()], answer: AnalyticsAnswer
) -> Response:
    """The largest clients by revenue of the last 365 days."""
    return await answer(query, queries.top_clients, row=TopClient)

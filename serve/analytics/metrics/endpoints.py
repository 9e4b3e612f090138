"""Metric definitions and metric queries."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Response

from serve.analytics.metrics import queries
from serve.analytics.metrics.queries import NoMetrics
from serve.analytics.metrics.schemas import (
    MetricQueryInput,
    MetricRead,
    MetricRow,
    MetricsMeta,
    NoParameters,
    Row,
)
from serve.kernel.answers import MetricsAnswer, ReleaseMeta
from serve.kernel.envelope import Success
from serve.kernel.errors import Malformed, UnsupportedMediaType
from serve.kernel.openapi import release_answer
from serve.kernel.routing import area_router

router = area_router(prefix="/api/v1/metrics", tags=["metrics"])


@router.get(
    "",
    response_model=Success[list[MetricRead], ReleaseMeta],
    **release_answer(NoMetrics),
    name="metrics.list",
)
async def list_metrics(query: Annotated[NoParameters, Query()], answer: MetricsAnswer) -> Response:
    """Every metric with its unit and the dimensions it can be asked by."""
    return await answer(query, queries.metrics, row=MetricRow)


@router.post(
    "/query",
    response_model=Success[list[Row], MetricsMeta],
    **release_answer(NoMetrics, Malformed, UnsupportedMediaType),
    name="metrics.query",
)
async def query_metrics(query: MetricQueryInput, answer: MetricsAnswer) -> Response:
    """Metrics by dimensions and time, filtered, ordered and compared with an earlier range."""
    return await answer(query, queries.answer, row=None)

"""Figures and models: the routes of the area."""

from __future__ import annotations

from fastapi.routing import APIRouter

from serve.analytics.dashboard.endpoints import router as dashboard
from serve.analytics.intelligence.endpoints import router as intelligence
from serve.analytics.metrics.endpoints import router as metrics
from serve.analytics.roi.endpoints import router as roi

ROUTERS: tuple[APIRouter, ...] = (
    dashboard,
    intelligence,
    roi,
    metrics,
)

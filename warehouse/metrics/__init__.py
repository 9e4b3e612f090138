"""Metrics: defined once in dbt's semantic layer, compiled by MetricFlow in process, answered by a release."""

from warehouse.metrics.engine import Column, Compiled, MetricEngine, engine_for, engine_of, execute
from warehouse.metrics.query import (
    COMPARISONS,
    GRAINS,
    METRIC_TIME,
    OPERATORS,
    Filter,
    MetricQuery,
    MetricQueryError,
    previous_range,
)

__all__ = [
    "COMPARISONS",
    "GRAINS",
    "METRIC_TIME",
    "OPERATORS",
    "Column",
    "Compiled",
    "Filter",
    "MetricEngine",
    "MetricQuery",
    "MetricQueryError",
    "engine_for",
    "engine_of",
    "execute",
    "previous_range",
]

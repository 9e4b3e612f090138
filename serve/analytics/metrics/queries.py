"""From a request to the metric engine of the release and back."""

from __future__ import annotations

import dataclasses

from serve.analytics.metrics.schemas import MetricQueryInput, NoParameters
from serve.kernel.answers import Answer, Reading
from serve.kernel.errors import Invalid, Unavailable
from serve.kernel.periods import DayRange, Span
from warehouse.metrics import Filter, MetricEngine, MetricQuery, MetricQueryError, engine_of, previous_range


class NoMetrics(Unavailable):
    code, message = "NO_METRICS", "The current release carries no metric definitions."


def metrics(reading: Reading, query: NoParameters) -> Answer:
    data = [
        {
            "name": metric.name,
            "label": metric.label,
            "description": metric.description,
            "type": metric.type,
            "unit": metric.unit,
            "dimensions": [dataclasses.asdict(dimension) for dimension in metric.dimensions],
        }
        for metric in _engine(reading).list()
    ]
    return Answer(data)


def answer(reading: Reading, asked: MetricQueryInput) -> Answer:
    engine = _engine(reading)
    span = _span(asked, reading)
    query = MetricQuery(
        metrics=tuple(asked.metrics),
        group_by=tuple(asked.group_by),
        grain=asked.grain,
        start=span.start if span else asked.start,
        end=span.end if span else asked.end,
        filters=tuple(Filter(each.dimension, each.op, tuple(each.values)) for each in asked.filters),
        order_by=tuple(asked.order_by),
        limit=asked.limit + 1,
        compare=asked.compare,
    )
    try:
        columns = engine.compile(query).columns
        table = engine.run(reading.session, query)
    except MetricQueryError as error:
        raise Invalid(details=[(error.field, error.message)]) from error
    shown = table.slice(0, asked.limit)
    meta = {
        "period": _describe(asked, query),
        "columns": [dataclasses.asdict(column) for column in columns],
        "has_more": table.num_rows > asked.limit,
    }
    return Answer(shown.to_pylist(), meta=meta, table=shown)


def _engine(reading: Reading) -> MetricEngine:
    if reading.session.semantic_manifest is None:
        raise NoMetrics
    return engine_of(reading.session)


def _span(asked: MetricQueryInput, reading: Reading) -> Span | None:
    """The days that ``range`` names; None leaves ``start`` and ``end`` as they are."""
    if asked.range is None:
        return None
    return DayRange(range=asked.range, start=asked.start, end=asked.end).span(reading.as_of)


def _describe(asked: MetricQueryInput, query: MetricQuery) -> dict[str, object] | None:
    if query.start is None or query.end is None:
        return None
    previous = None
    if query.compare != "none":
        start, end = previous_range(query.start, query.end, query.compare)
        previous = {"start": start, "end": end}
    return {"range": asked.range or "custom", "start": query.start, "end": query.end, "compared_to": previous}

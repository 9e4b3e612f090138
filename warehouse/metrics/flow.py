"""The only file that speaks to MetricFlow: definitions in, names and SQL out. It renders and never executes.

Importing it costs about half a second, so the rest of this package imports it when the first metric is asked for.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, cast

from metricflow.engine.metricflow_engine import (
    MetricFlowEngine,
    MetricFlowQueryRequest,
    OutputColumnOrderMode,
)
from metricflow.protocols.sql_client import SqlEngine
from metricflow.sql.render.duckdb_renderer import DuckDbSqlPlanRenderer
from metricflow_semantic_interfaces.references import MetricReference
from metricflow_semantics.errors.error_classes import InvalidQueryException
from metricflow_semantics.model.dbt_manifest_parser import parse_manifest_from_dbt_generated_manifest
from metricflow_semantics.model.linkable_element_property import GroupByItemProperty
from metricflow_semantics.model.semantic_manifest_lookup import SemanticManifestLookup
from metricflow_semantics.model.semantics.element_filter import GroupByItemSetFilter
from metricflow_semantics.model.semantics.linkable_element import LinkableElementType

from warehouse.metrics.query import GRAINS, METRIC_TIME, Grain, MetricQueryError

if TYPE_CHECKING:
    from metricflow.engine.models import Metric
    from metricflow.protocols.sql_client import SqlClient
    from metricflow_semantics.model.semantics.linkable_element_set_base import AnnotatedSpec

logging.getLogger("metricflow").setLevel(logging.WARNING)  # it reports every step of every query at INFO
logging.getLogger("metricflow_semantics").setLevel(logging.WARNING)

# One at a time in the whole process: MetricFlow numbers its aliases with a counter that all engines share.
_one_at_a_time = threading.Lock()


Kind = Literal["time", "categorical", "entity"]

_KINDS: dict[LinkableElementType, Kind] = {
    LinkableElementType.TIME_DIMENSION: "time",
    LinkableElementType.DIMENSION: "categorical",
    LinkableElementType.ENTITY: "entity",
}
_LEFT_OUT = (GroupByItemProperty.DATE_PART, GroupByItemProperty.LOCAL_LINKED, GroupByItemProperty.METRIC)
_SECOND_NAME = {GroupByItemProperty.ENTITY, GroupByItemProperty.LOCAL}  # with a link: `invoice__account`


@dataclass(frozen=True, slots=True)
class DimensionInfo:
    """Something to group or filter by; `grains` are those a time can be grouped by, finest first."""

    name: str
    kind: Kind
    label: str | None
    description: str | None
    grains: tuple[Grain, ...] = ()


@dataclass(frozen=True, slots=True)
class MetricInfo:
    """A metric as its page in dbt describes it; `unit` is `config.meta.unit` there."""

    name: str
    label: str
    description: str | None
    type: str
    unit: str | None
    dimensions: tuple[DimensionInfo, ...]


class Flow:
    """One semantic manifest, ready to be asked."""

    def __init__(self, semantic_manifest_json: str) -> None:
        content = _with_published_names(json.loads(semantic_manifest_json))
        self._pages = {
            (model["name"], element["name"]): element
            for model in content["semantic_models"]
            for element in [*model["dimensions"], *model["entities"]]
        }
        self._known: dict[str, dict[str, DimensionInfo]] = {}
        self._metrics: dict[str, Metric] = {}
        if not content["metrics"]:
            return  # MetricFlow refuses a project that has none, dbt does not
        with _one_at_a_time:
            self._lookup = SemanticManifestLookup(
                parse_manifest_from_dbt_generated_manifest(json.dumps(content))
            )
            self._engine = MetricFlowEngine(self._lookup, cast("SqlClient", _Renderer()))
            self._metrics = {
                metric.name: metric for metric in self._engine.list_metrics(include_dimensions=False)
            }

    def __contains__(self, metric: str) -> bool:
        return metric in self._metrics

    def metrics(self) -> tuple[MetricInfo, ...]:
        """Every metric, in order of name."""
        return tuple(
            MetricInfo(
                name=name,
                label=metric.label or name,
                description=metric.description or None,
                type=metric.type.value,
                unit=metric.config.meta.get("unit") if metric.config else None,
                dimensions=tuple(self.dimensions([name]).values()),
            )
            for name, metric in sorted(self._metrics.items())
        )

    def dimensions(self, metrics: Sequence[str]) -> dict[str, DimensionInfo]:
        """What all of these metrics can be grouped and filtered by, times at the grains they all have."""
        first, *others = (self._dimensions_of(name) for name in metrics)
        return {
            name: replace(
                item, grains=tuple(grain for grain in item.grains if _all_have(others, name, grain))
            )
            for name, item in first.items()
            if all(name in other for other in others)
        }

    def sql(self, metrics: Sequence[str], group_by: Sequence[str], where: Sequence[str]) -> str:
        """SQL with one column for each group and each metric, named as asked for. Raises MetricQueryError."""
        request = MetricFlowQueryRequest.create(
            metric_names=list(metrics),
            group_by_names=list(group_by),
            where_constraints=list(where),
            output_column_order_mode=OutputColumnOrderMode.INPUT_ORDER,
        )
        try:
            with _one_at_a_time:
                explained = self._engine.explain(request)
        except InvalidQueryException as error:
            raise MetricQueryError("metrics", f"cannot be asked for together: {error}") from error
        return str(explained.sql_statement.without_descriptions.sql)

    def _dimensions_of(self, metric: str) -> dict[str, DimensionInfo]:
        if metric not in self._known:
            with _one_at_a_time:
                found = self._lookup.metric_lookup.get_common_group_by_items(
                    (MetricReference(metric),), GroupByItemSetFilter.create(any_properties_denylist=_LEFT_OUT)
                )
            known: dict[str, DimensionInfo] = {}
            for item in sorted(found.annotated_specs, key=lambda item: item.spec.dunder_name):
                if item.entity_link_names and set(item.element_properties) >= _SECOND_NAME:
                    continue
                name = "__".join([*item.entity_link_names, item.element_name])
                known[name] = self._describe(name, item, known.get(name))
            self._known[metric] = known
        return self._known[metric]

    def _describe(self, name: str, item: AnnotatedSpec, other_grains: DimensionInfo | None) -> DimensionInfo:
        page = self._pages.get((item.origin_semantic_model_names[0], item.element_name), {})
        if name == METRIC_TIME:
            page = {"label": "Time", "description": "When what the metric counts took place."}
        grains: tuple[Grain, ...] = ()
        if item.time_grain is not None:  # a time is listed once for each of its grains
            listed = {item.time_grain.name, *(other_grains.grains if other_grains else ())}
            grains = tuple(grain for grain in GRAINS if grain in listed)
        return DimensionInfo(
            name, _KINDS[item.element_type], page.get("label"), page.get("description"), grains
        )


class _Renderer:
    """The little of MetricFlow's `SqlClient` that rendering needs."""

    sql_engine_type = SqlEngine.DUCKDB
    sql_plan_renderer = DuckDbSqlPlanRenderer()

    def render_bind_parameter_key(self, bind_parameter_key: str) -> str:
        return f"${bind_parameter_key}"


def _all_have(known: Iterable[dict[str, DimensionInfo]], name: str, grain: Grain) -> bool:
    return all(grain in dimensions[name].grains for dimensions in known)


def _with_published_names(manifest: dict[str, Any]) -> dict[str, Any]:
    """The manifest with every relation named as releases name it, `marts.<table>`."""
    relations = [model["node_relation"] for model in manifest["semantic_models"]]
    relations += [spine["node_relation"] for spine in manifest["project_configuration"]["time_spines"]]
    for relation in relations:
        relation |= {
            "database": None,
            "schema_name": "marts",
            "relation_name": f"marts.{relation['alias']}",
        }
    return manifest

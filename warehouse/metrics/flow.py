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
from metricflow.engine.models import Dimension, Entity
from metricflow.protocols.sql_client import SqlEngine
from metricflow.sql.render.duckdb_renderer import DuckDbSqlPlanRenderer
from metricflow_semantics.errors.error_classes import InvalidQueryException
from metricflow_semantics.model.dbt_manifest_parser import parse_manifest_from_dbt_generated_manifest
from metricflow_semantics.model.semantic_manifest_lookup import SemanticManifestLookup

from warehouse.metrics.query import GRAINS, METRIC_TIME, Grain, MetricQueryError

if TYPE_CHECKING:
    from metricflow.protocols.sql_client import SqlClient

logging.getLogger("metricflow").setLevel(logging.WARNING)  # it reports every step of every query at INFO
logging.getLogger("metricflow_semantics").setLevel(logging.WARNING)

# One at a time in the whole process: MetricFlow numbers its aliases with a counter that all engines share.
_one_at_a_time = threading.Lock()


@dataclass(frozen=True, slots=True)
class DimensionInfo:
    """Something to group or filter by; `grains` are those a time can be grouped by, finest first."""

    name: str
    kind: Literal["time", "categorical", "entity"]
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
        manifest = parse_manifest_from_dbt_generated_manifest(_published_names(semantic_manifest_json))
        with _one_at_a_time:
            self._engine = MetricFlowEngine(SemanticManifestLookup(manifest), cast("SqlClient", _Renderer()))
            self.metrics = {
                metric.name: MetricInfo(
                    name=metric.name,
                    label=metric.label or metric.name,
                    description=metric.description,
                    type=metric.type.value,
                    unit=metric.config.meta.get("unit") if metric.config else None,
                    dimensions=self._dimensions(metric.name),
                )
                for metric in self._engine.list_metrics(include_dimensions=False)
            }

    def dimensions(self, metrics: Sequence[str]) -> dict[str, DimensionInfo]:
        """What all of these metrics can be grouped and filtered by, times at the grains they all have."""
        first, *others = ({item.name: item for item in self.metrics[name].dimensions} for name in metrics)
        return {
            name: replace(
                item,
                grains=tuple(grain for grain in item.grains if all(grain in o[name].grains for o in others)),
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

    def _dimensions(self, metric: str) -> tuple[DimensionInfo, ...]:
        found = self._engine.list_group_bys(metric_names=[metric], include_derived_time_granularities=True)
        known: dict[str, DimensionInfo] = {}
        for item in map(
            _describe, found
        ):  # metric_time comes once for each grain: the finest implies the rest
            if item.name not in known or len(item.grains) > len(known[item.name].grains):
                known[item.name] = item
        return tuple(known[name] for name in sorted(known))


class _Renderer:
    """The little of MetricFlow's `SqlClient` that rendering needs."""

    sql_engine_type = SqlEngine.DUCKDB
    sql_plan_renderer = DuckDbSqlPlanRenderer()

    def render_bind_parameter_key(self, bind_parameter_key: str) -> str:
        return f"${bind_parameter_key}"


def _describe(item: Dimension | Entity) -> DimensionInfo:
    if isinstance(item, Entity):
        return DimensionInfo(item.name, "entity", None, item.description)
    name = METRIC_TIME if item.name == METRIC_TIME else item.granularity_free_dunder_name
    if item.type.value != "time":
        return DimensionInfo(name, "categorical", item.label, item.description)
    return DimensionInfo(name, "time", item.label, item.description, _grains_from(item.type_params))


def _grains_from(type_params: Any) -> tuple[Grain, ...]:
    finest = type_params.time_granularity.value
    return GRAINS[GRAINS.index(finest) :] if finest in GRAINS else GRAINS


def _published_names(semantic_manifest_json: str) -> str:
    """The manifest with every relation named as releases name it, `marts.<table>`."""
    manifest = json.loads(semantic_manifest_json)
    for relation in _relations(manifest):
        relation |= {
            "database": None,
            "schema_name": "marts",
            "relation_name": f"marts.{relation['alias']}",
        }
    return json.dumps(manifest)


def _relations(manifest: dict[str, Any]) -> Iterable[dict[str, Any]]:
    for model in manifest["semantic_models"]:
        yield model["node_relation"]
    for spine in manifest["project_configuration"]["time_spines"]:
        yield spine["node_relation"]

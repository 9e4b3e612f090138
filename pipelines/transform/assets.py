"""dbt models as assets in two halves: before the models of ``ml`` and after them (``tag:predicted``)."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DagsterDbtTranslatorSettings, dbt_assets
from dagster_dbt.asset_utils import get_asset_check_key_for_test

from pipelines.progress import say
from pipelines.transform import project, warehouse_state
from warehouse import duck
from warehouse.landing import Landing
from warehouse.settings import Home

HOME = Home()
MANIFEST = project.manifest(HOME.root)


class BuildConfig(dg.Config):
    """``full_refresh`` rebuilds every table from the landing zone."""

    full_refresh: bool = False


class Translator(DagsterDbtTranslator):
    """Keys are schema and name; groups are the schemas; owners stand in each model's ``meta.owner``."""

    def __init__(self) -> None:
        super().__init__(DagsterDbtTranslatorSettings(enable_asset_checks=True))

    def get_asset_key(self, dbt_resource_props: Mapping[str, Any]) -> dg.AssetKey:
        if dbt_resource_props["resource_type"] == "source":
            return dg.AssetKey([dbt_resource_props["source_name"], dbt_resource_props["name"]])
        return dg.AssetKey([dbt_resource_props["schema"], dbt_resource_props["name"]])

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str | None:
        return str(dbt_resource_props.get("schema") or "transform")

    def get_owners(self, dbt_resource_props: Mapping[str, Any]) -> list[str]:
        owner = (dbt_resource_props.get("config", {}).get("meta") or {}).get("owner")
        return [owner if "@" in owner else f"team:{owner}"] if owner else []


TRANSLATOR = Translator()


def _select(context: dg.AssetExecutionContext, base: list[str]) -> list[str]:
    """dbt's selection: the whole half, or the models of a subset run."""
    if not context.is_subset:
        return base
    by_key = {
        TRANSLATOR.get_asset_key(node): node["name"]
        for node in MANIFEST["nodes"].values()
        if node["resource_type"] in ("model", "seed", "snapshot")
    }
    return ["--select", *[by_key[key] for key in context.selected_asset_keys if key in by_key]]


def _build(context: dg.AssetExecutionContext, base: list[str], *, full: bool) -> Iterator[Any]:
    """Run dbt, then tell Dagster of each model with its checks; fails after telling what succeeded."""
    arguments = ["build", *_select(context, base), "--exclude-resource-type", "unit_test"]
    result = project.invoke(
        HOME, [*arguments, *(["--full-refresh"] if full else [])], manifest=project.parsed(HOME.root)
    )
    counts = warehouse_state.row_counts(HOME)
    checks: dict[dg.AssetKey, list[dg.AssetCheckResult]] = {}
    models: list[tuple[Mapping[str, Any], Any]] = []
    failures: list[str] = []
    for outcome in getattr(result.result, "results", []) or []:
        node = MANIFEST["nodes"].get(outcome.node.unique_id)
        if node is None:
            continue
        good = str(outcome.status) in ("success", "pass")
        if node["resource_type"] == "test":
            key = get_asset_check_key_for_test(MANIFEST, TRANSLATOR, outcome.node.unique_id, None)
            severe = (node.get("config", {}).get("severity") or "error").lower() == "error"
            if key and key in context.selected_asset_check_keys:
                checks.setdefault(key.asset_key, []).append(
                    dg.AssetCheckResult(
                        passed=good,
                        asset_key=key.asset_key,
                        check_name=key.name,
                        severity=dg.AssetCheckSeverity.ERROR if severe else dg.AssetCheckSeverity.WARN,
                        metadata={"failures": outcome.failures or 0, "message": outcome.message or ""},
                    )
                )
            good = good or not severe
        elif node["resource_type"] == "model" and good:
            models.append((node, outcome))
        if not good and str(outcome.status) != "skipped":
            failures.append(f"{node['name']}: {outcome.message or outcome.status}")
    say(f"dbt: {len(models)} models, {sum(map(len, checks.values()))} tests, {len(failures)} failures")
    told: set[dg.AssetKey] = set()
    for node, outcome in models:
        key = TRANSLATOR.get_asset_key(node)
        if key not in context.selected_asset_keys:
            continue
        metadata: dict[str, Any] = {"seconds": round(outcome.execution_time, 3)}
        rows = counts.get(f"{node['schema']}.{node['name']}")
        if rows is not None:
            metadata["dagster/row_count"] = rows
        told.add(key)
        yield dg.MaterializeResult(asset_key=key, metadata=metadata, check_results=checks.pop(key, []))
    for key, results in checks.items():
        if key not in told:
            yield from results
    if failures:
        raise dg.Failure(f"{len(failures)} of dbt's models and tests failed: " + "; ".join(failures[:5]))


@dbt_assets(
    manifest=MANIFEST,
    exclude="tag:predicted",
    name="models_before",
    dagster_dbt_translator=TRANSLATOR,
    pool="warehouse",
)
def models_before(context: dg.AssetExecutionContext, config: BuildConfig) -> Iterator[Any]:
    """Staging, facts, marts and features from what has landed."""
    with duck.turn(HOME):
        loads = Landing(HOME).live()
        full = warehouse_state.prepare(HOME, full_refresh=config.full_refresh)
        yield from _build(context, ["--exclude", "tag:predicted"], full=full)
        if not context.is_subset:
            warehouse_state.mark_built(HOME, loads)


@dbt_assets(
    manifest=MANIFEST,
    select="tag:predicted",
    name="models_after",
    dagster_dbt_translator=TRANSLATOR,
    pool="warehouse",
)
def models_after(context: dg.AssetExecutionContext) -> Iterator[Any]:
    """Marts that rest on predictions."""
    with duck.turn(HOME):
        yield from _build(context, ["--select", "tag:predicted"], full=False)


def semantic_manifest() -> str:
    """The semantic layer as JSON, for the release."""
    path = project.prepare(HOME).with_name("semantic_manifest.json")
    return json.dumps(json.loads(path.read_text()))

"""dbt models as assets in two halves: before the models of ``ml`` and after them (``tag:predicted``)."""

import json
from collections.abc import Iterator, Mapping
from graphlib import TopologicalSorter
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DagsterDbtTranslatorSettings, dbt_assets
from dagster_dbt.asset_utils import get_asset_check_key_for_test

from pipelines.progress import say
from pipelines.transform import project, warehouse_state
from pipelines.transform.needed import PREDICTED, Needed, identity, needed
from warehouse import duck
from warehouse.landing import Landing
from warehouse.settings import Home

HOME = Home()
MANIFEST = project.manifest(HOME.root)
IDENTITY = identity(MANIFEST)
ORDER = tuple(TopologicalSorter(MANIFEST["parent_map"]).static_order())


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


def _select(context: dg.AssetExecutionContext, half: list[str], todo: Needed | None) -> list[str]:
    """dbt's selection: the models of a subset run, what an increment needs, or the whole half."""
    if context.is_subset:
        by_key = {
            TRANSLATOR.get_asset_key(node): node["name"]
            for node in MANIFEST["nodes"].values()
            if node["resource_type"] in ("model", "seed", "snapshot")
        }
        return ["--select", *[by_key[key] for key in context.selected_asset_keys if key in by_key]]
    if todo is not None:
        return todo.selection
    return half


def _run(arguments: list[str]) -> list[Any]:
    """What became of every node."""
    built = project.invoke(
        HOME,
        ["build", *arguments, "--exclude-resource-type", "unit_test"],
        manifest=project.parsed(HOME.root),
    )
    return getattr(built.result, "results", []) or []


def _is_severe(test: Mapping[str, Any]) -> bool:
    return (test["config"].get("severity") or "error").lower() == "error"


def _still_passes(key: dg.AssetCheckKey) -> dg.AssetCheckResult:
    """A severe test whose tables are those of the last build, which counts as built only because it passed."""
    return dg.AssetCheckResult(
        passed=True, asset_key=key.asset_key, check_name=key.name, metadata={"kept": True}
    )


def _execution_s(outcome: Any) -> float:
    """Seconds of a model's execution, without the rendering of its SQL."""
    return sum(
        (phase.completed_at - phase.started_at).total_seconds()
        for phase in outcome.timing
        if phase.name == "execute"
    )


def _build(
    context: dg.AssetExecutionContext, half: list[str], *, full: bool = False, todo: Needed | None = None
) -> Iterator[Any]:
    """Run dbt, then tell Dagster of each model with its checks; fails after telling what succeeded.

    A model that an increment left as it is counts as made: what it says is up to date, and others go on from it.
    """
    nothing_to_do = todo is not None and not todo.names and not context.is_subset
    arguments = [*_select(context, half, todo), *(["--full-refresh"] if full else [])]
    outcomes = [] if nothing_to_do else _run(arguments)
    counts = warehouse_state.row_counts(HOME)
    checks: dict[dg.AssetKey, list[dg.AssetCheckResult]] = {}
    made: dict[str, dict[str, Any]] = {}
    failures: list[str] = []
    for outcome in outcomes:
        node = MANIFEST["nodes"].get(outcome.node.unique_id)
        if node is None:
            continue
        good = str(outcome.status) in ("success", "pass")
        if node["resource_type"] == "test":
            key = get_asset_check_key_for_test(MANIFEST, TRANSLATOR, outcome.node.unique_id, None)
            severe = _is_severe(node)
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
            made[outcome.node.unique_id] = {"seconds": round(_execution_s(outcome), 3)}
        if not good and str(outcome.status) != "skipped":
            failures.append(f"{node['name']}: {outcome.message or outcome.status}")
    say(f"dbt: {len(made)} models, {sum(map(len, checks.values()))} tests, {len(failures)} failures")
    if todo is not None and not context.is_subset:
        made |= {unique_id: {"seconds": 0.0, "kept": True} for unique_id in todo.kept}
        for unique_id in todo.kept_tests:
            key = get_asset_check_key_for_test(MANIFEST, TRANSLATOR, unique_id, None)
            if key and key in context.selected_asset_check_keys and _is_severe(MANIFEST["nodes"][unique_id]):
                checks.setdefault(key.asset_key, []).append(_still_passes(key))
    for unique_id in ORDER:  # Dagster hears of a model after those that it reads
        if unique_id not in made:
            continue
        metadata = made[unique_id]
        node = MANIFEST["nodes"][unique_id]
        key = TRANSLATOR.get_asset_key(node)
        rows = counts.get(f"{node['schema']}.{node['name']}")
        if rows is not None:
            metadata["dagster/row_count"] = rows
        if key in context.selected_asset_keys:
            yield dg.MaterializeResult(asset_key=key, metadata=metadata, check_results=checks.pop(key, []))
    for results in checks.values():
        yield from results
    if failures:
        failures.sort(key=duck.is_damage, reverse=True)  # the cause first
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
        work = warehouse_state.prepare(HOME, project=IDENTITY, full_refresh=config.full_refresh)
        todo = None if work.full else needed(MANIFEST, work.changed)
        yield from _build(context, ["--exclude", f"tag:{PREDICTED}"], full=work.full, todo=todo)
        if not context.is_subset:
            warehouse_state.mark_built(HOME, loads, project=IDENTITY)


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
        yield from _build(context, ["--select", f"tag:{PREDICTED}"])


def semantic_manifest() -> str:
    """The semantic layer as JSON, for the release."""
    path = project.prepare(HOME).with_name("semantic_manifest.json")
    return json.dumps(json.loads(path.read_text()))

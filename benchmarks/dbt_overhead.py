"""The dbt half of a run through Dagster, checks on, beside a bare ``dbt build`` of the same models and tests."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks import processes
from benchmarks.common import Bar, Options, Result, interleave
from benchmarks.homes import finished_home
from benchmarks.processes import Sample
from pipelines import instance
from pipelines.transform import project, warehouse_state
from serve.kernel import bootstrap, migrate
from warehouse.postgres import database
from warehouse.settings import Home

BARE, OURS = "dbt build", "Dagster + dbt"
FLAGS = [
    "--quiet",
    "--log-level-file",
    "none",
    "--no-use-colors",
]  # as ours: logs cost, and we don't profit from it


def measure(options: Options) -> Result:
    """Whole processes, start included; both rebuild everything from the same warehouse file."""
    result = Result("dbt_overhead", "full refresh of all models and tests, whole process", limit=BARE)
    with finished_home(options) as source, twin(source) as (home, env):
        warehouse_state.prepare(home, project="of the benchmark", full_refresh=True)
        before = home.root / "before.duckdb"
        shutil.copyfile(home.warehouse_file, before)
        rows: dict[str, dict[str, int]] = {}
        variants = {
            BARE: partial(_from, before, home, rows, partial(bare, env)),
            OURS: partial(_from, before, home, rows, partial(ours, env)),
        }
        for variant in variants.values():
            variant()  # so that every timed run finds the parsed project and warm files
        interleave(result, variants, rounds=options.rounds or (1 if options.quick else 3))
    result.facts = {"tables": len(rows["built"]), "rows": sum(rows["built"].values())}
    result.bars = [Bar("Dagster + dbt, times a bare dbt build", result.ratio(OURS, BARE), most=1.6)]
    return result


@contextmanager
def twin(source: Home) -> Iterator[tuple[Home, dict[str, str]]]:
    """A home with the source's landing and warehouse and a Dagster instance of its own; the source is only read."""
    with tempfile.TemporaryDirectory(prefix="bench-dbt-", ignore_cleanup_errors=True) as folder:
        home = Home(folder).create()
        shutil.copytree(source.landing, home.landing, dirs_exist_ok=True)
        shutil.copyfile(source.warehouse_file, home.warehouse_file)
        os.environ.pop("DATABASE_URL", None)  # Dagster's tables go into a store of their own
        with database(home) as address:
            bootstrap.ensure_database(address)
            migrate.upgrade(address)
            env = instance.environment(home, address) | project.environment(home)
            processes.run([sys.executable, "-m", "pipelines", "instance"], env=env)
            yield home, env


def _from(before: Path, home: Home, rows: dict[str, dict[str, int]], build: partial[Sample]) -> Sample:
    """Build from the kept state; every build must end with the same tables. Raises AssertionError."""
    home.warehouse_file.with_name("warehouse.duckdb.wal").unlink(missing_ok=True)
    shutil.copyfile(before, home.warehouse_file)
    sample = build()
    built = warehouse_state.row_counts(home)
    built = {name: count for name, count in built.items() if not name.startswith(("meta.", "ml."))}
    if rows.setdefault("built", built) != built:
        raise AssertionError("the two ways built different tables")
    return sample


def bare(env: dict[str, str]) -> Sample:
    dbt = Path(sys.executable).with_name("dbt")
    words = [*FLAGS, "build", "--full-refresh", "--exclude-resource-type", "unit_test"]
    return processes.run([dbt, *words], env=env)


def ours(env: dict[str, str]) -> Sample:
    return processes.call("benchmarks.dbt_overhead:build_with_dagster", env=env)


def build_with_dagster() -> dict[str, Any]:
    """In a process of its own: the two dbt assets as the line runs them, recorded in Dagster."""
    import dagster as dg

    from pipelines.transform.assets import models_after, models_before

    config = {
        "loggers": {"console": {"config": {"log_level": "CRITICAL"}}},
        "ops": {"models_before": {"config": {"full_refresh": True}}},
    }
    with dg.DagsterInstance.get() as dagster:
        result = dg.materialize([models_before, models_after], instance=dagster, run_config=config)
    checks = result.get_asset_check_evaluations()
    return {"models": len(result.get_asset_materialization_events()), "checks": len(checks)}

"""A home of its own for a benchmark: migrated store, demo business, runs of the line as a user starts them."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from benchmarks import processes
from benchmarks.common import Options, console
from benchmarks.processes import Sample
from serve.kernel import bootstrap, migrate
from warehouse.postgres import Address, database, running
from warehouse.settings import Home, read_json

SEED = 2
DBT_STEPS = ("models_before", "models_after")


@dataclass(frozen=True)
class DemoHome:
    """The home while its database runs."""

    home: Home
    address: Address
    size: str
    until: date
    load_s: float

    @property
    def env(self) -> dict[str, str]:
        return {"THROUGHLINE_HOME": str(self.home.root), "DBT_SEND_ANONYMOUS_USAGE_STATS": "false"}

    def line(self, *, dbt_threads: int = 2) -> Sample:
        """One run of the line; facts are the seconds of each stage and of dbt's models. Raises VariantFailed."""
        server = read_json(self.home.run_file)["postgres"]["pid"]
        command = [sys.executable, "-m", "pipelines", "run"]
        env = self.env | {"THROUGHLINE_DBT_THREADS": str(dbt_threads)}
        sample = processes.run(command, env=env, also_watch=[server])
        stages = processes.call("benchmarks.homes:last_run", env=self.env, home=self.home.root)
        return Sample(sample.seconds, sample.peak_mb, stages.facts)

    def live_on(self, share: float) -> dict[str, tuple[int, int]]:
        """Let the business live on for that share of its history; rows added and changed by table."""
        from pipelines.demo import Size, extend, simulate

        return extend(self.address.url("super"), simulate(Size(self.size), SEED, until=self.until), share)


@contextmanager
def demo_home(size: str) -> Iterator[DemoHome]:
    """A fresh home with the demo of that size; gone after the block."""
    until = datetime.now(UTC).date() - timedelta(days=1)
    with tempfile.TemporaryDirectory(prefix="bench-home-", ignore_cleanup_errors=True) as folder:
        home = Home(folder).create()
        os.environ.pop("DATABASE_URL", None)  # a benchmark fills and changes its store: never somebody's own
        with database(home) as address:
            bootstrap.ensure_database(address)
            migrate.upgrade(address)
            env = {"THROUGHLINE_HOME": str(home.root)}
            console.print(f"  loading the demo, size {size}", style="dim")
            began = time.perf_counter()
            words = ["demo", "load", "--size", size, "--seed", str(SEED)]
            processes.run([sys.executable, "-m", "pipelines", *words], env=env)
            load_s = time.perf_counter() - began
            processes.run([sys.executable, "-m", "pipelines", "instance"], env=env)
            yield DemoHome(home, address, size, until, load_s)


@contextmanager
def finished_home(options: Options) -> Iterator[Home]:
    """The home named on the command line, or a fresh one after a first run of the line."""
    if options.home:
        yield Home(options.home)
        return
    with demo_home(chosen_size(options)) as demo:
        console.print("  first run of the line", style="dim")
        demo.line()
        yield demo.home


def chosen_size(options: Options) -> str:
    return options.size or ("tiny" if options.quick else "small")


def last_run(home: str) -> dict[str, Any]:
    """In a process of its own: what Dagster recorded of the newest run."""
    import dagster as dg

    from pipelines import instance

    place = Home(home)
    address = running(place)
    assert address is not None
    instance.enter(place, address)
    with dg.DagsterInstance.get() as dagster:
        (run,) = dagster.get_run_records(limit=1)
        run_id = run.dagster_run.run_id
        stats = dagster.get_run_step_stats(run_id)
        steps = {step.step_key: step.end_time - step.start_time for step in stats if step.end_time}
        logs = dagster.all_logs(run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION)
        told = [entry.dagster_event.step_materialization_data.materialization for entry in logs]
    models_s = _values(told, "seconds")
    return {
        "seconds": 0.0,
        "steps": steps,
        "extract_s": max(_values(told, "extract_s"), default=0.0),
        "models_s": sum(models_s),
        "model_count": sum(seconds > 0 for seconds in models_s),
        "rows_read": int(sum(_values(told, "rows_read"))),
    }


def _values(told: Iterable[Any], name: str) -> list[float]:
    return [float(entry.metadata[name].value) for entry in told if name in entry.metadata]

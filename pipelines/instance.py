"""Dagster's environment: where its instance keeps runs, events, logs and artifacts."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import psutil
import psycopg
from sqlalchemy.engine import make_url

from warehouse.postgres import Address, alive
from warehouse.settings import PROJECT, Home

if TYPE_CHECKING:
    from dagster import DagsterInstance, DagsterRun

SCHEMA = "dagster"
PROCESS_TAG = "throughline/process"  # pid and start time of the command line that a run executes in


def environment(home: Home, address: Address) -> dict[str, str]:
    """The variables that ``dagster.yaml`` and every Dagster process need."""
    url = make_url(address.url("owner", driver="postgresql+psycopg2"))
    url = url.update_query_dict({"options": f"-csearch_path={SCHEMA}"})
    return {
        "DAGSTER_HOME": str(PROJECT),
        "DAGSTER_DISABLE_TELEMETRY": "true",
        "THROUGHLINE_HOME": str(home.root),
        "THROUGHLINE_DAGSTER_URL": url.render_as_string(hide_password=False),
        "THROUGHLINE_DAGSTER_LOGS": str(home.dagster / "logs"),
        "THROUGHLINE_DAGSTER_ARTIFACTS": str(home.dagster / "artifacts"),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    }


def enter(home: Home, address: Address) -> None:
    """Make this process part of the instance; the schema for its tables is made when it is missing."""
    with psycopg.connect(address.url("owner")) as connection:
        connection.execute(f"create schema if not exists {SCHEMA}")
    os.environ.update(environment(home, address))


def process_tag() -> dict[str, str]:
    """The tag by which a run of this process is known when the process is gone."""
    return {PROCESS_TAG: f"{os.getpid()} {psutil.Process().create_time()}"}


def prepare() -> None:
    """Make or upgrade Dagster's tables; end the runs of processes that are gone and free their slots."""
    from dagster import DagsterInstance

    with DagsterInstance.get() as dagster:
        dagster.upgrade()
        for run in _unfinished(dagster):
            dagster.report_run_failed(run, "its process ended without a word; the platform was restarted")
        _free_slots(dagster)


def end_abandoned(dagster: DagsterInstance, *, launched: bool = False) -> int:
    """End the runs of command lines that were killed; returns how many.

    Nobody monitors them, and the slots they hold in Dagster's pools would make every later run wait for ever.
    ``launched``: also end every run that a code server launched. For a code server that starts: the one before is dead.
    """
    gone = [run for run in _unfinished(dagster) if _is_gone(run, launched=launched)]
    for run in gone:
        dagster.report_run_failed(run, "its process ended without a word")
    _free_slots(dagster)
    return len(gone)


def after_a_code_server() -> None:
    """End what the code server before this one was running when it died."""
    from dagster import DagsterInstance

    with DagsterInstance.get() as dagster:
        end_abandoned(dagster, launched=True)


def _is_gone(run: DagsterRun, *, launched: bool) -> bool:
    if PROCESS_TAG not in run.tags:
        return launched
    pid, started = run.tags[PROCESS_TAG].split()
    return not alive(int(pid), float(started))


def _unfinished(dagster: DagsterInstance) -> list[DagsterRun]:
    from dagster import DagsterRunStatus, RunsFilter

    statuses = [DagsterRunStatus.STARTED, DagsterRunStatus.STARTING, DagsterRunStatus.CANCELING]
    return list(dagster.get_runs(RunsFilter(statuses=statuses)))


def _free_slots(dagster: DagsterInstance) -> None:
    """Free the slots of runs that have ended, in whatever way."""
    storage = dagster.event_log_storage
    for run_id in storage.get_concurrency_run_ids():
        run = dagster.get_run_by_id(run_id)
        if run is None or run.is_finished:
            storage.free_concurrency_slots_for_run(run_id)

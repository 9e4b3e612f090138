"""Dagster's environment: where its instance keeps runs, events, logs and artifacts."""

from __future__ import annotations

import os

import psycopg
from sqlalchemy.engine import make_url

from warehouse.postgres import Address
from warehouse.settings import PROJECT, Home

SCHEMA = "dagster"


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


def prepare() -> None:
    """Make or upgrade Dagster's tables; end the runs of processes that are gone and free their slots."""
    from dagster import DagsterInstance, DagsterRunStatus, RunsFilter

    with DagsterInstance.get() as dagster:
        dagster.upgrade()
        unfinished = [DagsterRunStatus.STARTED, DagsterRunStatus.STARTING, DagsterRunStatus.CANCELING]
        for run in dagster.get_runs(RunsFilter(statuses=unfinished)):
            dagster.report_run_failed(run, "its process ended without a word; the platform was restarted")
            dagster.event_log_storage.free_concurrency_slots_for_run(run.run_id)

"""What starts a run besides the clock, and what is told when something goes wrong."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg
import psycopg

from pipelines.instance import end_abandoned
from pipelines.learn.assets import NAMES
from pipelines.schedule.jobs import LINE, erase
from pipelines.sources.sensor import drop_folder
from warehouse.landing import Landing
from warehouse.postgres import running
from warehouse.settings import Home

REQUEST_TAG = "throughline/request"
STALE_AFTER = timedelta(hours=3)  # the hourly run may fail twice before anybody is told


def _store(home: Home) -> psycopg.Connection[Any] | None:
    """The operational store as the worker, or None while it is down: a sensor then waits for its next tick."""
    address = running(home)
    return psycopg.connect(address.url("worker"), autocommit=True) if address else None


@dg.sensor(jobs=[LINE, erase], minimum_interval_seconds=10, default_status=dg.DefaultSensorStatus.RUNNING)
def pipeline_requests(context: dg.SensorEvaluationContext) -> Iterator[dg.RunRequest | dg.SkipReason]:
    """Run what the API asked for: refresh, or train first, or erase."""
    connection = _store(Home())
    if connection is None:
        yield dg.SkipReason("the operational store does not answer")
        return
    with connection:
        queued = connection.execute(
            "select id, kind from pipeline_requests where status = 'queued' order by requested_at limit 20"
        ).fetchall()
        for request, kind in queued:
            train = "all" if kind == "train" else "missing"
            yield dg.RunRequest(
                job_name=(erase if kind == "erase" else LINE).name,
                run_key=str(request),
                tags={REQUEST_TAG: str(request)},
                run_config={}
                if kind == "erase"
                else {"ops": {name: {"config": {"train": train}} for name in NAMES}},
            )
            connection.execute(
                "update pipeline_requests set status = 'running', started_at = now() where id = %s", [request]
            )


def _finish(run: dg.DagsterRun, status: str, error: str | None) -> None:
    """Write a run's outcome back to the request that asked for it."""
    request = run.tags.get(REQUEST_TAG)
    connection = _store(Home()) if request else None
    if connection is None:
        return
    with connection:
        connection.execute(
            "update pipeline_requests set status = %s, finished_at = now(), run_id = %s, error = %s where id = %s",
            [status, run.run_id, error, request],
        )


@dg.run_status_sensor(run_status=dg.DagsterRunStatus.SUCCESS, default_status=dg.DefaultSensorStatus.RUNNING)
def finished_run(context: dg.RunStatusSensorContext) -> None:
    """A request whose run succeeded is done."""
    _finish(context.dagster_run, "done", None)


@dg.run_failure_sensor(default_status=dg.DefaultSensorStatus.RUNNING)
def failed_run(context: dg.RunFailureSensorContext) -> None:
    """A failed run changes no answer (the last good release stays), but somebody must know."""
    message = context.failure_event.message or "the run failed"
    _finish(context.dagster_run, "failed", message)
    alert(Home(), "failed_run", f"{context.dagster_run.job_name} {context.dagster_run.run_id[:8]}: {message}")


@dg.sensor(minimum_interval_seconds=300, default_status=dg.DefaultSensorStatus.RUNNING)
def stale_source(context: dg.SensorEvaluationContext) -> dg.SkipReason:
    """Tell once when a source has not been read for too long, and again after it was read and went stale anew."""
    runs = context.instance.get_run_records(
        dg.RunsFilter(job_name=LINE.name, statuses=[dg.DagsterRunStatus.SUCCESS]), limit=1
    )
    last = runs[0].end_time if runs else None
    if last is None:
        return dg.SkipReason("no run of the line has succeeded yet")
    age = datetime.now(UTC) - datetime.fromtimestamp(last, UTC)
    if age < STALE_AFTER:
        return dg.SkipReason(f"read {age.total_seconds() / 60:.0f} minutes ago")
    if context.cursor != str(last):
        context.update_cursor(str(last))
        loads = len(Landing(Home()).loads())
        alert(
            Home(),
            "stale_source",
            f"no run of the line has succeeded for {age}; {loads} loads have landed so far",
        )
    return dg.SkipReason(f"stale for {age}")


@dg.sensor(minimum_interval_seconds=30, default_status=dg.DefaultSensorStatus.RUNNING)
def abandoned_runs(context: dg.SensorEvaluationContext) -> dg.SkipReason:
    """End runs whose command line was killed, before a scheduled run waits for the slots they hold."""
    return dg.SkipReason(f"{end_abandoned(context.instance)} runs were abandoned")


def alert(home: Home, kind: str, text: str) -> None:
    """One line in ``logs/alerts.jsonl``; ``throughline doctor`` shows the latest."""
    line = json.dumps({"at": datetime.now(UTC).isoformat(), "kind": kind, "text": text})
    with (home.logs / "alerts.jsonl").open("a") as file:
        file.write(line + "\n")


ALL = [drop_folder, pipeline_requests, finished_run, failed_run, abandoned_runs, stale_source]

"""One run of the line in this process: the job that the schedule starts, with progress for the person who waits."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import dagster as dg

from pipelines import instance
from pipelines.progress import say


def run_line(*, sources: Path | None, full_refresh: bool, full: bool, train: str) -> bool:
    """Execute the ``line`` job; returns whether everything succeeded."""
    say("reading the definitions")
    warnings.simplefilter(
        "ignore", dg.BetaWarning
    )  # the backfill policy is stable enough for what we ask of it
    from pipelines.definitions import defs
    from pipelines.learn.assets import NAMES

    config: dict[str, Any] = {
        "loggers": {"console": {"config": {"log_level": "CRITICAL"}}},
        "ops": {
            "sources__files": {"config": {"folder": str(sources) if sources else None}},
            "operational": {"config": {"full": full}},
            "models_before": {"config": {"full_refresh": full_refresh}},
            **{name: {"config": {"train": train}} for name in NAMES},
        },
    }
    job = defs.resolve_job_def("line")
    with dg.DagsterInstance.get() as dagster:
        instance.end_abandoned(dagster)
        result = job.execute_in_process(
            instance=dagster, run_config=config, raise_on_error=False, tags=instance.process_tag()
        )
    for event in result.all_events:
        if event.is_step_failure:
            error = event.step_failure_data.error
            cause = error.cause or error if error else None  # Dagster's own words wrap what really happened
            say(f"failed: {event.step_key}: {cause.message.strip() if cause else 'unknown'}")
    say(f"run {result.run_id[:8]} {'succeeded' if result.success else 'FAILED'}")
    return result.success

"""Starts the line when files have settled in the drop folder."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator

import dagster as dg

from pipelines.sources.drop import dropped
from warehouse.settings import Home

HOME = Home()


def sightings(home: Home) -> dict[str, list[int]]:
    """Size and time of change of every file in the drop folder."""
    seen: dict[str, list[int]] = {}
    for path in dropped(home):
        try:
            stat = path.stat()
        except FileNotFoundError:  # taken by a run since it was listed
            continue
        seen[str(path.relative_to(home.drop))] = [stat.st_size, stat.st_mtime_ns]
    return seen


@dg.sensor(
    job_name="line",
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Runs the line when a file lies in the drop folder and did not change between two looks.",
)
def drop_folder(context: dg.SensorEvaluationContext) -> Iterator[dg.RunRequest | dg.SkipReason]:
    """One run for the same files, however often they are seen."""
    before = json.loads(context.cursor or "{}")
    now = sightings(HOME)
    context.update_cursor(json.dumps(now))
    settled = {name: stamp for name, stamp in now.items() if before.get(name) == stamp}
    if not now:
        yield dg.SkipReason("The drop folder is empty.")
    elif not settled:
        yield dg.SkipReason(f"Waiting until nobody writes to {', '.join(sorted(now))}.")
    else:
        key = hashlib.sha256(json.dumps(settled, sort_keys=True).encode()).hexdigest()[:16]
        yield dg.RunRequest(run_key=f"drop-{key}")

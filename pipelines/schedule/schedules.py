"""Named rhythms, each with its reason."""

import dagster as dg

from pipelines.schedule.jobs import LINE


def _config(train: str) -> dict[str, object]:
    from pipelines.learn.assets import NAMES

    return {"ops": {name: {"config": {"train": train}} for name in NAMES}}


# Dashboards promise answers not older than an hour or so; an increment takes seconds.
HOURLY = dg.ScheduleDefinition(
    name="hourly",
    job=LINE,
    cron_schedule="5 * * * *",
    run_config=lambda _: _config("missing"),
    default_status=dg.DefaultScheduleStatus.RUNNING,
)

# A day of new outcomes is the least that can change a model; nights are quiet.
NIGHTLY = dg.ScheduleDefinition(
    name="nightly_training",
    job=LINE,
    cron_schedule="35 2 * * *",
    run_config=lambda _: _config("all"),
    default_status=dg.DefaultScheduleStatus.RUNNING,
)

ALL = [HOURLY, NIGHTLY]

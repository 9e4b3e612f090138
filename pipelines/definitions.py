"""Everything Dagster knows of us, as a table of contents."""

import dagster as dg

from pipelines.ingest import assets as ingest
from pipelines.learn import assets as learn
from pipelines.match import assets as match
from pipelines.publish import assets as publish
from pipelines.schedule import jobs, schedules, sensors
from pipelines.sources import assets as sources
from pipelines.transform import assets as transform

defs = dg.Definitions(
    assets=[
        sources.files,
        ingest.operational,
        ingest.telemetry_days,
        transform.models_before,
        *learn.QUESTION_ASSETS,
        learn.model_cards,
        transform.models_after,
        publish.release,
        publish.write_back,
        match.person_links,
    ],
    jobs=jobs.ALL,
    schedules=schedules.ALL,
    sensors=sensors.ALL,
    executor=dg.in_process_executor,
)

"""The line as one job: what changed comes in, what follows from it goes out."""

import dagster as dg

LINE = dg.define_asset_job(
    "line",
    selection=dg.AssetSelection.all() - dg.AssetSelection.assets(["landing", "telemetry_days"]),
    description="Ingest, transform, learn what is due, publish, write back.",
    executor_def=dg.in_process_executor,
)

ALL = [LINE]

"""The line as one job: what changed comes in, what follows from it goes out."""

import dagster as dg

from pipelines.ingest.erasing import erase_requested
from warehouse.postgres import database
from warehouse.settings import Home

LINE = dg.define_asset_job(
    "line",
    selection=dg.AssetSelection.all() - dg.AssetSelection.assets(["landing", "telemetry_days"]),
    description="Ingest, transform, learn what is due, publish, write back.",
    executor_def=dg.in_process_executor,
)


@dg.op
def erase_people(context: dg.OpExecutionContext) -> None:
    """What the service has erased leaves the landing zone and the warehouse."""
    home = Home()
    with database(home) as address:
        done = erase_requested(home, address, run_id=context.run_id)
    context.log.info(f"{done} requests to erase carried out")


@dg.job(executor_def=dg.in_process_executor)
def erase() -> None:
    """Carries out every open request of the kind ``erase``."""
    erase_people()


ALL = [LINE, erase]

"""Ingest as assets: one per landing table, each with the check that nothing was lost between source and landing."""

import time
import uuid
from collections.abc import Iterator

import dagster as dg

from pipelines.ingest.operational import SOURCE, extract, extract_days
from pipelines.ingest.upkeep import archive_telemetry, ensure_partitions
from pipelines.progress import Counter, say
from warehouse.contracts import load_contracts
from warehouse.landing import Landing, Load
from warehouse.postgres import database
from warehouse.settings import Home

HOME = Home()
CONTRACTS = load_contracts()
CHECK = "source_is_landed_plus_quarantined"


class IngestConfig(dg.Config):
    """``full`` reads every row again instead of what changed."""

    full: bool = False


@dg.multi_asset(
    name="operational",
    specs=[
        dg.AssetSpec(
            ["landing", name],
            deps=[["sources", "files"]],  # a table's view holds the rows of every source: files first
            group_name="ingest",
            description=f"Rows of `{name}` as they landed: every version, tombstones included.",
            owners=["team:data"],
            kinds={"postgres", "parquet"},
        )
        for name in CONTRACTS
    ],
    check_specs=[
        dg.AssetCheckSpec(
            CHECK, asset=["landing", name], description="Rows read = landed + quarantined, to the row."
        )
        for name in CONTRACTS
    ],
    can_subset=True,
)
def operational(context: dg.AssetExecutionContext, config: IngestConfig) -> Iterator[dg.MaterializeResult]:
    """Land what changed in PostgreSQL since the last run."""
    chosen = {key.path[-1] for key in context.selected_asset_keys}
    landing = Landing(HOME)
    counter = Counter("landed")
    with database(HOME) as address, landing.writer(context.run_id or uuid.uuid4().hex) as writer:
        ensure_partitions(address)
        for damage in landing.verify(
            [load for load in landing.live() if load.source == SOURCE], contents=False
        ):
            context.log.warning(f"{damage.path}: {damage.problem}; its table is read in full again")
            landing.retire(damage)
        contracts = {name: contract for name, contract in CONTRACTS.items() if name in chosen}
        began = time.perf_counter()
        loads = extract(address, writer, contracts, full=config.full, progress=counter.add)
        extract_s = time.perf_counter() - began
        for name in archive_telemetry(address, landing) if "telemetry" in chosen else ():
            context.log.info(f"readings that are old and have landed left the table: {name}")
    counter.end()
    quarantined = sum(load.rows_quarantined for load in loads)
    if quarantined:
        say(f"quarantined: {quarantined:,} rows; reasons are in the manifests and in the Dagster run")
    by_table = {load.table: load for load in loads}
    for name in contracts:
        yield result(name, by_table.get(name), extract_s)


def result(table: str, load: Load | None, extract_s: float) -> dg.MaterializeResult:
    """What Dagster shows of a load; a table without news has zero rows of everything.

    ``extract_s``: of all tables together, which are read side by side.
    """
    read, landed, bad = (load.rows_read, load.rows_landed, load.rows_quarantined) if load else (0, 0, 0)
    return dg.MaterializeResult(
        asset_key=["landing", table],
        metadata={
            "dagster/row_count": landed,
            "rows_read": read,
            "rows_quarantined": bad,
            "reasons": dg.MetadataValue.json(dict(load.reasons) if load else {}),
            "load": load.number if load else 0,
            "extract_s": round(extract_s, 3),
            "mode": load.mode if load else "nothing new",
        },
        check_results=[
            dg.AssetCheckResult(
                passed=read == landed + bad,
                asset_key=["landing", table],
                check_name=CHECK,
                metadata={"read": read, "landed": landed, "quarantined": bad},
            )
        ],
    )


@dg.asset(
    key=["landing", "telemetry_days"],
    group_name="ingest",
    owners=["team:data"],
    kinds={"postgres", "parquet"},
    partitions_def=dg.DailyPartitionsDefinition(start_date="2020-01-01", end_offset=1),
    backfill_policy=dg.BackfillPolicy.single_run(),
)
def telemetry_days(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
    """Read chosen event days of telemetry again, many days in one run: after a repair at the source, say."""
    window = context.partition_time_window
    with database(HOME) as address, Landing(HOME).writer(context.run_id) as writer:
        load = extract_days(address, writer, CONTRACTS["telemetry"], window.start.date(), window.end.date())
    rows = load.rows_landed if load else 0
    return dg.MaterializeResult(metadata={"dagster/row_count": rows, "load": load.number if load else 0})

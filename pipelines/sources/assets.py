"""Files as an asset: what the sources' folder and the drop folder brought, with the check that no row was lost."""

import uuid
from pathlib import Path

import dagster as dg

from pipelines.progress import Counter, say
from pipelines.sources.drop import process_drop
from pipelines.sources.ingest import ingest_folder
from pipelines.sources.profile import load_profiles
from pipelines.sources.report import SourceReport, describe
from pipelines.sources.tenants import register_tenant
from warehouse.postgres import database
from warehouse.settings import Home

HOME = Home()
KEY = dg.AssetKey(["sources", "files"])
ACCOUNTED = "source_is_landed_plus_quarantined"
TAKEN = "every_file_was_taken"


class FilesConfig(dg.Config):
    """``folder`` holds one folder a source; without one only the drop folder is looked at."""

    folder: str | None = None


@dg.asset(
    key=KEY,
    group_name="ingest",
    description="Outside files, by source profile: what is new in the sources' folder and in the drop folder.",
    owners=["team:data"],
    kinds={"file", "parquet"},
    check_specs=[
        dg.AssetCheckSpec(ACCOUNTED, asset=KEY, description="Rows read = landed + quarantined, to the row."),
        dg.AssetCheckSpec(TAKEN, asset=KEY, description="No file was refused and no table was left out."),
    ],
)
def files(context: dg.AssetExecutionContext, config: FilesConfig) -> dg.MaterializeResult:
    """Land files; make sure that somebody can log in to see what became of them."""
    run_id = context.run_id or uuid.uuid4().hex
    counter = Counter("files landed")
    reports = (
        ingest_folder(HOME, Path(config.folder), run_id=run_id, progress=counter.add) if config.folder else []
    )
    reports += process_drop(HOME, run_id, progress=counter.add)
    if reports:
        counter.end()
        say(describe(reports))
    present = [load_profiles()[r.source] for r in reports if any(table.rows_landed for table in r.tables)]
    if present:
        with database(HOME) as address:
            for profile in present:
                register_tenant(address, HOME, profile)
    return result(reports)


def result(reports: list[SourceReport]) -> dg.MaterializeResult:
    """What Dagster shows of it."""
    landed = [table for report in reports for table in report.tables if table.state == "landed"]
    problems = [file.problem for report in reports for file in report.rejected]
    problems += [
        f"{report.source}, {table.table}: {table.problem}"
        for report in reports
        for table in report.tables
        if table.state == "skipped"
    ]
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": sum(table.rows_landed for table in landed),
            "rows_quarantined": sum(table.rows_quarantined for table in landed),
            "files_rejected": sum(len(report.rejected) for report in reports),
            "report": dg.MetadataValue.md(f"```\n{describe(reports) or 'no files'}\n```"),
            **{report.source: dg.MetadataValue.json(_counts(report)) for report in reports},
        },
        check_results=[
            dg.AssetCheckResult(check_name=ACCOUNTED, passed=all(report.is_accounted for report in reports)),
            dg.AssetCheckResult(
                check_name=TAKEN,
                passed=not problems,
                severity=dg.AssetCheckSeverity.WARN,
                metadata={"problems": dg.MetadataValue.json(problems)},
            ),
        ],
    )


def _counts(report: SourceReport) -> dict[str, object]:
    return {
        "files": len(report.files),
        "rows_read": sum(file.rows or 0 for file in report.files),
        "tables": {
            table.table: {
                "state": table.state,
                "read": table.rows_read,
                "landed": table.rows_landed,
                "quarantined": table.rows_quarantined,
                "reasons": dict(table.reasons),
            }
            for table in report.tables
        },
        "rejected": [file.problem for file in report.rejected],
    }

"""Matching as an asset: pairs of rows that may be one person, in the operational store and nowhere else."""

import time
from datetime import UTC, datetime
from typing import Any

import dagster as dg

from pipelines.match.people import match
from pipelines.progress import say
from warehouse.postgres import database
from warehouse.settings import Home

HOME = Home()


class MatchConfig(dg.Config):
    """``everybody``: compare all people of every tenant, not of those alone whose people have changed."""

    everybody: bool = False


@dg.asset(
    key=["person_links"],
    group_name="match",
    owners=["team:data"],
    kinds={"postgres", "duckdb"},
)
def person_links(context: dg.AssetExecutionContext, config: MatchConfig) -> dg.MaterializeResult[Any]:
    """Which contacts, leads, users, employees and providers may be one person: proposed with the evidence, once a day.

    Reads the operational store by a role of its own and keeps names in memory alone; waits for nothing upstream.
    """
    outcomes, seconds, began = [], {}, time.monotonic()
    with database(HOME) as address:
        for outcome in match(address, now=datetime.now(UTC), everybody=config.everybody):
            outcomes.append(outcome)
            seconds[outcome.tenant] = round(time.monotonic() - began, 1)
            began = time.monotonic()
            said = outcome.words or f"{outcome.pairs:,} pairs among {outcome.people:,} people"
            say(f"matching · {outcome.tenant}: {outcome.error or said}")
    if failed := [f"{outcome.tenant}: {outcome.error}" for outcome in outcomes if outcome.error]:
        raise dg.Failure("; ".join(failed))
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": sum(outcome.pairs for outcome in outcomes),
            "tenants": len(outcomes),
            "people": sum(outcome.people for outcome in outcomes),
            "proposed": sum(outcome.proposed for outcome in outcomes),
            "changed": sum(outcome.changed for outcome in outcomes),
            "withdrawn": sum(outcome.withdrawn for outcome in outcomes),
            "left_out": sum(outcome.left_out for outcome in outcomes),
            "seconds": dg.MetadataValue.json(seconds),
            "not_matched": dg.MetadataValue.json(
                {outcome.tenant: outcome.words for outcome in outcomes if outcome.words}
            ),
        }
    )

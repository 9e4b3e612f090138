"""Publishing as assets: the release that the API answers from, and the scores that go home."""

import json
from datetime import UTC, datetime
from typing import Any

import dagster as dg

from pipelines.learn.assets import QUESTION_KEYS
from pipelines.progress import say
from pipelines.publish.write_back import write_back_scores
from pipelines.transform import project
from pipelines.transform.assets import MANIFEST, TRANSLATOR
from warehouse import duck, releases
from warehouse.postgres import database
from warehouse.settings import Home

HOME = Home()
PUBLISHED = [
    node
    for node in MANIFEST["nodes"].values()
    if node["resource_type"] == "model" and node["schema"] == "marts"
]
KEEP_DAYS = 30
SHARED = ["time_spine"]  # the one mart without a tenant: days belong to nobody


@dg.asset(
    key=["release"],
    deps=[TRANSLATOR.get_asset_key(node) for node in PUBLISHED],
    group_name="publish",
    owners=["team:data"],
    kinds={"duckdb"},
    pool="warehouse",
)
def release(context: dg.AssetExecutionContext) -> dg.MaterializeResult[Any]:
    """One immutable file with every mart, the metric definitions and the model cards; checked, then made current."""
    with duck.turn(HOME):
        published, as_of = _publish(context.run_id)
    say(
        f"release {published.id}: {len(published.rows)} tables, {sum(published.rows.values()):,} rows, current"
    )
    return dg.MaterializeResult(
        metadata={
            "release_id": published.id,
            "as_of": as_of.isoformat(),
            "dagster/row_count": sum(published.rows.values()),
            "size_bytes": published.size_bytes,
            "tables": dg.MetadataValue.json(dict(published.rows)),
        }
    )


def _publish(run_id: str) -> tuple[releases.ReleaseInfo, datetime]:
    """The new release and the moment up to which its data is known."""
    with duck.connect(HOME) as connection:
        found = connection.execute(
            "select distinct table_name from duckdb_columns() where schema_name = 'marts' order by 1"
        ).fetchall()
        cards = connection.execute(
            "select tenant_id::varchar, question, version, is_champion, trained_at, data_until, metrics, baseline, card"
            " from ml.model_cards"
        ).fetchall()
        row = connection.execute("select max(data_until_at) from intermediate.int_tenant_clock").fetchone()
        connection.execute("checkpoint")
    as_of = row[0] if row and row[0] else datetime.now(UTC)
    names = (
        "tenant_id",
        "question",
        "version",
        "is_champion",
        "trained_at",
        "data_until",
        "metrics",
        "baseline",
        "card",
    )
    published = releases.publish(
        HOME.warehouse_file,
        HOME.releases,
        tables=[name for (name,) in found if name not in SHARED],
        shared_tables=SHARED,
        as_of=as_of,
        run_id=run_id,
        semantic_manifest=project.prepare(HOME).with_name("semantic_manifest.json"),
        cards=[_card(dict(zip(names, card, strict=True))) for card in cards],
        keep_days=KEEP_DAYS,
    )
    return published, as_of


def _card(card: dict[str, Any]) -> dict[str, Any]:
    """JSON columns as values, not as text in text."""
    return {
        name: json.loads(value)
        if name in ("metrics", "baseline", "card") and isinstance(value, str)
        else value
        for name, value in card.items()
    }


@dg.asset(
    key=["write_back"],
    deps=[["release"], *QUESTION_KEYS],
    group_name="publish",
    owners=["team:data"],
    kinds={"postgres"},
    pool="warehouse",
)
def write_back(context: dg.AssetExecutionContext) -> dg.MaterializeResult[Any]:
    """Scores return to leads, accounts and vehicles, so that a front end or a rule can act on them."""
    current = releases.current(HOME.releases)
    if current is None:
        raise dg.Failure("no release is current; nothing to write back")
    with duck.turn(HOME), duck.connect(HOME) as warehouse, database(HOME) as address:
        copied, changed = write_back_scores(warehouse, address, current.id)
    say(f"write-back: {copied:,} scores sent, {changed:,} rows changed")
    return dg.MaterializeResult(
        metadata={"scores": copied, "rows_changed": changed, "release_id": current.id}
    )

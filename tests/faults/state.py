"""What must be true of a line after any fault, and a fingerprint of everything that faults must not change."""

from __future__ import annotations

from collections import Counter
from typing import Any

import duckdb

from pipelines.ingest.operational import SOURCE
from tests.faults.line import Line
from warehouse import duck
from warehouse.contracts import load_contracts
from warehouse.landing import Landing, create_views

PASSING = {"model_version", "model_name", "made_on_date", "updated_at", "trained_at", "version", "card"}
"""Columns that two good runs need not share, beside those that begin with an underscore."""
PREDICTED = {
    f"marts.{name}" for name in ("churn_risk", "lead_scores", "maintenance_forecast", "revenue_forecast")
}
"""Tables that rest on models."""

SOFT = {
    "calls",
    "lead_activities",
    "leads",
    "quotes",
    "review_requests",
    "sla_policies",
    "ticket_replies",
    "tickets",
}
"""Tables whose rows leave staging when somebody deletes them in the store, where they stay (`softly` in the models)."""

LIVE = "api_requests"
"""What the API writes while it is asked: its rows come on between a run and the look at it."""

Fingerprint = dict[str, tuple[int, str]]


def check(line: Line) -> None:
    """Landing, source and warehouse agree to the row, every file is sound, nothing is doubled or half-built."""
    check_landing(line)
    check_rows(line)
    line.release_id()


def check_landing(line: Line) -> None:
    """Each manifest accounts for its rows; files that count are whole; no file is there that no manifest names."""
    landing = Landing(line.home)
    loads = landing.loads()
    for load in loads:
        assert load.rows_read == load.rows_landed + load.rows_quarantined, load
        assert load.rows_landed == sum(part.rows for part in load.parts), load
    # What a later full load has taken the place of nobody reads again, so nobody finds out about it either.
    damage = landing.verify(landing.live())
    assert damage == [], damage
    named = {part.path for load in loads for part in load.parts}
    there = {str(path.relative_to(landing.folder)) for path in landing.folder.rglob("*.parquet")}
    assert there == named
    set_apart = {part.path for load in loads for part in load.quarantine}
    assert {
        str(path.relative_to(landing.quarantine)) for path in landing.quarantine.rglob("*.parquet")
    } == set_apart


def check_rows(line: Line) -> None:
    """The newest landed version of every key is a row of the source and one row of staging; and the other way round."""
    contracts = load_contracts()
    landing = Landing(line.home)
    with duckdb.connect() as engine, duck.connect(line.home, read_only=True) as warehouse:
        create_views(engine, landing.folder, landing.live(), contracts)
        for name, contract in contracts.items():
            key = ", ".join(contract.key)
            newest = engine.execute(
                f"select {key}::varchar from (from landing.{name} where _source = '{SOURCE}' qualify row_number() over"
                f" (partition by {key} order by _change_xid desc, _load desc) = 1) where not _deleted"
            ).fetchall()
            source = line.sql(f"select {key}::text from {name}")
            if name == LIVE:
                assert not Counter(newest) - Counter(source)
                continue
            assert Counter(newest) == Counter(source), name
            (staged,) = warehouse.execute(f"select count(*) from staging.stg_{name}").fetchall()
            kept = line.sql(f"select 1 from {name} where deleted_at is null") if name in SOFT else source
            assert staged == (len(kept),), name


def fingerprint(line: Line) -> Fingerprint:
    """Rows and an order-independent checksum of everything that dbt made."""
    with duck.connect(line.home, read_only=True) as warehouse:
        columns = warehouse.execute(
            "select schema_name, table_name, list((column_name, data_type) order by column_index) from duckdb_columns()"
            " where schema_name in ('staging', 'intermediate', 'features', 'marts')"
            " and not contains(table_name, 'api_') group by all order by all"
        ).fetchall()
        found: Fingerprint = {}
        for schema, table, its_columns in columns:
            row = warehouse.execute(
                f'select count(*), coalesce(sum(hash({_values(its_columns)})), 0)::varchar from {schema}."{table}"'
            ).fetchone()
            assert row is not None
            found[f"{schema}.{table}"] = row
        return found


def _values(columns: list[tuple[str, Any]]) -> str:
    """The columns that count as one value; doubles by their first nine digits, which no order of summing changes."""
    words = [
        f"format('{{:.9g}}', \"{name}\")" if kind in ("DOUBLE", "FLOAT") else f'"{name}"'
        for name, kind in columns
        if name not in PASSING and not name.startswith("_")
    ]
    return f"row({', '.join(words)})"

"""What the warehouse file must hold before dbt runs, and how far it has been built."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import duckdb

from warehouse import duck
from warehouse.contracts import load_contracts
from warehouse.landing import Damage, Landing, Load, create_views
from warehouse.settings import Home

# Tables that models write and dbt reads; they exist, empty, before the first model has run.
PREDICTIONS = {
    "vehicle_failure": """tenant_id uuid, vehicle_id uuid, as_of_at timestamptz, failure_score double,
        horizon_h integer, threshold double, reasons json, expected_cost_cents bigint, model_version varchar""",
    "account_churn": """tenant_id uuid, account_id uuid, as_of_date date, churn_score double, reasons json,
        model_version varchar""",
    "lead_score": "tenant_id uuid, lead_id uuid, score double, reasons json, model_version varchar",
    "revenue_forecast": """tenant_id uuid, date date, forecast_cents bigint, lower_cents bigint, upper_cents bigint,
        model_name varchar, model_version varchar, made_on_date date""",
    "model_cards": """tenant_id uuid, question varchar, version varchar, is_champion boolean, trained_at timestamptz,
        data_until timestamptz, metrics json, baseline json, card json""",
}


class LandingDamaged(RuntimeError):
    """Committed files are not what their manifests say; the message names them and what to do."""

    def __init__(self, damages: list[Damage]) -> None:
        self.damages = damages
        named = "; ".join(f"{damage.path}: {damage.problem}" for damage in damages)
        files = sorted({damage.load.origin for damage in damages if damage.load.origin})
        again = f", once these files are given again: {', '.join(files)}" if files else ""
        super().__init__(f"{named}. The next run reads their rows again{again}")


@dataclass(frozen=True)
class Work:
    """What there is to build: everything, or what news in these landing tables reaches."""

    full: bool
    changed: frozenset[str]


def prepare(home: Home, *, project: str, full_refresh: bool = False) -> Work:
    """Make the landing views and the prediction tables; returns what dbt must build.

    Everything is built anew when a new full load of a source supersedes rows that dbt has already merged, and when
    ``project``, the identity of the models, is not that of the last build. Raises LandingDamaged before
    dbt would read a broken file; its load is taken out of the zone, so that the next ingest finds the gap and reads
    those rows again.
    """
    landing = Landing(home)
    loads = landing.live()
    with duck.connect(home) as connection:
        _meta(connection)
        for name, columns in PREDICTIONS.items():
            connection.execute(f"create table if not exists ml.{name} ({columns})")
        epochs = _epochs(loads)
        known = dict(connection.execute("select key, epoch from meta.epochs").fetchall())
        full = full_refresh or any(known.get(key, epoch) != epoch for key, epoch in epochs.items())
        full = full or any(key not in epochs for key in known)
        full = full or connection.execute("from meta.project").fetchall() != [(project,)]
        built = {} if full else dict(connection.execute("select table_name, load from meta.built").fetchall())
        fresh = [load for load in loads if load.number > built.get(load.table, 0)]
        if damages := landing.verify(fresh):
            _retire(landing, damages)
            raise LandingDamaged(damages)
        create_views(connection, landing.folder, loads, load_contracts(), built=built)
    return Work(full, frozenset(load.table for load in fresh))


def _retire(landing: Landing, damages: Iterable[Damage]) -> None:
    """Take the damaged loads out while nobody else writes: an ingest in progress has counted on them."""
    with landing.writer("repair"):
        for damage in damages:
            landing.retire(damage)


def mark_built(home: Home, loads: Iterable[Load], *, project: str) -> None:
    """Remember that these loads are in the warehouse, by these models: the next increment opens only newer files."""
    loads = list(loads)
    with duck.connect(home) as connection:
        _meta(connection)
        connection.execute("begin")
        connection.execute("delete from meta.built")
        connection.execute("delete from meta.epochs")
        connection.execute("delete from meta.project")
        connection.execute("insert into meta.project values (?)", [project])
        newest: dict[str, int] = {}
        for load in loads:
            newest[load.table] = max(load.number, newest.get(load.table, 0))
        connection.executemany("insert into meta.built values (?, ?)", [*newest.items()] or [("none", 0)])
        connection.executemany(
            "insert into meta.epochs values (?, ?)", [*_epochs(loads).items()] or [("none", 0)]
        )
        connection.execute("commit")


def row_counts(home: Home) -> dict[str, int]:
    """Rows of every table, by ``schema.table`` (DuckDB's own count, exact after a checkpoint)."""
    with duck.connect(home) as connection:
        found = connection.execute(
            "select schema_name || '.' || table_name, estimated_size from duckdb_tables()"
        ).fetchall()
    return dict(found)


def _meta(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("create table if not exists meta.built (table_name varchar, load bigint)")
    connection.execute("create table if not exists meta.epochs (key varchar, epoch bigint)")
    connection.execute("create table if not exists meta.project (identity varchar)")


def _epochs(loads: Iterable[Load]) -> dict[str, int]:
    """The number of the latest full load, by source and table."""
    return {f"{load.source}/{load.table}": load.number for load in loads if load.mode == "full"} or {
        "none": 0
    }

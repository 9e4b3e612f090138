"""A small line of data for tests: plain frames become a landing zone, and dbt builds from it in this process.

    line = Line(tmp_path)
    line.load("vehicles", pl.DataFrame(...))            # one load; columns left out are NULL
    line.load("vehicles", deleted=[vehicle_id])         # tombstones
    line.build("staging", "fct_vehicle_days")           # dbt run of these selectors
    line.read("select * from marts.fct_vehicle_days")   # a polars frame

The real landing zone and contracts are used, without PostgreSQL before them: what breaks a contract is an error here.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

import duckdb
import polars as pl
from dbt.cli.main import dbtRunner
from dbt.contracts.graph.manifest import Manifest

from pipelines.transform.project import close, environment
from pipelines.transform.warehouse_state import PREDICTIONS
from warehouse import duck
from warehouse.contracts import load_contracts
from warehouse.landing import Landing, create_views
from warehouse.settings import Home

OPERATIONAL = "operational"
QUIET = ("--quiet", "--log-level-file", "none", "--no-use-colors")
# What the operational store fills in by itself.
DEFAULTS = {
    "created_at": pl.lit(datetime(2024, 1, 1, tzinfo=UTC)),
    "attributes": pl.lit("{}"),
    "failure_horizon_h": pl.lit(336),
    "reopened_count": pl.lit(0),
    "version": pl.lit(1),
}


@cache
def project() -> Manifest:
    """The dbt project, parsed once for all lines: their warehouse files differ by folder, not by name."""
    with TemporaryDirectory() as folder, patch.dict(os.environ, environment(Home(folder))):
        parsed = dbtRunner().invoke([*QUIET, "parse"])
    assert parsed.success, str(parsed.exception)
    return parsed.result


class Line:
    """A landing zone and a warehouse in a folder of their own. Loads count from 1, transactions with them."""

    def __init__(self, folder: Path) -> None:
        self.home = Home(folder / "home").create()
        self.landing = Landing(self.home)
        self.contracts = load_contracts()
        self._engine = duckdb.connect()

    def load(
        self,
        table: str,
        frame: pl.DataFrame | Iterable[Mapping[str, Any]] = (),
        *,
        deleted: Sequence[str] = (),
        source: str = OPERATIONAL,
        change_xid: int | None = None,
        mode: str = "incremental",
    ) -> int:
        """Commit one load and return its number; from PostgreSQL ``change_xid`` is that number unless given."""
        contract = self.contracts[table]
        rows = (
            frame if isinstance(frame, pl.DataFrame) else pl.DataFrame(list(frame), infer_schema_length=None)
        )
        rows = _filled(rows, [name for name in DEFAULTS if name in contract.columns])
        with self.landing.writer("test") as writer, writer.load(source, contract, mode=mode) as load:
            xid = change_xid or (load.number if source == OPERATIONAL else None)
            with self._engine.cursor() as connection:
                connection.execute("set TimeZone = 'UTC'")
                if rows.height:
                    connection.register("rows", rows)
                    version = f"{'null' if xid is None else xid}::bigint as _change_xid, false as _deleted"
                    connection.execute(f"create temp view given as select *, {version} from rows")
                    load.add(connection, "given")
                if deleted:
                    gone = pl.DataFrame({"id": list(deleted)}).with_columns(
                        _change_xid=pl.lit(xid, pl.Int64), _deleted=pl.lit(True)
                    )
                    connection.register("gone", gone)
                    load.add(connection, "gone")
        assert not load.reasons, f"{table}: {dict(load.reasons)}"
        return load.number

    def build(self, *select: str, full_refresh: bool = False, command: str = "run") -> None:
        """Run dbt on what is new; raises AssertionError with dbt's own words."""
        with duck.connect(self.home) as connection:
            built = {} if full_refresh else self._built(connection)
            create_views(connection, self.landing.folder, self.landing.live(), self.contracts, built=built)
            for name, columns in PREDICTIONS.items():
                connection.execute(f"create table if not exists ml.{name} ({columns})")
        arguments = [command, "--select", *select] if select else [command]
        self.dbt(*arguments, *(["--full-refresh"] if full_refresh else []))

    def dbt(self, *arguments: str) -> Any:
        """One dbt command in this process, without logs; its result. Raises AssertionError with dbt's own words."""
        runner = dbtRunner(manifest=project())
        with patch.dict(os.environ, environment(self.home)):
            done = runner.invoke([*QUIET, *arguments])
        close()
        failures = [
            f"{result.node.name}: {result.message}"
            for result in getattr(done.result, "results", ())
            if result.status in {"error", "fail"}
        ]
        assert done.success, "\n".join(failures) or str(done.exception)
        return done.result

    def read(self, query: str) -> pl.DataFrame:
        """The rows of a query on the warehouse."""
        with duck.connect(self.home, read_only=True) as connection:
            return pl.DataFrame(connection.sql(query).to_arrow_table())

    def execute(self, statement: str) -> None:
        """Change the warehouse behind dbt's back."""
        with duck.connect(self.home) as connection:
            connection.execute(statement)

    def tables(self, schema: str) -> list[str]:
        """Names of the schema's tables and views."""
        found = self.read(
            f"select table_name from information_schema.tables where table_schema = '{schema}' order by 1"
        )
        return found["table_name"].to_list()

    def _built(self, connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
        """The highest load of each table that staging holds."""
        staged = connection.execute(
            "select table_name from information_schema.tables where table_schema = 'staging'"
        ).fetchall()
        built: dict[str, int] = {}
        for (name,) in staged:
            newest = connection.execute(f"select max(_load) from staging.{name}").fetchone()
            built[name.removeprefix("stg_")] = (newest and newest[0]) or 0
        return built


def _filled(rows: pl.DataFrame, defaults: Iterable[str]) -> pl.DataFrame:
    """The rows with the store's defaults where a column is absent or empty."""
    absent = [DEFAULTS[name].alias(name) for name in defaults if name not in rows.columns]
    empty = [
        pl.col(name).fill_null(DEFAULTS[name].cast(rows.schema[name]))
        for name in defaults
        if name in rows.columns
    ]
    return rows.with_columns(*absent, *empty)

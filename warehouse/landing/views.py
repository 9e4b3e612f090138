"""The landing zone as dbt sees it: one view a table over the files that may be new."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import duckdb

from warehouse.contracts import Contract
from warehouse.landing.check import SQL_TYPES, quoted
from warehouse.landing.loads import Load


def create_views(
    connection: duckdb.DuckDBPyConnection,
    folder: Path,
    loads: Iterable[Load],
    contracts: Mapping[str, Contract],
    *,
    built: Mapping[str, int] | None = None,
) -> None:
    """(Re)make ``landing.<table>`` for every contract over the live loads above ``built[table]``.

    ``built`` holds the load up to which each table is already in the warehouse, so an increment opens only new files.
    A table without files gets an empty view with the contract's columns.
    """
    connection.execute("create schema if not exists landing")
    files: dict[str, list[str]] = {name: [] for name in contracts}
    for load in loads:
        if load.table in files and load.number > (built or {}).get(load.table, 0):
            files[load.table] += [str(folder / part.path) for part in load.parts]
    for name, contract in contracts.items():
        connection.execute(f"create or replace view landing.{quoted(name)} as {_rows(contract, files[name])}")


def _rows(contract: Contract, files: list[str]) -> str:
    """The contract's columns over the files; a column that older files lack reads as NULL."""
    typed = [
        f"null::{SQL_TYPES[column.type]} as {quoted(column.name)}" for column in contract.columns.values()
    ]
    typed += [
        "null::varchar as _source",
        "null::bigint as _load",
        "null::bigint as _change_xid",
        "null::boolean as _deleted",
    ]
    empty = f"select {', '.join(typed)} limit 0"
    if not files:
        return empty
    names = ", ".join(
        quoted(name) for name in [*contract.columns, "_source", "_load", "_change_xid", "_deleted"]
    )
    listed = ", ".join("'" + path.replace("'", "''") + "'" for path in files)
    landed = f"select * from read_parquet([{listed}], union_by_name = true, hive_partitioning = false)"
    return f"select {names} from (({empty}) union all by name {landed})"

"""From the rows of a source's files to the rows of a table: one SELECT a mapping."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

import duckdb

from pipelines.sources.profile import Input, Profile, Table
from pipelines.sources.readers import Reading
from warehouse.contracts import Contract
from warehouse.landing.check import literal, quoted


def offer(connection: duckdb.DuckDBPyConnection, layout: Input, readings: Iterable[Reading]) -> None:
    """Make the rows of an input's files a view of the input's name."""
    files = ", ".join(literal(str(reading.parquet)) for reading in readings)
    columns = ", ".join(f"null::varchar as {quoted(name)}" for name in ("_file", *layout.optional))
    connection.execute(
        f"create or replace temp view {quoted(layout.name)} as (select {columns} limit 0)"
        f" union all by name select * from read_parquet([{files}], union_by_name = true, hive_partitioning = false)"
    )


def rows_of(
    connection: duckdb.DuckDBPyConnection,
    profile: Profile,
    table: Table,
    contract: Contract,
    *,
    landed_at: datetime,
) -> str:
    """Make the temporary table of the mapping's rows, as the contract wants to see them; returns its name.

    Times without an offset are read in the source's zone and handed on with one; what is no time stays as it is, for
    the contract to refuse. A row that stands for one line of a file says which, so that quarantine can be traced.
    """
    statement = select(profile, table, contract, landed_at=landed_at)
    connection.execute(f"set TimeZone = {literal(profile.tenant.timezone)}")
    try:
        connection.execute(f"create or replace temp table mapped as {statement}")
    finally:
        connection.execute("set TimeZone = 'UTC'")
    return "mapped"


def select(profile: Profile, table: Table, contract: Contract, *, landed_at: datetime) -> str:
    """The mapping as SQL."""
    columns = {
        "id": identity(table.name, table.key),
        "tenant_id": f"uuid {literal(str(profile.tenant.id))}",
        **table.columns,
    }
    entered = contract.columns.get("created_at")
    if entered and not entered.nullable:
        columns.setdefault("created_at", literal(landed_at.isoformat()))
    chosen = [
        f"{_sent(contract, name, expression)} as {quoted(name)}" for name, expression in columns.items()
    ]
    if not table.is_grouped:
        chosen += [f"{quoted(table.driver)}._file as _file", f"{quoted(table.driver)}._row as _row"]
    where = f" where {table.where}" if table.where else ""
    group = f" group by {table.group_by}" if table.group_by else ""
    return f"select {', '.join(chosen)} from {table.source}{where}{group}"


def identity(table: str, key: Sequence[str]) -> str:
    """The expression of a row's id."""
    return f"id({', '.join((literal(table), *key))})"


def tenant_row(profile: Profile, *, landed_at: datetime) -> str:
    """The tenant itself, as a SELECT."""
    values = {**profile.tenant.row, "created_at": landed_at.isoformat()}
    return "select " + ", ".join(f"{literal(value)} as {quoted(name)}" for name, value in values.items())


def _sent(contract: Contract, name: str, expression: str) -> str:
    column = contract.columns[name]
    if column.type != "timestamptz":
        return expression
    return (
        f"coalesce(cast(try_cast(({expression}) as timestamptz) as varchar), cast(({expression}) as varchar))"
    )

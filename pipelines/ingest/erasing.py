"""What the service has erased leaves the landing zone and the warehouse: requests of the kind ``erase``.

A request names rows by table and id, and the transaction from which on their versions are blank; it holds nothing of
the people themselves.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence

import duckdb
import psycopg
from psycopg.types.json import Jsonb

from warehouse import duck
from warehouse.landing import Landing
from warehouse.landing.check import literal, quoted
from warehouse.landing.erasing import erase_rows
from warehouse.postgres import Address
from warehouse.settings import Home

PEOPLE = ("contacts", "leads", "providers", "accounts")
BLANK = {"full_name": "null", "email": "null", "phone": "null", "attributes": "'{}'::json"}
"""What the warehouse's staging tables know of people beside ids."""
BLANK_OF = {
    "sign_ins": {"country": "null", "device": "null"},
    "jobs": {"latitude": "null", "longitude": "null"},
    "accounts": {"city": "null"},
    "leads": {"company": "null"},
}
"""And what is theirs in one table alone."""

_OPEN = "select id, params from pipeline_requests where kind = 'erase' and status in ('queued', 'running') order by id"
_DONE = """
    update pipeline_requests set status = 'done', started_at = coalesce(started_at, now()), finished_at = now(),
        run_id = %s, params = params || %s
    where id = %s
"""


def erase_requested(home: Home, address: Address, *, run_id: str | None = None) -> int:
    """Carry out every open request; how many there were. Doing one again changes nothing."""
    with psycopg.connect(address.url("worker"), autocommit=True) as connection:
        requests = connection.execute(_OPEN).fetchall()
        for request_id, params in requests:
            counts = erase(home, params["ids"], below_xid=params["below_xid"])
            connection.execute(_DONE, [run_id, Jsonb({"rows_erased": counts}), request_id])
    return len(requests)


def erase(home: Home, ids: Mapping[str, Sequence[str]], *, below_xid: int | None) -> dict[str, int]:
    """Take these rows out of what has landed, and blank them in the warehouse; rows taken out, by table.

    No build reads the files meanwhile, and no ingest writes any: one that had begun before holds the zone until its
    load is there, which is then looked through too.
    """
    persons = sorted({row_id for table in PEOPLE for row_id in ids.get(table, ())})
    wanted = dict(ids) | ({"persons": persons} if persons else {})
    landing = Landing(home)
    with duck.turn(home):
        with landing.writer(uuid.uuid4().hex) as writer:
            counts = erase_rows(writer, wanted, below_xid=below_xid)
        if home.warehouse_file.exists():
            with duck.connect(home) as connection:
                _blank_staging(connection, wanted, below_xid)
    return counts


def _blank_staging(
    connection: duckdb.DuckDBPyConnection, ids: Mapping[str, Sequence[str]], below_xid: int | None
) -> None:
    """The next build would replace the values; they are gone now."""
    known: dict[str, list[str]] = {}
    for table, column in connection.execute(
        "select c.table_name, c.column_name"
        " from duckdb_columns() c join duckdb_tables() t using (schema_name, table_name)"
        " where c.schema_name = 'staging' order by c.table_name, c.column_index"
    ).fetchall():
        known.setdefault(table, []).append(column)
    for table, rows in ids.items():
        columns = known.get(f"stg_{table}", [])
        blank = {name: value for name, value in BLANK.items() if name in columns}
        blank |= {name: value for name, value in BLANK_OF.get(table, {}).items() if name in columns}
        if rows and blank and columns:
            sets = ", ".join(f"{quoted(name)} = {value}" for name, value in blank.items())
            older = f" and coalesce(_change_xid < {below_xid:d}, true)" if below_xid is not None else ""
            connection.execute(
                f"update staging.{quoted(f'stg_{table}')} set {sets}"
                f" where {quoted(columns[0])}::varchar in ({', '.join(map(literal, rows))}){older}"
            )
    connection.execute("checkpoint")

"""The one DuckDB file that Dagster runs write. A process holds it alone, and only for as long as it must."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import duckdb

from warehouse.settings import Home, locked

SCHEMAS = ("landing", "staging", "intermediate", "marts", "features", "ml", "meta")
MEMORY = "4GB"


@contextmanager
def turn(home: Home) -> Iterator[None]:
    """Hold the warehouse against other runs for several connections in a row; waits for whoever holds it.

    Dagster's pool does the same among its own runs; a run from the command line is none of them.
    """
    with locked(home.root / "warehouse.lock"):
        yield


@contextmanager
def connect(
    home: Home, *, read_only: bool = False, wait_s: float = 60.0
) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open the warehouse; when another process holds it, try again for ``wait_s``. Raises duckdb.IOException."""
    spill = home.warehouse_file.parent / "spill"
    config: dict[str, Any] = {"threads": 2, "memory_limit": MEMORY, "temp_directory": str(spill)}
    deadline = time.monotonic() + wait_s
    while True:
        try:
            connection = duckdb.connect(home.warehouse_file, read_only=read_only, config=config)
            break
        except duckdb.IOException as error:
            if "lock" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.1)
    try:
        connection.execute("set TimeZone = 'UTC'")
        if not read_only:
            for schema in SCHEMAS:
                connection.execute(f"create schema if not exists {schema}")
        yield connection
    finally:
        connection.close()

"""The one DuckDB file that Dagster runs write. A process holds it alone, and only for as long as it must."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb

from warehouse.settings import Home, locked

SCHEMAS = ("landing", "staging", "intermediate", "marts", "features", "ml", "meta")
MEMORY = "4GB"
DAMAGED = "damaged"
_SIGNS_OF_DAMAGE = ("corrupt", "not a valid duckdb database file", "failure while replaying wal")


class WarehouseDamaged(RuntimeError):
    """The warehouse file could not be read and is out of the way; the message says where, and what happens next."""


@contextmanager
def turn(home: Home) -> Iterator[None]:
    """Hold the warehouse against other runs for several connections in a row; waits for whoever holds it.

    Dagster's pool does the same among its own runs; a run from the command line is none of them.
    Raises WarehouseDamaged when the block found the file unreadable. All of it can be made again from what has
    landed, so the next run finds no warehouse and builds one.
    """
    with locked(home.root / "warehouse.lock"):
        try:
            yield
        except Exception as error:
            if not is_damage(error):
                raise
            aside = _set_aside(home)
            raise WarehouseDamaged(
                f"the warehouse file cannot be read ({error}); it was moved to {aside.relative_to(home.root)},"
                " and the next run builds it again from what has landed"
            ) from error


def is_damage(error: object) -> bool:
    """Whether DuckDB's words mean that the file itself is bad."""
    words = str(error).lower()
    return any(sign in words for sign in _SIGNS_OF_DAMAGE)


def _set_aside(home: Home) -> Path:
    """Move the file and its log away; only the newest damaged one is kept."""
    file = home.warehouse_file
    aside = file.with_name(f"{file.name}.{DAMAGED}")
    for end in ("", ".wal"):
        old = file.with_name(file.name + end)
        if old.exists():
            old.replace(aside.with_name(aside.name + end))
    return aside


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

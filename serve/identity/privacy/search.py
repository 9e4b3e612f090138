"""Looking for a person everywhere: the proof of an erasure, by other means than the erasure itself.

It knows nothing of what tables say of themselves: every column of every table that could hold a word is read.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator, Mapping
from email import message_from_bytes
from email.message import Message
from functools import cached_property
from pathlib import Path
from typing import Any

from sqlalchemy import JSON, LargeBinary, Table, Text
from sqlalchemy.dialects.postgresql import JSONB

from serve.identity.privacy.people import OWN, Person
from serve.identity.privacy.registry import PEOPLE, UNREACHED
from serve.kernel.db import Transaction
from serve.kernel.isolation import UNREACHED as NO_RIGHTS
from serve.kernel.tables import all_tables
from warehouse.landing.erasing import find_in_landing
from warehouse.mentions import DUCKDB, mentions
from warehouse.settings import Home

MOST_PLACES = 100
BYTES = {"idempotency_keys": ("body",)}
"""Columns of bytes that are text."""
_PEOPLE = {*PEOPLE.values(), "accounts", "employees"}


class _Readable(Mapping[str, Table]):
    """Tables of tenants that a runtime role may read."""

    @cached_property
    def _tables(self) -> dict[str, Table]:
        out = {*UNREACHED, *NO_RIGHTS, "score_batches", "pipeline_requests", "telemetry"}  # ids and readings
        return {
            name: table
            for name, table in sorted(all_tables().tables.items())
            if "tenant_id" in table.columns and name not in out
        }

    def __getitem__(self, name: str) -> Table:
        return self._tables[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._tables)

    def __len__(self) -> int:
        return len(self._tables)


READABLE = _Readable()


def text_columns(table: Table) -> list[str]:
    """Those that can hold words."""
    return [
        column.name
        for column in table.columns
        if isinstance(column.type, (Text, JSONB, JSON)) and not isinstance(column.type, LargeBinary)
    ]


async def search(db: Transaction, person: Person, kept: Mapping[tuple[str, str], str]) -> dict[str, Any]:
    """Where the tenant's tables still say something that the person is known by.

    ``kept`` has the reason for rows that the law keeps. A name or a number in the row of somebody else may well be
    that one's own: those are counted apart.
    """
    places: list[dict[str, Any]] = []
    columns_read = 0
    for name, table in READABLE.items():
        columns = [*text_columns(table), *BYTES.get(name, ())]
        columns_read += len(columns)
        for kind, words in person.known_by().items():
            if words and columns:
                places += await _in_table(db, table, columns, kind, mentions({kind: words}), person, kept)
    return {"tables": len(READABLE), "columns": columns_read, "places": places}


async def _in_table(
    db: Transaction,
    table: Table,
    columns: list[str],
    kind: str,
    patterns: list[str],
    person: Person,
    kept: Mapping[tuple[str, str], str],
) -> list[dict[str, Any]]:
    row_id = (
        "id" if "id" in table.columns else next(c.name for c in table.primary_key if c.name != "tenant_id")
    )
    texts = {
        c: f"convert_from({c}, 'UTF8')" if c in BYTES.get(table.name, ()) else f"{c}::text" for c in columns
    }
    has = {c: f"{text} ~ any($1::text[])" for c, text in texts.items()}
    shown = ", ".join(f"case when {test} then '{c}' end" for c, test in has.items())
    found = await db.fetch(
        f"select {row_id}::text as row_id, array_remove(array[{shown}], null) as columns from {table.name}"
        f" where {OWN} and ({' or '.join(has.values())}) order by 1 limit {MOST_PLACES}",
        patterns,
    )
    places = []
    for row in found:
        verdict = "left"
        if (table.name, row["row_id"]) in kept:
            verdict = "kept"
        elif kind != "email" and table.name in _PEOPLE and row["row_id"] not in person.pairs()[1]:
            verdict = "of somebody else"
        place = {"where": table.name, "row_id": row["row_id"], "columns": list(row["columns"])}
        places.append(place | {"known_by": kind, "verdict": verdict})
    return places


async def search_outside(
    home: Home, outbox: Path | None, tenant_id: str, person: Person
) -> list[dict[str, Any]]:
    """Where the landing zone and the outbox still say it."""
    found = await asyncio.to_thread(find_in_landing, home, tenant_id, mentions(person.known_by(), DUCKDB))
    places = [{"where": "landing", "path": path, "count": count, "verdict": "left"} for path, count in found]
    if outbox is not None:
        files = await asyncio.to_thread(_mails_with, outbox, mentions({"email": sorted(person.emails)}))
        places += [{"where": "outbox", "path": name, "count": 1, "verdict": "left"} for name in files]
    return places


def _mails_with(outbox: Path, patterns: list[str]) -> list[str]:
    return [
        path.name
        for path in sorted(outbox.glob("*.eml"))
        if any(
            re.search(pattern, text)
            for text in _texts(message_from_bytes(path.read_bytes()))
            for pattern in patterns
        )
    ]


def _texts(message: Message) -> Iterator[str]:
    """Headers and bodies as people read them."""
    yield from (str(value) for value in message.values())
    for part in message.walk():
        content = part.get_payload(decode=True)
        if isinstance(content, bytes):
            yield content.decode("utf-8", "replace")

"""All that is known of a person, as a file for that person: JSON, tables to read, and the files themselves."""

from __future__ import annotations

import asyncio
import csv
import io
import tempfile
import zipfile
from collections.abc import Mapping
from html import escape
from typing import Any
from uuid import UUID

import orjson

from serve.crm.provenance.origins import TABLES, fields_of
from serve.identity.privacy.people import OWN, Person, reached, rows_of
from serve.identity.privacy.registry import shown
from serve.kernel.db import Transaction
from serve.kernel.formats import disarm
from serve.kernel.tables import all_tables
from serve.platform.files.names import plain_name
from serve.ports.storage import Aside, Storage

_HISTORY = f"""
    select e.name, e.happened_at, e.entity_type, e.entity_id, e.before, e.after from events e
    where e.{OWN} and e.category = 'change' and e.entity_type = $1 and e.entity_id = any($2::uuid[])
    order by e.position
"""
_PIECE = 1 << 20


async def gather(db: Transaction, person: Person) -> dict[str, list[dict[str, Any]]]:
    """Rows by table; ``history`` is what happened to the rows that are the person's own, ``origins`` where each of
    their values came from (GDPR Art. 15(1)(g))."""
    found: dict[str, list[dict[str, Any]]] = {}
    for user_id in person.ids("user"):
        account = await db.fetch_one("select privacy_account($1) as account", user_id)
        if account is not None and account["account"]:
            found |= {name: rows for name, rows in account["account"].items() if rows}
    history: list[dict[str, Any]] = []
    for name, known in reached().items():
        table = all_tables().tables[name]
        rows = [
            dict(row) for row in await rows_of(db, name, known, person, shown(name, table.columns.keys()))
        ]
        if rows:
            found[name] = rows
        if rows and "person_key" in table.columns:
            history += await _history(db, name, table.info["entity"], [row["id"] for row in rows])
    origins = await _origins(db, found)
    return found | ({"history": history} if history else {}) | ({"origins": origins} if origins else {})


async def _origins(db: Transaction, found: Mapping[str, list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """Not who of the firm has typed it in: that is of others."""
    told = []
    for entity, table in TABLES.items():
        for row in found.get(table, ()):
            told += [
                {"table": table, "row_id": row["id"]}
                | {name: each[name] for name in ("field", "source", "at", "import_filename")}
                | {"by_way_of": [way["way"] for way in each["by_way_of"]]}
                for each in await fields_of(db, entity, row["id"], row)
            ]
    return told


async def _history(db: Transaction, name: str, entity: str, ids: list[str]) -> list[dict[str, Any]]:
    keys = await db.fetch(f"select id, person_key from {name} where id = any($1::uuid[])", ids)
    by_id = {row["id"]: row["person_key"] for row in keys}
    events = [dict(row) for row in await db.fetch(_HISTORY, entity, ids)]
    for each in events:
        for side in ("before", "after"):
            if each[side]:
                each[side] = db.vault.open_values(by_id[each["entity_id"]], each[side])
    return events


async def write(
    aside: Aside,
    storage: Storage,
    tenant_id: UUID,
    found: Mapping[str, list[dict[str, Any]]],
    about: dict[str, Any],
) -> None:
    """The ZIP, into ``aside``."""
    await asyncio.to_thread(_write, aside, storage, tenant_id, found, about)


def _write(
    aside: Aside,
    storage: Storage,
    tenant_id: UUID,
    found: Mapping[str, list[dict[str, Any]]],
    about: dict[str, Any],
) -> None:
    with tempfile.TemporaryFile() as file:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("data.json", _json({"about": about, "data": found}))
            archive.writestr("index.html", _page(found, about))
            for name, rows in found.items():
                archive.writestr(f"{name}.csv", _csv(rows))
            for row in found.get("files", ()):
                _add_file(archive, storage, tenant_id, row)
        file.seek(0)
        while piece := file.read(_PIECE):
            aside.write(piece)
    aside.finish()


def _add_file(archive: zipfile.ZipFile, storage: Storage, tenant_id: UUID, row: Mapping[str, Any]) -> None:
    try:
        source = storage.open(tenant_id, UUID(row["id"]))
    except FileNotFoundError:
        return  # lost, which its row says
    with source, archive.open(f"files/{row['id']}-{plain_name(row['name'])}", "w") as target:
        while piece := source.read(_PIECE):
            target.write(piece)


def _json(value: Any) -> bytes:
    return orjson.dumps(value, default=str, option=orjson.OPT_INDENT_2)


def _csv(rows: list[dict[str, Any]]) -> str:
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(rows[0])
    writer.writerows([disarm(_cell(value)) for value in row.values()] for row in rows)
    return text.getvalue()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return orjson.dumps(value).decode() if isinstance(value, (dict, list)) else str(value)


def _page(found: Mapping[str, list[dict[str, Any]]], about: dict[str, Any]) -> str:
    parts = []
    for name, rows in found.items():
        heads = "".join(f"<th>{escape(column)}</th>" for column in rows[0])
        lines = "".join(
            "<tr>" + "".join(f"<td>{escape(_cell(value))}</td>" for value in row.values()) + "</tr>\n"
            for row in rows
        )
        parts.append(f"<h2>{escape(name)}</h2>\n<table border='1'>\n<tr>{heads}</tr>\n{lines}</table>\n")
    said = "".join(f"<p>{escape(word)}: {escape(_cell(value))}</p>\n" for word, value in about.items())
    return (
        '<!doctype html>\n<html lang="en"><meta charset="utf-8"><title>Your data</title>\n'
        f"<h1>What is known of you</h1>\n{said}{''.join(parts)}</html>\n"
    )

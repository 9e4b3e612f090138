"""Rows of erased people out of the landing zone: files are written anew without them, and manifests name the new ones.

Killed at any instant, each file is there in one of its two states: the new one is on the disk before the manifest names
it, and the old one is removed by the next writer's sweep. Doing it again changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import duckdb
import pyarrow.parquet as pq

from warehouse.landing.check import literal, quoted
from warehouse.landing.loads import Load, Part
from warehouse.landing.zone import PARQUET, Landing, Writer, described, flush, settle
from warehouse.settings import Home


def erase_rows(writer: Writer, ids: Mapping[str, Sequence[str]], *, below_xid: int | None) -> dict[str, int]:
    """Take rows of these tables and ids out of every load, in quarantine too; how many, by table.

    Versions that were written by ``below_xid`` or later stay: they are what the erasure left of the row.
    """
    landing, counts = writer.landing, dict[str, int]()
    with duckdb.connect() as engine:
        engine.execute("set TimeZone = 'UTC'")
        for load in landing.loads():
            wanted = list(ids.get(load.table, ()))
            if not wanted:
                continue
            new, gone = _rewritten(writer, engine, load, wanted, below_xid)
            if new is not None:
                new.write(landing.manifests)
            counts[load.table] = counts.get(load.table, 0) + gone
    writer.sweep()
    return counts


def _rewritten(
    writer: Writer, engine: duckdb.DuckDBPyConnection, load: Load, ids: list[str], below_xid: int | None
) -> tuple[Load | None, int]:
    """The load without those rows, and how many they are; None when its manifest is as it should be."""
    landing = writer.landing
    parts = [_part(engine, landing, landing.folder, part, ids, below_xid) for part in load.parts]
    apart = [_part(engine, landing, landing.quarantine, part, ids, None) for part in load.quarantine]
    new = replace(load, parts=tuple(parts), quarantine=tuple(apart))
    if new == load:
        return None, 0
    landed, set_apart = (sum(part.rows for part in each) for each in (parts, apart))
    gone = load.rows_landed + load.rows_quarantined - landed - set_apart
    new = replace(new, rows_landed=landed, rows_quarantined=set_apart, rows_erased=load.rows_erased + gone)
    return new, gone


def _part(
    engine: duckdb.DuckDBPyConnection,
    landing: Landing,
    folder: Path,
    part: Part,
    ids: list[str],
    below_xid: int | None,
) -> Part:
    """The part without those rows.

    One in quarantine keeps its name, by which later loads know what they have read again.
    """
    path = folder / part.path
    if not path.exists():
        return part  # damaged: whoever reads it next finds out
    names = pq.read_schema(path).names
    if "id" not in names:
        return part
    is_theirs = f"coalesce(lower({quoted('id')}::varchar) in ({', '.join(map(literal, ids))}), false)"
    if below_xid is not None and "_change_xid" in names:
        is_theirs += f" and coalesce(_change_xid < {below_xid:d}, true)"
    source = f"read_parquet({literal(path)}, hive_partitioning = false)"
    counted = engine.execute(f"select count(*) from {source} where {is_theirs}").fetchone()
    in_place = folder == landing.quarantine
    if not counted or not counted[0]:
        # One that was replaced just before its writer died is not yet what the manifest says.
        return part if not in_place or path.stat().st_size == part.bytes else described(path, part.path)
    aside = landing.folder / ".aside" / "erasing.parquet"
    aside.parent.mkdir(parents=True, exist_ok=True)
    engine.execute(f"copy (select * from {source} where not ({is_theirs})) to {literal(aside)} ({PARQUET})")
    flush(aside)
    target = part.path if in_place else str(path.with_name(f"{path.stem}e.parquet").relative_to(folder))
    settled = settle(aside, folder, target)
    flush(path.parent)
    return settled


def find_in_landing(home: Home, tenant_id: str, patterns: Sequence[str]) -> list[tuple[str, int]]:
    """Files of the zone, quarantine included, in which rows of the tenant say something; and how many rows.

    ``patterns`` are those of ``warehouse.mentions`` for DuckDB. Every file there is, named by a manifest or not.
    """
    landing, found = Landing(home), list[tuple[str, int]]()
    if not patterns:
        return []
    with duckdb.connect() as engine:
        for folder in (landing.folder, landing.quarantine):
            for path in sorted(folder.rglob("*.parquet")):
                schema = pq.read_schema(path)
                texts = [
                    field.name
                    for field in schema
                    if "string" in str(field.type) or "json" in str(field.type)
                    if field.name not in ("_source", "tenant_id")
                ]
                if not texts:
                    continue
                said = f"concat_ws(chr(10), {', '.join(f'{quoted(t)}::varchar' for t in texts)})"
                of = "tenant_id::varchar = $tenant" if "tenant_id" in schema.names else "$tenant is not null"
                row = engine.execute(
                    f"select count(*) from read_parquet({literal(path)}, hive_partitioning = false) where {of}"
                    f" and list_bool_or(list_transform($patterns::varchar[], lambda p: regexp_matches({said}, p)))",
                    {"tenant": tenant_id, "patterns": list(patterns)},
                ).fetchone()
                if row and row[0]:
                    found.append((str(path.relative_to(home.root)), int(row[0])))
    return found

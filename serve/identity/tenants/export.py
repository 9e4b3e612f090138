"""Everything of a tenant in one ZIP: a file of JSON lines for each table, the bytes of its files, and what is in it.

Read as the tenant itself, under row security: nothing of anybody else can get in.
"""

from __future__ import annotations

import asyncio
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from hashlib import sha256
from typing import IO, Any
from uuid import UUID

import orjson
from sqlalchemy import LargeBinary, Table
from sqlalchemy.dialects.postgresql import TSVECTOR

from serve.kernel.db import Database, Transaction
from serve.kernel.errors import NotFound
from serve.kernel.events import event, note_read
from serve.kernel.isolation import UNREACHED
from serve.kernel.tables import all_tables
from serve.kernel.tasks import Work, task
from serve.ports.storage import Aside, Storage

KIND = "tenants.export"
BATCH = 500
FORMAT = 1
_PIECE = 1 << 20
LEFT_OUT = dict.fromkeys(UNREACHED, "of accounts: who belongs to the tenant stands in people.jsonl") | {
    "idempotency_keys": "answers kept for a day, for requests that are sent twice",
    "pipeline_requests": "when the warehouse was asked to compute; nothing that anybody has written",
    "score_batches": "on their way from the models; they stand in the rows that they are of",
    "task_steps": "how far a task is; what it did stands in the rows",
    "tombstones": "ids of what was deleted, for the warehouse",
}
"""Tables of tenants that the export has not, and why."""

event("tenant.exported", "Everything of the tenant was put into a file.", category="read")


class ExportMissing(NotFound):
    code, message = (
        "EXPORT_MISSING",
        "There is no export: ask for one, and come back when its task has ended.",
    )


def tables() -> list[Table]:
    """Those that are exported."""
    return sorted(
        (
            table
            for table in all_tables().tables.values()
            if "tenant_id" in table.columns and table.name not in LEFT_OUT
        ),
        key=lambda table: table.name,
    )


def columns_of(table: Table) -> list[str]:
    """Not what is sealed or hashed, which nobody else could read, nor what is computed for searching.

    Bytes that everybody can read say ``exported``.
    """
    return [
        column.name
        for column in table.columns
        if (column.info.get("exported") or not isinstance(column.type, (LargeBinary, TSVECTOR)))
        and column.name != "change_xid"
    ]


@task(KIND, queue="files", goes_on=True)
async def export(work: Work) -> Any:
    """The file lies in the storage under the id of the task."""
    storage: Storage = work.state.files.storage
    aside = await asyncio.to_thread(storage.aside)
    try:
        contents = await _written(work, storage, aside)

        async def keep(db: Transaction) -> Any:
            await note_read(db, "tenant.exported", "tenant", work.tenant_id, {"rows": contents["row_count"]})
            await asyncio.to_thread(storage.keep, aside, work.tenant_id, UUID(work.id))
            return {
                "name": f"tenant-{work.tenant_id}.zip",
                "media_type": "application/zip",
                "size_bytes": aside.size_bytes,
                "sha256": aside.sha256,
                **contents,
            }

        return await work.step("keep", keep)
    finally:
        await asyncio.to_thread(aside.discard)


async def _written(work: Work, storage: Storage, aside: Aside) -> dict[str, int]:
    """Writes all of it; how much that is."""
    database: Database = work.state.database
    manifest: dict[str, Any] = {
        "format": FORMAT,
        "tenant_id": str(work.tenant_id),
        "exported_at": datetime.now(UTC).isoformat(),
        "tables": {},
        "files": {},
        "files_lost": [],
        "left_out": LEFT_OUT,
        "note": "Personal values in events.jsonl are sealed; the rows have them in the clear.",
    }
    with zipfile.ZipFile(_Sink(aside), "w", zipfile.ZIP_DEFLATED) as archive:  # type: ignore[call-overload]
        async with database.transaction(work.caller, request_id=work.request_id) as db:
            statements = {
                str(table.name): f"select {', '.join(columns_of(table))} from {table.name}"
                for table in tables()
            }
            statements["tenant"] = f"select * from own_tenants() where id = '{work.tenant_id}'"
            statements["people"] = "select user_id, full_name, email, role, is_active from tenant_members()"
            for name, statement in statements.items():
                entry = manifest["tables"][name] = await _table(archive, db, name, statement)
                await work.progress(message=f"{name}: {entry['rows']} rows")
            ids = [row["id"] for row in await db.fetch("select id from files order by id")]
        for file_id in ids:
            try:
                manifest["files"][file_id] = await asyncio.to_thread(
                    _file, archive, storage, work.tenant_id, UUID(file_id)
                )
            except FileNotFoundError:
                manifest["files_lost"].append(file_id)
        archive.writestr("manifest.json", orjson.dumps(manifest, option=orjson.OPT_INDENT_2))
    await asyncio.to_thread(aside.finish)
    return {
        "table_count": len(manifest["tables"]),
        "row_count": sum(entry["rows"] for entry in manifest["tables"].values()),
        "file_count": len(manifest["files"]),
    }


async def _table(archive: zipfile.ZipFile, db: Transaction, name: str, statement: str) -> dict[str, Any]:
    """Its rows in the order of their ids, as far as they have one."""
    count = 0
    with _entry(archive, f"tables/{name}.jsonl") as (part, about):
        async for batch in db.rows(f"select row_to_json(z) as line from ({statement}) z", batch=BATCH):
            lines = b"".join(row["line"] + b"\n" for row in batch)
            await asyncio.to_thread(part.write, lines)
            count += len(batch)
    return {"rows": count, **about}


def _file(archive: zipfile.ZipFile, storage: Storage, tenant_id: UUID, file_id: UUID) -> dict[str, Any]:
    with storage.open(tenant_id, file_id) as source, _entry(archive, f"files/{file_id}") as (part, about):
        while piece := source.read(_PIECE):
            part.write(piece)
    return about


@contextmanager
def _entry(archive: zipfile.ZipFile, name: str) -> Iterator[tuple[Any, dict[str, Any]]]:
    """An entry of the archive to write to; what is known of it once it is written."""
    about: dict[str, Any] = {}
    with archive.open(name, "w", force_zip64=True) as file:
        counted = _Counted(file)
        yield counted, about
    about |= {"size_bytes": counted.size_bytes, "sha256": counted.hash.hexdigest()}


class _Counted:
    def __init__(self, file: IO[bytes]) -> None:
        self._file, self.hash, self.size_bytes = file, sha256(), 0

    def write(self, piece: bytes) -> None:
        self._file.write(piece)
        self.hash.update(piece)
        self.size_bytes += len(piece)


class _Sink:
    """What an archive writes itself to, once and without going back."""

    def __init__(self, aside: Aside) -> None:
        self._aside = aside

    def write(self, piece: bytes) -> int:
        self._aside.write(bytes(piece))
        return len(piece)

    def flush(self) -> None:
        pass

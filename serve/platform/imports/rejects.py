"""The rejected rows of an import, to be mended and sent again; read from the file, which is kept for that."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import PurePath
from typing import IO, Any
from uuid import UUID

from serve.kernel.db import Transaction
from serve.kernel.events import note_read
from serve.kernel.resources.files.readers import opened
from serve.kernel.resources.files.rejects import reason, write_rejects
from serve.kernel.resources.import_runs import IMPORTERS, kept_file
from serve.platform.imports.errors import FileGone, ImportNotFound, NothingRejected

_CHUNK = 1 << 18
_IMPORT = "select id, resource, filename, format, delimiter from imports where id = $1 and tenant_id = $2"
_REJECTS = "select line, mistakes from import_rejects where tenant_id = $1 and import_id = $2"


async def find(db: Transaction, import_id: UUID) -> dict[str, Any]:
    """An import of the caller's own tenant into a table that the caller may write. Raises ImportNotFound."""
    row = await db.fetch_one(_IMPORT, import_id, db.caller.tenant_id)
    if row is None or row["resource"] not in IMPORTERS:
        raise ImportNotFound
    if IMPORTERS[row["resource"]][0].writing not in db.caller.permissions:
        raise ImportNotFound
    return dict(row)


async def reasons(db: Transaction, found: Mapping[str, Any]) -> dict[int, str]:
    """What is wrong with each rejected row, by line; it is noted that somebody takes them away.

    Raises NothingRejected.
    """
    rows = await db.fetch(_REJECTS, db.caller.tenant_id, found["id"])
    if not rows:
        raise NothingRejected
    resource, _ = IMPORTERS[found["resource"]]
    if resource.personal:
        detail = {"format": "rejects", "import_id": found["id"]}
        await note_read(db, f"{resource.entity}.exported", resource.entity, None, detail)
    return {row["line"]: reason(row["line"], row["mistakes"]) for row in rows}


async def file_of(
    storage: Any, tenant_id: UUID, found: Mapping[str, Any], said: Mapping[int, str]
) -> Iterator[bytes]:
    """The rows, piece by piece. Raises FileGone."""
    out = tempfile.TemporaryFile()  # noqa: SIM115  # closed with its last piece
    try:
        async with kept_file(storage, tenant_id, UUID(found["id"])) as file:
            await asyncio.to_thread(_write, file, found, said, out)
    except FileNotFoundError as error:
        out.close()
        raise FileGone from error
    except BaseException:
        out.close()
        raise
    return _pieces(out)


def name_of(found: Mapping[str, Any]) -> str:
    """ASCII alone: it stands in a header."""
    stem = PurePath(found["filename"] or found["resource"]).stem
    plain = "".join(
        letter if letter.isascii() and (letter.isalnum() or letter in "-_") else "_" for letter in stem
    )
    return f"{plain[:100] or 'import'}-rejects.{'jsonl' if found['format'] == 'jsonl' else 'csv'}"


def _write(file: IO[bytes], found: Mapping[str, Any], said: Mapping[int, str], out: IO[bytes]) -> None:
    # The same columns decide the same delimiter; the one that was found then is told to be sure.
    resource, _ = IMPORTERS[found["resource"]]
    write_rejects(opened(file, resource.columns, delimiter=found["delimiter"]), said, out)
    out.seek(0)


def _pieces(out: IO[bytes]) -> Iterator[bytes]:
    with out:
        while piece := out.read(_CHUNK):
            yield piece

"""Files on their way out: whole or in part, as an attachment, read from the storage piece by piece."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from typing import IO, Any
from uuid import UUID

from fastapi import Request, Response
from starlette.responses import StreamingResponse

from serve.kernel.caller import Caller
from serve.kernel.db import Database, Record, guarded
from serve.kernel.etag import matches
from serve.platform.files.errors import FileLost, RangeNotSatisfiable
from serve.platform.files.kinds import KINDS
from serve.platform.files.names import attachment
from serve.platform.files.service import Files, files

_CHUNK = 1 << 18
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")
_FOUND = (
    "select t.id, t.tenant_id, t.name, t.media_type, t.charset, t.size_bytes, t.sha256 from files t"
    " where t.id = $2 and t.deleted_at is null and g.tenants is not null"
)
_SHARED, _SEEN = guarded(_FOUND), guarded(_FOUND + files.and_seen(3))

ANSWER: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The file.",
        "content": {
            media_type: {"schema": {"type": "string", "format": "binary"}}
            for media_type in sorted({kind.media_type for kind in KINDS})
        },
        "headers": {
            "ETag": {"description": "The SHA-256 of the content.", "schema": {"type": "string"}},
            "Content-Disposition": {"description": "Always an attachment.", "schema": {"type": "string"}},
        },
    },
    304: {"description": "You have this content already."},
}
ANSWER[206] = {"description": "The part that was asked for.", "content": ANSWER[200]["content"]}


async def shared(request: Request, tenant_id: UUID | str, file_id: UUID) -> Record:
    """The record of a file that the tenant has, for whoever was given a way to it. Raises NotFound."""
    return await _found(request, _SHARED, str(tenant_id), file_id)


async def seen(request: Request, caller: Caller, file_id: UUID) -> Record:
    """That of a file which the caller sees. Raises NotFound."""
    return await _found(
        *(request, _SEEN, ",".join(map(str, caller.tenant_ids))), *(file_id, *files.seen_by(caller))
    )


async def _found(request: Request, sql: str, tenants: str, *values: Any) -> Record:
    database: Database = request.app.state.database
    records = await database.fetch_alone(sql, tenants, *values)
    if not records:
        raise files.NotFound
    return records[0]


async def answer(request: Request, record: Record) -> Response:
    """The content, as the request asks for it. Raises FileLost or RangeNotSatisfiable."""
    kept: Files = request.app.state.files
    etag, size_bytes = f'"{record["sha256"]}"', record["size_bytes"]
    charset = f"; charset={record['charset']}" if record["charset"] else ""
    headers = {
        "ETag": etag,
        "Accept-Ranges": "bytes",
        "Cache-Control": "private, no-cache",
        "Content-Disposition": attachment(record["name"]),
    }
    if matches(request.headers.get("if-none-match"), etag):
        return Response(status_code=304, headers=headers)
    part = _part(request, etag, size_bytes)
    first, last = part or (0, size_bytes - 1)
    headers |= {"Content-Length": str(last - first + 1), "Content-Type": record["media_type"] + charset}
    if part is not None:
        headers["Content-Range"] = f"bytes {first}-{last}/{size_bytes}"
    try:
        file = await asyncio.to_thread(kept.storage.open, UUID(record["tenant_id"]), UUID(record["id"]))
    except FileNotFoundError as error:
        raise FileLost from error
    if getattr(request.state, "is_head", False):
        last = first - 1
    return StreamingResponse(_pieces(file, first, last), 206 if part else 200, headers)


async def _pieces(file: IO[bytes], first: int, last: int) -> AsyncIterator[bytes]:
    left = last - first + 1
    try:
        await asyncio.to_thread(file.seek, first)
        while left > 0:
            piece = await asyncio.to_thread(file.read, min(_CHUNK, left))
            if not piece:
                return  # shorter than its record says: the server closes the connection, so the client knows
            left -= len(piece)
            yield piece
    finally:
        file.close()


def _part(request: Request, etag: str, size_bytes: int) -> tuple[int, int] | None:
    """The first and the last byte; None for the whole: also for several parts, which nobody must be given.

    Raises RangeNotSatisfiable.
    """
    asked = _RANGE.fullmatch(request.headers.get("range", "").strip())
    if asked is None or request.headers.get("if-range", etag).strip() != etag:
        return None
    start, end = asked.groups()
    if not start and not end:
        return None
    if not start:
        first, last = max(0, size_bytes - int(end)), size_bytes - 1
    else:
        first, last = int(start), min(int(end or size_bytes), size_bytes - 1)
        if end and int(end) < first:
            return None
    if first >= size_bytes:
        raise RangeNotSatisfiable(size_bytes)
    return first, last

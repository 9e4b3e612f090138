"""Files on their way in: received aside, looked at, named, and known of from the same moment on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from hashlib import blake2b
from io import BytesIO
from typing import Any
from uuid import UUID

from fastapi import Request
from pydantic import BaseModel

from serve.kernel.db import Transaction
from serve.kernel.envelope import dumps
from serve.kernel.errors import Problem
from serve.kernel.ids import uuid7
from serve.kernel.resources import Resource, Row
from serve.kernel.resources.batches import parsed
from serve.platform.files import pictures
from serve.platform.files.belonging import SEEN, check_may_change, check_place
from serve.platform.files.errors import FileTypeRefused, NotYourFile, QuotaExceeded, RecordingStays
from serve.platform.files.forms import Incoming, received
from serve.platform.files.kinds import recognise
from serve.platform.files.links import Links
from serve.platform.files.models import files as table
from serve.platform.files.names import plain_name
from serve.platform.files.pictures import Shape
from serve.platform.files.rules import PICTURES, PictureStays, check_file
from serve.platform.files.schemas import FileFields, FileRead
from serve.ports.storage import Aside, Storage

MOST_FILES = 20
MOST_PICTURE_BYTES = 20_000_000
LOOKED_AT_ONCE = 2


class FilesResource(Resource):
    """Changed only by who may; a place that a client names is one."""

    async def insert(
        self, db: Transaction, values: Mapping[str, Any], *, row_id: UUID | None = None, event: str = ""
    ) -> Row:
        if values["purpose"] not in PICTURES:  # whose place we name ourselves
            await check_place(db, values.get("entity_type"), values.get("entity_id"))
        return await super().insert(db, values, row_id=row_id, event=event)

    async def update(
        self, db: Transaction, before: Row, changes: Mapping[str, Any], *, event: str = ""
    ) -> Row:
        check_may_change(before, db.caller)
        if {"entity_type", "entity_id"} & self.differing(before, changes).keys():
            after = {**before, **changes}
            await check_place(db, after["entity_type"], after["entity_id"])
        return await super().update(db, before, changes, event=event)

    async def delete(self, db: Transaction, row_id: UUID) -> Mapping[str, Any]:
        check_may_change(await self.get(db, row_id, lock=True), db.caller)
        return await super().delete(db, row_id)

    async def restore(self, db: Transaction, row_id: UUID) -> Row:
        check_may_change(await self.get(db, row_id, lock=True, deleted=True), db.caller)
        return await super().restore(db, row_id)


files = FilesResource(
    table,
    fields=FileFields,
    read=FileRead,
    rule=check_file,
    calls=("list", "get", "patch", "delete", "restore", "history", "stats"),
    changing=(NotYourFile, PictureStays, RecordingStays),
    deleting=(NotYourFile,),
    seen=SEEN,
)

_ONE_AT_A_TIME = "select pg_advisory_xact_lock(hashtextextended('files ' || $1, 0))"
_USED = "select coalesce(sum(size_bytes), 0)::bigint as bytes from files where tenant_id = $1"
_PRESENT = """
    select id from files
    where purpose = $1 and entity_id = $2 and tenant_id = $3 and deleted_at is null for update
"""


@dataclass
class Files:
    """What the service keeps for files (``app.state.files``)."""

    storage: Storage
    links: Links
    most_file_bytes: int
    quota_bytes: int
    looking: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(LOOKED_AT_ONCE))
    """Looking at a file is work for the processor."""


@dataclass(frozen=True, slots=True)
class Ready:
    """A file that may be kept: where it lies, and what is to be known of it."""

    aside: Aside
    values: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Sent:
    """What a client has sent, looked at."""

    ready: list[Ready]
    digest: bytes
    """Stands for all of it."""


@asynccontextmanager
async def sent(
    request: Request, model: type[BaseModel], *, name: str, most_files: int = 1
) -> AsyncIterator[Sent]:
    """The files of the request's form, whose other fields are those of ``model``. Raises what is wrong with them."""
    kept: Files = request.app.state.files
    limit = {"most_files": most_files, "most_file_bytes": kept.most_file_bytes}
    async with received(request, kept.storage, name=name, **limit) as form:
        said = parsed(model, form.fields).model_dump()
        check_file(None, {"name": "", **said})
        ready = []
        for number, incoming in enumerate(form.files):
            with _named(name, number if most_files > 1 else None):
                ready.append(await _looked_at(kept, incoming, said))
        yield Sent(ready, _digest(form.fields, form.files))


@asynccontextmanager
async def sent_picture(request: Request, model: type[BaseModel], shape: Shape) -> AsyncIterator[Sent]:
    """The picture of the request's form, made anew."""
    kept: Files = request.app.state.files
    most_bytes = min(kept.most_file_bytes, MOST_PICTURE_BYTES)
    async with received(request, kept.storage, name="file", most_files=1, most_file_bytes=most_bytes) as form:
        parsed(model, form.fields)
        [incoming] = form.files
        made = await asyncio.to_thread(kept.storage.aside)
        try:
            async with kept.looking:
                width, height = await asyncio.to_thread(_make_anew, incoming.aside, shape, made)
            values = {
                "name": shape.name,
                "media_type": shape.media_type,
                "width_px": width,
                "height_px": height,
            }
            yield Sent([Ready(made, values)], _digest(form.fields, form.files))
        finally:
            await asyncio.to_thread(made.discard)


async def keep(db: Transaction, kept: Files, ready: Sequence[Ready]) -> list[Row]:
    """Give the files their names and rows. Raises QuotaExceeded.

    The bytes have their place before the commit: when the process dies in between there are bytes without a row, which
    are collected, and never a row without bytes.
    """
    caller = db.caller
    await db.execute(_ONE_AT_A_TIME, str(caller.tenant_id))
    used = await db.fetch_one(_USED, caller.tenant_id)
    assert used is not None
    size_bytes = sum(each.aside.size_bytes for each in ready)
    if used["bytes"] + size_bytes > kept.quota_bytes:
        left = max(0, kept.quota_bytes - used["bytes"])
        raise QuotaExceeded(
            f"There are {left:,} bytes left for the files of your company, {size_bytes:,} are needed."
        )
    rows = []
    for each in ready:
        row_id = uuid7()
        of_bytes = {"size_bytes": each.aside.size_bytes, "sha256": each.aside.sha256}
        values = each.values | of_bytes | {"uploaded_by": caller.user_id}
        rows.append(await files.insert(db, values, row_id=row_id))
        await asyncio.to_thread(kept.storage.keep, each.aside, caller.tenant_id, row_id)
    return rows


async def keep_picture(db: Transaction, kept: Files, ready: Ready, shape: Shape, entity_id: UUID) -> Row:
    """The picture of somebody or something, in the place of the one before."""
    await db.execute(_ONE_AT_A_TIME, str(db.caller.tenant_id))
    for before in await db.fetch(_PRESENT, shape.purpose, entity_id, db.caller.tenant_id):
        await files.delete(db, before["id"])
    place = {"purpose": shape.purpose, "entity_type": shape.entity_type, "entity_id": entity_id}
    [row] = await keep(db, kept, [Ready(ready.aside, ready.values | place)])
    return row


async def remove_picture(db: Transaction, shape: Shape, entity_id: UUID) -> bool:
    """Whether there was one."""
    await db.execute(_ONE_AT_A_TIME, str(db.caller.tenant_id))
    present = await db.fetch(_PRESENT, shape.purpose, entity_id, db.caller.tenant_id)
    for picture in present:
        await files.delete(db, picture["id"])
    return bool(present)


async def _looked_at(kept: Files, incoming: Incoming, said: dict[str, Any]) -> Ready:
    name = plain_name(incoming.filename)
    async with kept.looking:
        found = await asyncio.to_thread(_recognise, incoming, name)
    if "." not in name:
        name += found.kind.extensions[0]
    of_content = {
        "media_type": found.kind.media_type,
        "charset": found.charset,
        "width_px": found.width_px,
        "height_px": found.height_px,
    }
    return Ready(incoming.aside, said | of_content | {"name": name})


def _recognise(incoming: Incoming, name: str) -> Any:
    with incoming.aside.open() as file:
        return recognise(file, incoming.aside.size_bytes, name, incoming.charset)


def _make_anew(source: Aside, shape: Shape, made: Aside) -> tuple[int, int]:
    with source.open() as file:
        if not recognise(file, source.size_bytes, "", None).kind.media_type.startswith("image/"):
            raise FileTypeRefused("is no picture")
        target = BytesIO()  # of at most 512 x 512 pixels
        size = pictures.made_anew(file, shape, target)
    made.write(target.getvalue())
    made.finish()
    return size


class _named:
    """What is wrong with one of several files names it: ``files[1]``."""

    def __init__(self, name: str, number: int | None) -> None:
        self._field = name if number is None else f"{name}[{number}]"

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, problem: object, trace: object) -> None:
        if isinstance(problem, Problem):
            problem.details = [(self._field, said) for _, said in problem.details]


def _digest(fields: dict[str, str], incoming: Sequence[Incoming]) -> bytes:
    what = [fields, [(each.field, each.filename, each.charset, each.aside.sha256) for each in incoming]]
    return blake2b(dumps(what), digest_size=32).digest()

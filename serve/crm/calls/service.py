"""Calls, and what they refer to: people of the tenant, files with sound."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from serve.crm.calls.models import calls as table
from serve.crm.calls.rules import check_call
from serve.crm.calls.schemas import CallFields, CallRead
from serve.kernel.db import Transaction
from serve.kernel.errors import Invalid, NotFound
from serve.kernel.resources import Resource, Row
from serve.kernel.resources.declaration import CALLS
from serve.platform.files.belonging import adopt
from serve.platform.files.service import files

_MEMBER = "select from tenant_members() m where m.tenant_id = $1 and m.user_id = $2"
_SOUND = ("audio/", "video/")  # recorders put sound alone into the containers of films


class Calls(Resource):
    async def insert(
        self, db: Transaction, values: Mapping[str, Any], *, row_id: UUID | None = None, event: str = ""
    ) -> Row:
        await _check_references(db, values, None)
        row = await super().insert(db, {**values, **_source(values)}, row_id=row_id, event=event)
        await _take_recording(db, row)
        return row

    async def update(
        self, db: Transaction, before: Row, changes: Mapping[str, Any], *, event: str = ""
    ) -> Row:
        changed = {name: each for name, each in changes.items() if each != before.get(name)}
        await _check_references(db, changed, before["id"])
        row = await super().update(db, before, {**_source(changed), **changes}, event=event)
        if "recording_file_id" in changed:
            await _take_recording(db, row)
        return row


calls = Calls(
    table,
    fields=CallFields,
    read=CallRead,
    rule=check_call,
    # Its own create: the generated one's short way would not look at what it refers to.
    calls=[call for call in CALLS if call != "create"],
    path="/api/v1/call-logs",
)


def _source(values: Mapping[str, Any]) -> dict[str, Any]:
    if "transcript" not in values:
        return {}
    if values["transcript"] is None:
        return {"transcript_source": None, "transcribed_at": None}
    return {"transcript_source": "manual", "transcribed_at": datetime.now(UTC)}


async def _check_references(db: Transaction, values: Mapping[str, Any], call_id: str | None) -> None:
    """Raises Invalid."""
    tenant_id = db.caller.tenant_id
    if values.get("user_id") is not None and not await db.fetch(_MEMBER, tenant_id, values["user_id"]):
        raise Invalid(details=[("user_id", "names nobody who works here")])
    file_id = values.get("recording_file_id")
    if file_id is not None and (why := await _no_recording(db, file_id, call_id)):
        raise Invalid(details=[("recording_file_id", why)])


async def _no_recording(db: Transaction, file_id: UUID, call_id: str | None) -> str | None:
    """Why the file is none for this call."""
    try:  # locked: of two calls that name it at once the second sees that it belongs to the first
        file = await files.get(db, file_id, lock=True)
    except NotFound:
        return "names nothing that exists"
    if not file["media_type"].startswith(_SOUND):
        return f"is {file['media_type']}, which has no sound"
    if file["entity_type"] is not None and (file["entity_type"], file["entity_id"]) != ("call", call_id):
        return "belongs to something else already"
    return None


async def _take_recording(db: Transaction, call: Row) -> None:
    """Whoever may read the call may hear it, and nobody else."""
    if call["recording_file_id"] is not None:
        await adopt(db, "call", call["id"], [call["recording_file_id"]])

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
from serve.kernel.errors import Invalid
from serve.kernel.resources import Resource, Row
from serve.kernel.resources.declaration import CALLS

_MEMBER = "select from tenant_members() m where m.tenant_id = $1 and m.user_id = $2"
_FILE = "select media_type from files where tenant_id = $1 and id = $2 and deleted_at is null"
_SOUND = ("audio/", "video/")  # recorders put sound alone into the containers of films


class Calls(Resource):
    async def insert(
        self, db: Transaction, values: Mapping[str, Any], *, row_id: UUID | None = None, event: str = ""
    ) -> Row:
        await _check_references(db, values)
        return await super().insert(db, {**values, **_source(values)}, row_id=row_id, event=event)

    async def update(
        self, db: Transaction, before: Row, changes: Mapping[str, Any], *, event: str = ""
    ) -> Row:
        changed = {name: each for name, each in changes.items() if each != before.get(name)}
        await _check_references(db, changed)
        return await super().update(db, before, {**_source(changed), **changes}, event=event)


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


async def _check_references(db: Transaction, values: Mapping[str, Any]) -> None:
    """Raises Invalid."""
    tenant_id = db.caller.tenant_id
    if values.get("user_id") is not None and not await db.fetch(_MEMBER, tenant_id, values["user_id"]):
        raise Invalid(details=[("user_id", "names nobody who works here")])
    if values.get("recording_file_id") is not None:
        file = await db.fetch_one(_FILE, tenant_id, values["recording_file_id"])
        if file is None:
            raise Invalid(details=[("recording_file_id", "names nothing that exists")])
        if not file["media_type"].startswith(_SOUND):
            raise Invalid(details=[("recording_file_id", f"is {file['media_type']}, which has no sound")])

"""A recording becomes a transcript, by the service that the tenant has set.

What was said never stands in the task's own row: it goes straight to the call, where it is sealed like all that people
say. If the worker dies before that, the service is asked again. What the call was like when the task was asked for does
stand there: a try that comes later leaves alone what somebody has written meanwhile, and what an earlier try has.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from serve.crm.calls.rules import check_transcription
from serve.crm.calls.service import calls
from serve.kernel.db import Record, Transaction
from serve.kernel.errors import NotFound
from serve.kernel.events import event
from serve.kernel.tasks import Work, enqueue, task
from serve.kernel.tasks.store import ENDED
from serve.platform.settings.categories import CATEGORIES
from serve.platform.settings.service import current
from serve.ports.storage import Storage
from serve.ports.transcription import Transcriber
from serve.ports.way import Stored, configured

KIND = "calls.transcribe"
TRANSCRIBED = event("call.transcribed", "What was said in the call was written down by a service.")
_FILE = """
    select id, name, media_type, size_bytes from files where tenant_id = $1 and id = $2 and deleted_at is null
"""
_UNDER_WAY = """
    select id, status from tasks where kind = $1 and entity_type = 'call' and entity_id = $2 and status <> all ($3)
    limit 1
"""


async def ask(db: Transaction, call_id: UUID, *, is_replaced: bool) -> Mapping[str, Any]:
    """The task that does it: a new one, or the one that is doing it already.

    Raises CallNotFound, NotConfigured, CallNotRecorded, RecordingTooLarge or TranscriptStands.
    """
    call = await calls.get(db, call_id, lock=True)
    configured(Transcriber.kind, await _settings(db))
    under_way = await db.fetch_one(_UNDER_WAY, KIND, call_id, list(ENDED))
    if under_way is not None:
        return under_way
    check_transcription(call, await _file(db, call), is_replaced=is_replaced)
    task_row = await enqueue(
        db, KIND, title="Transcribe a call", about=("call", call_id), total_count=1, params=_seen(call)
    )
    assert task_row is not None
    return task_row


@task(KIND)
async def transcribe(work: Work) -> Any:
    """Send the recording away and keep what comes back, unless the call has changed meanwhile."""
    call_id = UUID(str(work.about[1]))

    async def do(_: str) -> Any:
        try:
            async with work.transaction() as db:
                call = await calls.get(db, call_id)
                file, stored = await _file(db, call), await _settings(db)
        except NotFound:
            return {"is_kept": False, "why": "the call was deleted"}
        if changed := _changed(call, work.params):
            return changed
        if file is None:
            return {"is_kept": False, "why": "the recording was deleted"}
        sound = await asyncio.to_thread(_read, work.state.files.storage, work.tenant_id, UUID(file["id"]))
        await work.progress(message="The service listens")
        service = work.state.ways.to(Transcriber, work.tenant_id, stored)
        text = await service.transcribe(sound, name=file["name"], media_type=file["media_type"])
        async with work.transaction() as db:
            return await _keep(db, call_id, work.params, text)

    return await work.outside("transcribe", do, counts=1)


async def _keep(db: Transaction, call_id: UUID, seen: Mapping[str, Any], text: str) -> dict[str, Any]:
    try:
        row = await calls.get(db, call_id, lock=True)
    except NotFound:
        return {"is_kept": False, "why": "the call was deleted"}
    if changed := _changed(row, seen):
        return changed
    written = {"transcript": text, "transcript_source": "provider", "transcribed_at": datetime.now(UTC)}
    await calls.update(db, row, written, event=TRANSCRIBED)
    return {"is_kept": True, "character_count": len(text)}


def _seen(call: Mapping[str, Any]) -> dict[str, Any]:
    """What a call was like: its recording, and when its transcript was written, but no word of that."""
    return {
        "recording_file_id": call["recording_file_id"] and str(call["recording_file_id"]),
        "has_transcript": call["transcript"] is not None,
        "transcribed_at": call["transcribed_at"] and str(call["transcribed_at"]),
    }


def _changed(call: Mapping[str, Any], seen: Mapping[str, Any]) -> dict[str, Any] | None:
    """How the task ends where the call is not what it was; None where it is.

    Nobody but its task writes a call's transcript down for the service: that was an earlier try of this one.
    """
    now = _seen(call)
    if now == seen:
        return None
    if call["transcript_source"] == "provider" and now["recording_file_id"] == seen["recording_file_id"]:
        return {"is_kept": True, "character_count": len(call["transcript"])}
    return {"is_kept": False, "why": "somebody has changed the recording or the transcript"}


async def _settings(db: Transaction) -> Stored:
    return (await current(db, [CATEGORIES["transcription"]]))["transcription"]


async def _file(db: Transaction, call: Mapping[str, Any]) -> Record | None:
    if call["recording_file_id"] is None:
        return None
    return await db.fetch_one(_FILE, db.caller.tenant_id, call["recording_file_id"])


def _read(storage: Storage, tenant_id: UUID, file_id: UUID) -> bytes:
    with storage.open(tenant_id, file_id) as file:
        return file.read()

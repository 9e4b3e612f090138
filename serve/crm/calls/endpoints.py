"""The log of calls."""

# No postponed annotations: the models of a resource's calls are made while its routes are.

from typing import Annotated

from fastapi import Body, Depends, Response

from serve.crm.calls import transcribing
from serve.crm.calls.errors import CallNotRecorded, RecordingTooLarge, TranscriptStands
from serve.crm.calls.schemas import CallFields, CallRead, TranscriptionAsked
from serve.crm.calls.service import calls
from serve.kernel.caller import Needs
from serve.kernel.db import TenantDb
from serve.kernel.envelope import Meta, Success
from serve.kernel.errors import NotConfigured, problems
from serve.kernel.idempotency import KeyOfAnotherRequest, StillRunning
from serve.kernel.resources.errors import Duplicate
from serve.kernel.resources.schemas import RowMeta
from serve.kernel.resources.words import BODY, Id, one
from serve.kernel.risk import acts
from serve.kernel.tasks.answers import TaskStarted, started

router = calls.router(tags=["call logs"])


@router.post(
    "",
    status_code=201,
    response_model=Success[CallRead, RowMeta],
    dependencies=[Depends(Needs("calls:write"))],
    responses=problems(*BODY, Duplicate, StillRunning, KeyOfAnotherRequest),
    name="calls.create",
)
async def log_call(written: CallFields, db: TenantDb) -> Response:
    """Note a call that was made or taken."""
    row = await calls.insert(db, calls.settled(None, written.model_dump()))
    return one(row, status=201, headers={"Location": f"{calls.path}/{row['id']}"})


@router.post(
    "/{id}/transcribe",
    status_code=202,
    response_model=Success[TaskStarted, Meta],
    dependencies=[Depends(Needs("calls:write"))],
    responses=problems(
        *BODY,
        *(calls.NotFound, NotConfigured, CallNotRecorded, RecordingTooLarge, TranscriptStands),
        *(StillRunning, KeyOfAnotherRequest),
    ),
    name="calls.transcribe",
    **acts(risk="risky"),
)
async def transcribe_call(
    id: Id, db: TenantDb, asked: Annotated[TranscriptionAsked | None, Body()] = None
) -> Response:
    """Have the recording written down by the service that the settings `transcription` name.

    It goes on as a task; asked again meanwhile it is the same one. What somebody writes by hand in the meantime stays.
    """
    is_replaced = asked is not None and asked.replace
    return started(await transcribing.ask(db, id, is_replaced=is_replaced))

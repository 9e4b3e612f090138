"""Schedules over HTTP."""

# No postponed annotations: FastAPI reads those of the endpoints, whose models are made by the resource.

from datetime import UTC, datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import Body, Depends, Query, Request, Response
from pydantic import Field

from serve.kernel.caller import Caller, Needs
from serve.kernel.db import DatabaseUnavailable, TenantDb, Transaction
from serve.kernel.envelope import Input, Meta, PageMeta, Success
from serve.kernel.errors import problems
from serve.kernel.events import event
from serve.kernel.idempotency import KeyOfAnotherRequest, StillRunning
from serve.kernel.paging import Paged
from serve.kernel.resources import Resource
from serve.kernel.resources.declaration import values_of
from serve.kernel.resources.errors import Duplicate, LostUpdate
from serve.kernel.resources.schemas import RowMeta
from serve.kernel.resources.store import Row, check_version
from serve.kernel.resources.words import BODY, Id, IfMatch, one, plain
from serve.kernel.risk import acts
from serve.kernel.tasks.answers import TaskStarted, started
from serve.platform.schedules import queries, service
from serve.platform.schedules.errors import ScheduleBusy, ScheduleFinished
from serve.platform.schedules.models import schedules as table
from serve.platform.schedules.rules import check_schedule, explained, upcoming
from serve.platform.schedules.schemas import NextRun, ScheduleFields, ScheduleRead, ScheduleRun

event("schedule.paused", "Somebody holds the schedule.")
event("schedule.resumed", "Somebody lets the schedule go on.")

schedules = Resource(
    table,
    fields=ScheduleFields,
    read=ScheduleRead,
    rule=check_schedule,
    calls=("list", "get", "delete", "stats", "export"),
)
router = schedules.router(tags=["schedules"])

Patch = schedules.patch
SETS_IN_MOTION = acts(risk="risky")  # whatever action it names, when nobody is asked any more
Reader = Annotated[Caller, Depends(Needs("schedules:read"))]
Writer = Annotated[Caller, Depends(Needs("schedules:write"))]
REPEATED = (StillRunning, KeyOfAnotherRequest)


class RunNow(Input):
    despite_overlap: bool = Field(False, description="Begin it although another run has not ended.")


@router.post(
    "",
    status_code=201,
    response_model=Success[ScheduleRead, RowMeta],
    responses=problems(*BODY, Duplicate, *REPEATED),
    name="schedules.create",
    **SETS_IN_MOTION,
)
async def create(written: ScheduleFields, request: Request, caller: Writer, db: TenantDb) -> Response:
    """Invoke an action again and again, or once at a moment; as you, with what you may do then."""
    values = schedules.settled(None, values_of(written, sent_only=False))
    service.check_action(request.app.state.actions, caller, values)
    row = await schedules.insert(db, values | service.timed(values) | service.acted_by(caller))
    return one(row, status=201, headers={"Location": f"{schedules.path}/{row['id']}"})


@router.put(
    "/{id}",
    response_model=Success[ScheduleRead, RowMeta],
    responses=problems(*BODY, schedules.NotFound, Duplicate, LostUpdate),
    name="schedules.replace",
    **SETS_IN_MOTION,
)
async def replace(
    id: Id, written: ScheduleFields, request: Request, caller: Writer, db: TenantDb, if_match: IfMatch = None
) -> Response:
    """Replace the schedule: what is not sent has its default. From now on it acts as you."""
    row = await schedules.get(db, id, lock=True)
    return await _change(request, caller, db, row, if_match, values_of(written, sent_only=False))


@router.patch(
    "/{id}",
    response_model=Success[ScheduleRead, RowMeta],
    responses=problems(*BODY, schedules.NotFound, Duplicate, LostUpdate, *REPEATED),
    name="schedules.patch",
    **SETS_IN_MOTION,
)
async def patch(
    id: Id, written: Patch, request: Request, caller: Writer, db: TenantDb, if_match: IfMatch = None
) -> Response:
    """Change some fields of the schedule. From now on it acts as you."""
    row = await schedules.get(db, id, lock=True)
    return await _change(request, caller, db, row, if_match, values_of(written, sent_only=True))


async def _change(
    request: Request, caller: Caller, db: Transaction, row: Row, if_match: str | None, changes: dict[str, Any]
) -> Response:
    check_version(if_match, row)
    changes = schedules.settled(row, changes)
    after = {**row, **changes}
    service.check_action(request.app.state.actions, caller, after)
    following = service.timed(after, is_paused=row["status"] == "paused")
    return one(await schedules.update(db, row, changes | following | service.acted_by(caller)))


@router.get(
    "/{id}/next-run",
    response_model=Success[NextRun, Meta],
    responses=problems(schedules.NotFound, DatabaseUnavailable),
    name="schedules.next_run",
)
async def next_run(id: Id, caller: Reader, db: TenantDb) -> Response:
    """When the schedule's time comes; a paused one's would."""
    row = await schedules.get(db, id)
    found = upcoming(row, datetime.now(UTC), 5) if row["status"] != "finished" else []
    first = found[0] if found else None
    return plain(
        {
            "next_run_at": first,
            "next_run_local": first and first.astimezone(ZoneInfo(row["timezone"])).isoformat(),
            "timezone": row["timezone"],
            "upcoming": found,
            "in_words": explained(row["cron"]),
        }
    )


@router.get(
    "/{id}/history",
    response_model=Success[list[ScheduleRun], PageMeta],
    responses=problems(schedules.NotFound, DatabaseUnavailable),
    name="schedules.history",
)
async def history(id: Id, asked: Annotated[Paged, Query()], caller: Reader, db: TenantDb) -> Response:
    """Times of the schedule that came, the newest first, and what was done."""
    await schedules.get(db, id)
    rows, meta = await queries.runs(db, id, asked)
    return plain(rows, meta)


@schedules.action(router, "pause", ScheduleFinished)
async def pause(id: Id, db: TenantDb) -> Response:
    """Hold the schedule: its times pass. What runs goes on."""
    return one(await _set(db, id, service.paused, "schedule.paused"))


@schedules.action(router, "resume", ScheduleFinished)
async def resume(id: Id, db: TenantDb) -> Response:
    """Let the schedule go on with its next time after now."""
    return one(await _set(db, id, service.resumed, "schedule.resumed"))


@router.post(
    "/{id}/run-now",
    status_code=202,
    response_model=Success[TaskStarted, Meta],
    responses=problems(schedules.NotFound, ScheduleBusy, *BODY, *REPEATED),
    name="schedules.run_now",
    **acts(risk="risky"),
)
async def run_now(
    id: Id, caller: Writer, db: TenantDb, asked: Annotated[RunNow | None, Body()] = None
) -> Response:
    """Invoke its action now, as you; the times of the schedule stay as they are."""
    row = await schedules.get(db, id, lock=True)
    task = await service.run_now(db, row, despite_overlap=(asked or RunNow()).despite_overlap)
    return started(task)


async def _set(db: Transaction, schedule_id: Any, change: Any, name: str) -> Row:
    row = await schedules.get(db, schedule_id, lock=True)
    return await schedules.update(db, row, change(row), event=name)

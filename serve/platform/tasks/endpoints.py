"""Tasks over HTTP: how far work is, and a hand on it. One sees one's own; who may read tasks sees the tenant's."""

# No postponed annotations: FastAPI reads those of the endpoints, whose models are made by the resource.

from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Header, Query, Request, Response

from serve.kernel.asking import Asking
from serve.kernel.caller import Caller, Needs
from serve.kernel.db import DatabaseUnavailable, ReadDb, TenantDb, Transaction
from serve.kernel.envelope import PageMeta, Success, around
from serve.kernel.errors import problems
from serve.kernel.events import event
from serve.kernel.idempotency import KeyOfAnotherRequest, StillRunning
from serve.kernel.paging import Paged
from serve.kernel.resources import Resource
from serve.kernel.resources.schemas import ListMeta, RowMeta
from serve.kernel.resources.store import Row
from serve.kernel.resources.words import BODY, Id, one, plain, raw
from serve.kernel.tasks import store
from serve.kernel.tasks.errors import TaskEnded, TaskNotDead, TaskNotFailed, TaskNotPaused
from serve.kernel.tasks.models import tasks as table
from serve.platform.files import downloads
from serve.platform.files.errors import FileLost, RangeNotSatisfiable
from serve.platform.tasks import exports, queries
from serve.platform.tasks.exports import ExportNotReady
from serve.platform.tasks.schemas import Retry, StepRead, TaskFields, TaskRead

for _name, _meaning in {
    "started": "A worker has begun the task, or goes on with it.",
    "succeeded": "The task has ended well.",
    "failed": "The task has failed, and is not tried again by itself.",
    "failing": "A try of the task has failed; it is tried again in a while.",
    "handed_back": "The worker of the task has ended; another one goes on where it was.",
    "cancelled": "Somebody has cancelled the task.",
    "paused": "Somebody holds the task.",
    "resumed": "Somebody lets the task go on.",
    "retried": "Somebody has the task tried again.",
    "dismissed": "Somebody has put the failed task aside.",
}.items():
    event(f"task.{_name}", _meaning)

tasks = Resource(table, fields=TaskFields, read=TaskRead, calls=("stats", "history"))
router = tasks.router(tags=["tasks"])

Asked, Part = tasks.query, tasks.part_model
Reader = Annotated[Caller, Depends(Needs("self:read"))]
Writer = Annotated[Caller, Depends(Needs("self:write"))]
REPEATED = (StillRunning, KeyOfAnotherRequest)


@router.get(
    "",
    response_model=Success[list[TaskRead | Part], ListMeta],
    responses=problems(DatabaseUnavailable),
    name="tasks.list",
)
async def list_tasks(asked: Annotated[Asked, Depends(Asking(Asked))], caller: Reader, db: ReadDb) -> Response:
    """Tasks, filtered, sorted and in pages: one's own, or those of the tenant for who may read tasks."""
    listed = await tasks.listing.page(db, queries.only_own(asked, caller))
    return raw(around(listed.data, listed.meta))


@router.get(
    "/dead-letters",
    response_model=Success[list[TaskRead], PageMeta],
    responses=problems(DatabaseUnavailable),
    name="tasks.dead_letters",
)
async def dead_letters(asked: Annotated[Paged, Query()], caller: Reader, db: TenantDb) -> Response:
    """Tasks that failed and that nobody has tried again or put aside yet, the newest first."""
    rows, meta = await queries.dead_letters(db, tasks, asked, queries.whose(caller))
    return plain(rows, meta)


@router.get(
    "/{id}",
    response_model=Success[TaskRead, RowMeta],
    responses=problems(tasks.NotFound, DatabaseUnavailable),
    name="tasks.get",
)
async def get_task(id: Id, caller: Reader, db: TenantDb) -> Response:
    """One task: how far it is, what came of it. Ask again until `finished_at` is there."""
    return one(await _seen(db, id, caller))


@router.get(
    "/{id}/steps",
    response_model=Success[list[StepRead], PageMeta],
    responses=problems(tasks.NotFound, DatabaseUnavailable),
    name="tasks.steps",
)
async def steps(id: Id, asked: Annotated[Paged, Query()], caller: Reader, db: TenantDb) -> Response:
    """Steps of the task in the order in which they were begun."""
    await _seen(db, id, caller)
    rows, meta = await queries.steps(db, id, asked)
    return plain(rows, meta)


@router.get(
    "/{id}/file",
    response_class=Response,
    responses={
        **downloads.ANSWER,
        **problems(tasks.NotFound, ExportNotReady, RangeNotSatisfiable, DatabaseUnavailable),
    },
    name="tasks.file",
)
async def file(
    id: Id,
    request: Request,
    caller: Reader,
    db: TenantDb,
    range: Annotated[str | None, Header(description="One range of bytes: `bytes=0-1023`.")] = None,
    if_range: Annotated[str | None, Header(description="The ETag that the range is of.")] = None,
) -> Response:
    """The file that an export wrote; it is kept for a day."""
    task = await _seen(db, id, caller)
    record = exports.file_of(task)
    exports.check(caller, task["result"]["resource"])
    try:
        return await downloads.answer(request, {**record, "tenant_id": str(caller.tenant_id)})
    except FileLost as gone:
        raise exports.ExportNotReady from gone


def _asked_of(name: str, *kinds: Any) -> Any:
    return router.post(
        f"/{{id}}/{name}",
        response_model=Success[TaskRead, RowMeta],
        responses=problems(tasks.NotFound, *BODY, *kinds, *REPEATED),
        name=f"tasks.{name}",
    )


@_asked_of("cancel", TaskEnded)
async def cancel(id: Id, caller: Writer, db: TenantDb) -> Response:
    """Stop the task for good. What its finished steps did stays; the step that runs writes nothing any more."""
    task = await _seen(db, id, caller, lock=True)
    return await _changed(db, task, store.cancelled(task), "task.cancelled")


@_asked_of("pause", TaskEnded)
async def pause(id: Id, caller: Writer, db: TenantDb) -> Response:
    """Hold the task at the end of its last finished step."""
    task = await _seen(db, id, caller, lock=True)
    return await _changed(db, task, store.paused(task), "task.paused")


@_asked_of("resume", TaskNotPaused)
async def resume(id: Id, caller: Writer, db: TenantDb) -> Response:
    """Let a paused task go on."""
    task = await _seen(db, id, caller, lock=True)
    return await _changed(db, task, store.resumed(task), "task.resumed")


@_asked_of("retry", TaskNotFailed)
async def retry(id: Id, caller: Writer, db: TenantDb, asked: Retry | None = None) -> Response:
    """Try a failed or cancelled task again, from the step that failed or from the beginning."""
    task = await _seen(db, id, caller, lock=True)
    return await _changed(db, task, store.retried(task, (asked or Retry()).start), "task.retried")


@_asked_of("dismiss", TaskNotDead)
async def dismiss(id: Id, caller: Writer, db: TenantDb) -> Response:
    """Put a failed task aside: it is no dead letter any more."""
    task = await _seen(db, id, caller, lock=True)
    return await _changed(db, task, store.dismissed(task), "task.dismissed")


async def _seen(db: Transaction, task_id: UUID, caller: Caller, *, lock: bool = False) -> Row:
    """The task if the caller may see it. To change a stranger's takes the permission to write tasks."""
    task = await tasks.get(db, task_id, lock=lock)
    needed = "tasks:write" if lock else "tasks:read"
    if needed not in caller.permissions and str(task["user_id"]) != str(caller.user_id):
        raise tasks.NotFound
    return task


async def _changed(db: Transaction, task: Row, changes: dict[str, Any], name: str) -> Response:
    if not changes:
        return one(task)
    row = await db.fetch_one(*queries.change(tasks, task["id"], changes, name))
    assert row is not None
    return one(Row(row))

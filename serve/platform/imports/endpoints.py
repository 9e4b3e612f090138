"""How far the imports of files are, and what came of them."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Query, Request, Response
from starlette.responses import StreamingResponse

from serve.kernel.caller import Caller, Needs
from serve.kernel.db import DatabaseUnavailable, ReadDb, TenantDb
from serve.kernel.envelope import Meta, PageMeta, Success
from serve.kernel.errors import problems
from serve.kernel.idempotency import KeyOfAnotherRequest, StillRunning
from serve.kernel.resources.files import MEDIA_TYPES
from serve.kernel.resources.imports import ImportLine, ImportRead
from serve.kernel.resources.words import Id, plain
from serve.kernel.risk import acts
from serve.kernel.routing import area_router
from serve.kernel.tasks.answers import TaskStarted, started
from serve.platform.imports import queries, rejects, undoing
from serve.platform.imports.errors import (
    FileGone,
    ImportNotFound,
    ImportStillRuns,
    ImportUndone,
    NothingRejected,
    NothingToUndo,
)
from serve.platform.imports.schemas import ImportsQuery

router = area_router("/api/v1/imports", tags=["platform"])
Someone = Annotated[Caller, Depends(Needs("self:read"))]


@router.get(
    "",
    response_model=Success[list[ImportLine], PageMeta],
    responses=problems(DatabaseUnavailable),
    name="imports.list",
)
async def list_imports(asked: Annotated[ImportsQuery, Query()], caller: Someone, db: ReadDb) -> Response:
    """Imports of the tenant, the newest first.

    You see those of tables that you may write.
    """
    rows, meta = await queries.page(db, caller, asked)
    return plain(rows, meta)


@router.get(
    "/{id}",
    response_model=Success[ImportRead, Meta],
    responses=problems(ImportNotFound, DatabaseUnavailable),
    name="imports.get",
)
async def get_import(id: Id, caller: Someone, db: ReadDb) -> Response:
    """One import with the mistakes of its rows; ask again until `finished_at` is there."""
    return plain(await queries.one(db, caller, id))


@router.get(
    "/{id}/rejects",
    response_class=Response,
    responses={
        200: {
            "description": "The rows; JSON lines where the file was such.",
            "headers": {"Content-Disposition": {"description": "Its name.", "schema": {"type": "string"}}},
            "content": {
                kind: {"schema": {"type": "string"}} for kind in ("text/csv", "application/x-ndjson")
            },
        },
        **problems(ImportNotFound, NothingRejected, FileGone, DatabaseUnavailable),
    },
    name="imports.rejects",
)
async def get_rejects(id: Id, caller: Someone, db: TenantDb, request: Request) -> Response:
    """Every row that was rejected, as it stands in the file, with the reasons as a first column, `import_error`.

    Mend the rows and send the file again as it is, with the same mapping: that column is left out. The rows are there
    for a week. A text that a spreadsheet would run as a formula begins with an apostrophe, which an import takes off.
    """
    found = await rejects.find(db, id)
    said = await rejects.reasons(db, found)
    pieces = await rejects.file_of(request.app.state.files.storage, caller.tenant_id, found, said)
    name = f'attachment; filename="{rejects.name_of(found)}"'
    headers = {"Content-Disposition": name, "Cache-Control": "private, no-store"}
    kind = MEDIA_TYPES["jsonl" if found["format"] == "jsonl" else "csv"]
    return StreamingResponse(pieces, headers=headers, media_type=kind)


@router.post(
    "/{id}/undo",
    status_code=202,
    response_model=Success[TaskStarted, Meta],
    responses=problems(
        *(ImportNotFound, ImportStillRuns, ImportUndone, NothingToUndo),
        *(StillRunning, KeyOfAnotherRequest, DatabaseUnavailable),
    ),
    **acts(risk="risky"),
    name="imports.undo",
)
async def undo_import(id: Id, caller: Someone, db: TenantDb) -> Response:
    """Delete the rows that the import made, and give those that it changed back what they were.

    It goes on as a task. A row that somebody has changed since, or that something else refers to, is left as it is: the
    import names it, with the reason. What was deleted can be restored; its `external_id` is free for another import.
    """
    return started(await undoing.ask(db, id))

"""How far the imports of files are, and what came of them."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Query, Response

from serve.kernel.caller import Caller, Needs
from serve.kernel.db import DatabaseUnavailable, ReadDb
from serve.kernel.envelope import Meta, PageMeta, Success
from serve.kernel.errors import problems
from serve.kernel.resources.imports import ImportLine, ImportRead
from serve.kernel.resources.words import Id, plain
from serve.kernel.routing import area_router
from serve.platform.imports import queries
from serve.platform.imports.errors import ImportNotFound
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

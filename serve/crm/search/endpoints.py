"""The search over HTTP."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Query, Response

from serve.crm.search import service
from serve.crm.search.schemas import Hit, Question, SearchMeta
from serve.kernel.caller import Needs
from serve.kernel.db import DatabaseUnavailable, ReadDb
from serve.kernel.envelope import Success
from serve.kernel.errors import problems
from serve.kernel.resources.words import plain
from serve.kernel.routing import area_router

router = area_router(prefix="/api/v1/search", tags=["search"])


@router.get(
    "",
    response_model=Success[list[Hit], SearchMeta],
    dependencies=[Depends(Needs("self:read"))],
    responses=problems(DatabaseUnavailable),
    name="search",
)
async def search(asked: Annotated[Question, Query()], db: ReadDb) -> Response:
    """Find people, companies, papers, tickets, vehicles and whatever else you may read, the best answers first."""
    found = await service.search(db, asked.q, asked.kinds)
    meta = {
        "is_corrected": found.is_corrected,
        "has_more": len(found.hits) > asked.limit,
        "kinds": found.kinds,
    }
    return plain(found.hits[: asked.limit], meta)

"""Figures of leads over HTTP."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Response

from serve.crm.funnel import service
from serve.crm.funnel.schemas import Funnel, LeadsAsked, Replies, RepliesAsked
from serve.crm.leads.store import leads
from serve.kernel.db import DatabaseUnavailable, TenantDb
from serve.kernel.envelope import Meta, Success
from serve.kernel.errors import problems
from serve.kernel.resources.words import plain, reading
from serve.kernel.routing import area_router

router = area_router(prefix=leads.path, tags=["leads"])


@router.get(
    "/funnel",
    response_model=Success[Funnel, Meta],
    dependencies=[reading(leads)],
    responses=problems(DatabaseUnavailable),
    name="leads.funnel",
)
async def funnel(asked: Annotated[LeadsAsked, Query()], db: TenantDb) -> Response:
    """How far the leads that came in a period have got by now: counts, shares from step to step, median times.

    Leads of a snapshot, which have no moment at which they came, are left out.
    """
    return plain(await service.funnel(db, asked))


@router.get(
    "/first-reply",
    response_model=Success[Replies, Meta],
    dependencies=[reading(leads)],
    responses=problems(DatabaseUnavailable),
    name="leads.first_reply",
)
async def first_reply(asked: Annotated[RepliesAsked, Query()], db: TenantDb) -> Response:
    """How soon the leads of a period were answered first: median, nine of ten, and how many in time."""
    return plain(await service.replies(db, asked))

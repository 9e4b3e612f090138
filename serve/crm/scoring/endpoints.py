"""Scores and analyses of leads over HTTP."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Request, Response

from serve.crm.leads.store import leads
from serve.crm.scoring import service
from serve.crm.scoring.errors import LeadClosed, NoModelYet, NotAnalysed
from serve.crm.scoring.schemas import Analysis, LeadScore
from serve.kernel.db import DatabaseUnavailable, TenantDb
from serve.kernel.envelope import Meta, PageMeta, Success
from serve.kernel.errors import problems
from serve.kernel.idempotency import KeyOfAnotherRequest, RepeatableRoute, StillRunning
from serve.kernel.paging import Paged, page_meta
from serve.kernel.resources.words import Id, plain, reading, writing
from serve.kernel.routing import area_router

router = area_router(prefix=leads.path, tags=["leads"], route_class=RepeatableRoute)
_REPEATED = (DatabaseUnavailable, StillRunning, KeyOfAnotherRequest)


@router.post(
    "/{id}/score",
    response_model=Success[LeadScore, Meta],
    dependencies=[writing(leads)],
    responses=problems(leads.NotFound, LeadClosed, NoModelYet, *_REPEATED),
    name="leads.score",
)
async def score(id: Id, request: Request, db: TenantDb) -> Response:
    """Score the lead now: the chance that it is won within 30 days, and why, by the model of your own leads.

    It is scored anew by itself some seconds after it changes.
    """
    state = request.app.state
    return plain(await service.score(db, state.models, id, kept=state.settings.lead_scores_kept))


@router.post(
    "/{id}/analyze",
    response_model=Success[Analysis, Meta],
    dependencies=[writing(leads)],
    responses=problems(leads.NotFound, *_REPEATED),
    name="leads.analyze",
)
async def analyze(id: Id, request: Request, db: TenantDb) -> Response:
    """Put together what is known of the lead: score with reasons, contacts, leads like it, the next step.

    All of it is counted or computed from your rows. Where no model answers, `unscored_because` says why.
    """
    state = request.app.state
    return plain(await service.analyse(db, state.models, id, kept=state.settings.lead_scores_kept))


@router.get(
    "/{id}/analysis",
    response_model=Success[Analysis, Meta],
    dependencies=[reading(leads)],
    responses=problems(leads.NotFound, NotAnalysed, DatabaseUnavailable),
    name="leads.analysis",
)
async def analysis(id: Id, db: TenantDb) -> Response:
    """The newest analysis of the lead, as it was made."""
    return plain(await service.newest_analysis(db, id))


@router.get(
    "/{id}/scores",
    response_model=Success[list[LeadScore], PageMeta],
    dependencies=[reading(leads)],
    responses=problems(leads.NotFound, DatabaseUnavailable),
    name="leads.scores",
)
async def scores(id: Id, asked: Annotated[Paged, Query()], db: TenantDb) -> Response:
    """Scores that were asked for, or followed from a change, with the version that gave each; newest first.

    The newest of each lead are kept: 20, unless whoever runs the service sets `LEAD_SCORES_KEPT`.
    """
    window = asked.window()
    found, total = await service.scores(db, id, window)
    return plain(found, page_meta(window, total))

"""Requests for a review over HTTP, and what the page behind the link asks for."""

# No postponed annotations: the models of a resource's calls are made while its routes are.

from fastapi import Request, Response

from serve.crm.reviews import after_jobs as after_jobs  # its task
from serve.crm.reviews import answering, service
from serve.crm.reviews.errors import (
    JobNotDone,
    ReviewLinkNotFound,
    ReviewLinkUseless,
    ReviewNotAllowed,
    ReviewTooSoon,
)
from serve.crm.reviews.schemas import (
    ReviewByLink,
    ReviewLink,
    ReviewRequestAsked,
    ReviewRequestRead,
    ReviewShown,
)
from serve.crm.reviews.service import requests
from serve.identity.account_tokens.limits import LinkUsedTooOften, count_call
from serve.kernel.db import TenantDb
from serve.kernel.envelope import Meta, Success
from serve.kernel.errors import problems
from serve.kernel.idempotency import KeyOfAnotherRequest, StillRunning
from serve.kernel.resources.errors import Duplicate
from serve.kernel.resources.schemas import RowMeta
from serve.kernel.resources.words import BODY, one, plain, writing
from serve.kernel.routing import area_router
from serve.kernel.standing import TenantSuspended

router = requests.router()


@router.post(
    "",
    status_code=201,
    response_model=Success[ReviewRequestRead, RowMeta],
    dependencies=[writing(requests)],
    responses=problems(
        *BODY, Duplicate, JobNotDone, ReviewTooSoon, ReviewNotAllowed, StillRunning, KeyOfAnotherRequest
    ),
    name="review_requests.create",
)
async def create(asked: ReviewRequestAsked, db: TenantDb) -> Response:
    """Ask a customer what they think of the work, now or later, by a mail with a link.

    The purpose `review_requests` among those of privacy, its lawful basis, and what the person decided say whether they
    may be asked. Nobody is asked twice within `cooldown_days` of the settings `reviews`.
    """
    row = await service.ask(db, asked)
    return one(row, status=201, headers={"Location": f"{requests.path}/{row['id']}"})


# For whoever holds the link of a mail; not repeatable: saying the same twice is the same.
public = area_router(prefix="/api/v1/review-links", tags=["review requests"])
_LINK = (*BODY, ReviewLinkNotFound, ReviewLinkUseless, TenantSuspended, LinkUsedTooOften)


@public.post(
    "/show", response_model=Success[ReviewShown, Meta], responses=problems(*_LINK), name="review_links.show"
)
async def show(request: Request, asked: ReviewLink) -> Response:
    """What the link of this token is about, for who holds it. That it was opened is noted, once."""
    await count_call(request, asked.token)
    database, request_id = request.app.state.database, request.state.request_id
    return _private(plain(await answering.show(database, asked.token, request_id=request_id)))


@public.post(
    "", response_model=Success[ReviewShown, Meta], responses=problems(*_LINK), name="review_links.answer"
)
async def answer(request: Request, said: ReviewByLink) -> Response:
    """Say how content one is, or change it while the link is good."""
    await count_call(request, said.token)
    database, request_id = request.app.state.database, request.state.request_id
    return _private(plain(await answering.answer(database, said, request_id=request_id)))


def _private(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    return response

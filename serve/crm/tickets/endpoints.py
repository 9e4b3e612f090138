"""Tickets over HTTP."""

# No postponed annotations: FastAPI reads those of the endpoints, whose models are made by the resource.

from typing import Annotated

from fastapi import Body, Query, Request, Response

from serve.crm.tags.endpoints import add_tags
from serve.crm.tickets import escalation as escalation  # its tasks
from serve.crm.tickets import merging, replies, satisfaction, sla
from serve.crm.tickets.canned import canned_replies, render
from serve.crm.tickets.errors import (
    MergeStands,
    NotDoneYet,
    NotMerged,
    RatingLinkNotFound,
    RatingLinkUseless,
    StatusNotPossible,
    TicketClosed,
    TicketMerged,
)
from serve.crm.tickets.schemas import (
    Assignment,
    LinkedRating,
    Merge,
    RatingFields,
    RatingLink,
    RatingShown,
    Rendered,
    Rendering,
    ReplyFields,
    ReplyQuery,
    ReplyRead,
    Resolution,
    Resolved,
    SlaOfPriority,
    SlaQuery,
    TicketFields,
    TicketRead,
    TicketSla,
)
from serve.crm.tickets.service import tickets
from serve.identity.account_tokens.limits import LinkUsedTooOften, count_call
from serve.kernel.db import DatabaseUnavailable, TenantDb
from serve.kernel.envelope import Meta, PageMeta, Success
from serve.kernel.errors import NotConfigured, problems
from serve.kernel.idempotency import KeyOfAnotherRequest, StillRunning
from serve.kernel.resources.declaration import values_of
from serve.kernel.resources.errors import Duplicate
from serve.kernel.resources.schemas import RowMeta
from serve.kernel.resources.words import BODY, Id, one, plain, reading, writing
from serve.kernel.routing import also, area_router
from serve.kernel.standing import TenantSuspended

REPEATED = (StillRunning, KeyOfAnotherRequest)
router = tickets.router()
canned_router = canned_replies.router()
add_tags(router, tickets, TicketMerged)


@router.post(
    "",
    status_code=201,
    response_model=Success[TicketRead, RowMeta],
    dependencies=[writing(tickets)],
    responses=problems(*BODY, Duplicate, *REPEATED),
    name="tickets.create",
)
async def create(written: TicketFields, db: TenantDb) -> Response:
    """Open a ticket. It gets the next number of the tenant."""
    values = tickets.settled(None, values_of(written, sent_only=False))
    row = await tickets.insert(db, values)
    return one(row, status=201, headers={"Location": f"{tickets.path}/{row['id']}"})


further = [
    also(
        router, f"tickets.{name}", f"{method} /api/v1/crm/tickets", f"{method} /api/v1/communication/tickets"
    )
    for name, method in (("list", "GET"), ("create", "POST"))
]


@tickets.action(router, "resolve", StatusNotPossible, TicketMerged, NotConfigured, *BODY)
async def resolve(
    id: Id, request: Request, db: TenantDb, asked: Annotated[Resolved | None, Body()] = None
) -> Response:
    """Close the ticket as resolved, and say how. The contact can be asked how content they are, by mail."""
    row = await tickets.get(db, id, lock=True)
    asked = asked or Resolved()
    row = await tickets.change(db, row, status="resolved", resolution=asked.resolution or row["resolution"])
    if asked.ask_rating:
        state = request.app.state
        await satisfaction.ask(db, state.mail, row, state.settings.public_address)
    return one(row)


@tickets.action(router, "close", StatusNotPossible, TicketMerged, *BODY)
async def close(id: Id, db: TenantDb, asked: Annotated[Resolution | None, Body()] = None) -> Response:
    """Close the ticket for good; what comes afterwards reopens it by somebody's decision alone."""
    row = await tickets.get(db, id, lock=True)
    resolution = (asked and asked.resolution) or row["resolution"]
    return one(await tickets.change(db, row, status="closed", resolution=resolution))


@tickets.action(router, "reopen", StatusNotPossible, TicketMerged)
async def reopen(id: Id, db: TenantDb) -> Response:
    """Open a ticket again that was done; it will need another resolution."""
    row = await tickets.get(db, id, lock=True)
    return one(await tickets.change(db, row, status="open"))


@tickets.action(router, "assign", TicketMerged, *BODY)
async def assign(id: Id, asked: Assignment, db: TenantDb) -> Response:
    """Give the ticket to somebody, or take it from whoever has it."""
    row = await tickets.get(db, id, lock=True)
    return one(await tickets.change(db, row, assignee_id=asked.assignee_id))


@tickets.action(router, "merge", TicketMerged, TicketClosed, *BODY)
async def merge(id: Id, asked: Merge, db: TenantDb) -> Response:
    """Make the ticket part of another one of the same account: its replies go there, and it is closed."""
    return one(await merging.merge(db, id, asked.into_id))


@tickets.action(router, "unmerge", NotMerged, MergeStands)
async def unmerge(id: Id, db: TenantDb) -> Response:
    """Undo the merge: the ticket is as it was, with the replies that it had. Its clocks ran on meanwhile."""
    return one(await merging.unmerge(db, id))


@tickets.action(router, "satisfaction", NotDoneYet, TicketMerged, *BODY)
async def rate(id: Id, said: RatingFields, db: TenantDb) -> Response:
    """Write down how content the customer is with a ticket that is done; what was said before is replaced."""
    return one(await satisfaction.rate(db, id, said))


@router.get(
    "/{id}/replies",
    response_model=Success[list[ReplyRead], PageMeta],
    dependencies=[reading(tickets)],
    responses=problems(tickets.NotFound, DatabaseUnavailable),
    name="tickets.replies",
)
async def list_replies(id: Id, asked: Annotated[ReplyQuery, Query()], db: TenantDb) -> Response:
    """What was said in the ticket, the oldest first."""
    return plain(*await replies.page(db, id, asked))


@router.post(
    "/{id}/replies",
    status_code=201,
    response_model=Success[ReplyRead, Meta],
    dependencies=[writing(tickets)],
    responses=problems(*BODY, tickets.NotFound, TicketClosed, TicketMerged, NotConfigured, *REPEATED),
    name="tickets.reply",
)
async def reply(id: Id, said: ReplyFields, request: Request, db: TenantDb) -> Response:
    """Answer the customer, note something among colleagues, or write down what the customer said.

    The first public answer of ours is the ticket's first response. With `send_mail` it goes to the contact by mail. The
    contact's own words open a ticket that waited for them, or was resolved.
    """
    return plain(await replies.reply(db, request.app.state.mail, id, said), status=201)


@router.get(
    "/sla",
    response_model=Success[list[SlaOfPriority], Meta],
    dependencies=[reading(tickets)],
    responses=problems(DatabaseUnavailable),
    name="tickets.sla_figures",
)
async def sla_figures(asked: Annotated[SlaQuery, Query()], db: TenantDb) -> Response:
    """How promises were kept: all tickets with a policy first, then by priority, the highest first.

    What is late at this moment counts, whether anybody was told or not.
    """
    return plain(await sla.figures(db, asked))


@router.get(
    "/{id}/sla",
    response_model=Success[TicketSla, Meta],
    dependencies=[reading(tickets)],
    responses=problems(tickets.NotFound, DatabaseUnavailable),
    name="tickets.sla",
)
async def ticket_sla(id: Id, db: TenantDb) -> Response:
    """What is promised of the ticket, how its clocks stand now, and what people were told of them."""
    return plain(await sla.of_ticket(db, id))


@canned_router.get(
    "/{id}/render",
    response_model=Success[Rendered, Meta],
    dependencies=[reading(tickets)],
    responses=problems(canned_replies.NotFound, DatabaseUnavailable),
    name="canned_replies.render",
)
async def render_canned(id: Id, asked: Annotated[Rendering, Query()], db: TenantDb) -> Response:
    """The text with its places filled in for a ticket, to be looked at before it is sent."""
    return plain({"body": await render(db, id, asked.ticket_id)})


# For whoever holds the link of a mail; not repeatable: saying the same twice is the same.
public = area_router(prefix="/api/v1/ticket-ratings", tags=["tickets"])
_LINK = (RatingLinkNotFound, RatingLinkUseless, TenantSuspended, LinkUsedTooOften)


@public.post(
    "/show",
    response_model=Success[RatingShown, Meta],
    responses=problems(*BODY, *_LINK),
    name="ticket_ratings.show",
)
async def show_rating(request: Request, asked: RatingLink) -> Response:
    """What the link of this token is about, for who holds it. It changes nothing."""
    await count_call(request, asked.token)
    return _private(plain(await satisfaction.show(request.app.state.database, asked.token)))


@public.post(
    "",
    response_model=Success[RatingShown, Meta],
    responses=problems(*BODY, *_LINK, NotDoneYet, TicketMerged),
    name="ticket_ratings.rate",
)
async def rate_by_link(request: Request, said: LinkedRating) -> Response:
    """Say how content one is, or change it while the link is good."""
    await count_call(request, said.token)
    request_id = request.state.request_id
    shown = await satisfaction.rate_by_link(request.app.state.database, said, request_id=request_id)
    return _private(plain(shown))


def _private(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    return response

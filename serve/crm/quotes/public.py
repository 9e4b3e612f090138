"""What the page behind a quote's link asks for. Nobody has logged in; the key stands in the body, in no address."""

from __future__ import annotations

from fastapi import Request, Response

from serve.crm.quotes import deciding
from serve.crm.quotes.errors import (
    QuoteDecidedAlready,
    QuoteExpired,
    QuoteLinkUnknown,
    QuoteLinkUseless,
    QuoteWithdrawn,
    TotalDiffers,
)
from serve.crm.quotes.schemas import (
    QuoteLink,
    QuoteLinkAcceptance,
    QuoteLinkChoice,
    QuoteLinkRefusal,
    QuoteShown,
)
from serve.identity.account_tokens.limits import LinkUsedTooOften, count_call
from serve.kernel.envelope import Meta, Success
from serve.kernel.errors import problems
from serve.kernel.resources.words import BODY, plain
from serve.kernel.routing import area_router
from serve.kernel.standing import TenantSuspended
from serve.platform.files.names import attachment

PATH = "/api/v1/quotes/link"
PDF = {"content": {"application/pdf": {"schema": {"type": "string", "format": "binary"}}}}
_USELESS = (
    *(QuoteLinkUnknown, QuoteLinkUseless, QuoteWithdrawn, QuoteExpired),
    *(TenantSuspended, LinkUsedTooOften),
)
# Not repeatable: a second try finds the quote decided, and says so.
public = area_router(prefix=PATH, tags=["quotes"])


@public.post(
    "",
    response_model=Success[QuoteShown, Meta],
    responses=problems(*BODY, *_USELESS),
    name="quotes.link_show",
)
async def show(request: Request, asked: QuoteLinkChoice) -> Response:
    """The quote that the link was sent with, counted with the options that are `chosen`. Nothing is decided by it."""
    await count_call(request, asked.token)
    return _private(plain(await deciding.show(request.app.state.database, asked.token, asked.chosen)))


@public.post(
    "/pdf",
    response_class=Response,
    responses={200: PDF, **problems(*BODY, *_USELESS)},
    name="quotes.link_pdf",
)
async def pdf(request: Request, asked: QuoteLink) -> Response:
    """The paper of the quote, as it was sent; once it is accepted, with what was chosen and by whom."""
    await count_call(request, asked.token)
    state = request.app.state
    name, made = await deciding.pdf(state.database, asked.token, state.files.storage)
    return _private(Response(made, 200, {"Content-Disposition": attachment(name)}, "application/pdf"))


@public.post(
    "/accept",
    response_model=Success[QuoteShown, Meta],
    responses=problems(*BODY, *_USELESS, QuoteDecidedAlready, TotalDiffers),
    name="quotes.link_accept",
)
async def accept(request: Request, asked: QuoteLinkAcceptance) -> Response:
    """Accept the quote, with the options that are `chosen`, under a typed name; once, and while it is valid.

    `total_cents` is what was seen: another total is refused, so nobody accepts what they have not read.
    """
    await count_call(request, asked.token)
    database = request.app.state.database
    await deciding.accept_by_link(
        database,
        asked.token,
        name=asked.name,
        positions=asked.chosen,
        total_cents=asked.total_cents,
        request_id=request.state.request_id,
    )
    return _private(plain(await deciding.show(database, asked.token, None)))


@public.post(
    "/decline",
    response_model=Success[QuoteShown, Meta],
    responses=problems(*BODY, *_USELESS, QuoteDecidedAlready),
    name="quotes.link_decline",
)
async def decline(request: Request, asked: QuoteLinkRefusal) -> Response:
    """Say that the quote is not wanted, and why; once."""
    await count_call(request, asked.token)
    database = request.app.state.database
    await deciding.decline_by_link(
        database, asked.token, reason=asked.reason, request_id=request.state.request_id
    )
    return _private(plain(await deciding.show(database, asked.token, None)))


def _private(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    return response

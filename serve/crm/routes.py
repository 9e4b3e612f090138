"""Customers: the routes of the area."""

from __future__ import annotations

from fastapi.routing import APIRouter

from serve.crm.accounts import endpoints as accounts
from serve.crm.articles.asking import router as articles_asking
from serve.crm.articles.endpoints import router as articles
from serve.crm.calls.endpoints import router as calls
from serve.crm.contacts import endpoints as contacts
from serve.crm.leads import endpoints as leads
from serve.crm.quotes.endpoints import estimates_router as estimates
from serve.crm.quotes.endpoints import router as quotes
from serve.crm.quotes.public import public as quote_links
from serve.crm.sla.endpoints import calendar_router, policy_router
from serve.crm.tags import endpoints as tags
from serve.crm.tickets.endpoints import canned_router as canned_replies
from serve.crm.tickets.endpoints import elsewhere as tickets_elsewhere
from serve.crm.tickets.endpoints import public as ticket_ratings
from serve.crm.tickets.endpoints import router as tickets

PUBLIC = frozenset(
    {  # what the page behind a quote's link asks for: nothing without the key of the mail
        "POST /api/v1/quotes/link",
        "POST /api/v1/quotes/link/pdf",
        "POST /api/v1/quotes/link/accept",
        "POST /api/v1/quotes/link/decline",
        "POST /api/v1/ticket-ratings",  # and what the page behind the link about a ticket does
        "POST /api/v1/ticket-ratings/show",
    }
)
"""What may be called without logging in."""

ROUTERS: tuple[APIRouter, ...] = (
    *(each.router for each in (accounts, contacts, leads, tags)),
    articles,
    articles_asking,
    calls,
    estimates,
    quotes,
    quote_links,
    calendar_router,
    policy_router,
    tickets,
    tickets_elsewhere,
    canned_replies,
    ticket_ratings,
    *(router for each in (accounts, contacts, leads, tags) for router in each.further),
)

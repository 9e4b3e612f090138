"""Customers: the routes of the area."""

from __future__ import annotations

from fastapi.routing import APIRouter

from serve.crm.accounts import endpoints as accounts
from serve.crm.activity import endpoints as activity
from serve.crm.articles import asking
from serve.crm.articles import endpoints as articles
from serve.crm.assignment import endpoints as assignment
from serve.crm.calls import endpoints as calls
from serve.crm.contacts import endpoints as contacts
from serve.crm.figures import endpoints as figures
from serve.crm.funnel import endpoints as funnel
from serve.crm.leads import endpoints as leads
from serve.crm.people import endpoints as people
from serve.crm.people import link_endpoints as person_links
from serve.crm.places import endpoints as places
from serve.crm.places import map_endpoints as maps
from serve.crm.provenance import endpoints as provenance
from serve.crm.quotes import endpoints as quotes
from serve.crm.quotes.page import PAGE as QUOTE_PAGE
from serve.crm.quotes.public import public as quote_links
from serve.crm.reviews import endpoints as reviews
from serve.crm.reviews.page import PAGE as REVIEW_PAGE
from serve.crm.scoring import endpoints as scoring
from serve.crm.search import endpoints as search
from serve.crm.segments import endpoints as segments
from serve.crm.sla import endpoints as sla
from serve.crm.tags import endpoints as tags
from serve.crm.tickets import endpoints as tickets
from serve.crm.tickets.page import PAGE as RATING_PAGE

PUBLIC = frozenset(
    {
        "GET /quotes/accept",  # the page behind a quote's link; what that carries never reaches the server with it
        # What it asks for: nothing without the key of the mail.
        "POST /api/v1/quotes/link",
        "POST /api/v1/quotes/link/pdf",
        "POST /api/v1/quotes/link/accept",
        "POST /api/v1/quotes/link/decline",
        "GET /tickets/rate",  # another page, behind the link about a ticket
        "POST /api/v1/ticket-ratings",
        "POST /api/v1/ticket-ratings/show",
        "GET /reviews/answer",  # and the one behind a request for a review
        "POST /api/v1/review-links",
        "POST /api/v1/review-links/show",
    }
)
"""What may be called without logging in."""

ROUTERS: tuple[APIRouter, ...] = (
    *(
        each.router
        for each in (
            accounts,
            articles,
            asking,
            calls,
            contacts,
            leads,
            maps,
            places,
            quotes,
            reviews,
            tags,
            tickets,
        )
    ),
    assignment.router,
    segments.router,
    search.router,
    assignment.of_leads,
    funnel.router,
    figures.router,
    activity.router,
    provenance.router,
    scoring.router,
    *(quotes.estimates_router, quote_links, QUOTE_PAGE.router, sla.calendar_router, sla.policy_router),
    *(
        asking.of_tickets,
        tickets.canned_router,
        tickets.public,
        reviews.public,
        REVIEW_PAGE.router,
        RATING_PAGE.router,
        places.geocoder,
    ),
    *(people.router, people.merges, person_links.router),
    *(router for each in (accounts, contacts, leads, places, tags, tickets) for router in each.further),
)

"""Customers: the routes of the area."""

from __future__ import annotations

from fastapi.routing import APIRouter

from serve.crm.accounts.endpoints import router as accounts
from serve.crm.articles.endpoints import router as articles
from serve.crm.contacts.endpoints import router as contacts
from serve.crm.quotes.endpoints import estimates_router as estimates
from serve.crm.quotes.endpoints import router as quotes

ROUTERS: tuple[APIRouter, ...] = (
    accounts,
    articles,
    contacts,
    estimates,
    quotes,
)

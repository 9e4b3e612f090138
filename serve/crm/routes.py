"""Customers: the routes of the area."""

from __future__ import annotations

from fastapi.routing import APIRouter

from serve.crm.accounts.endpoints import router as accounts
from serve.crm.contacts.endpoints import router as contacts

ROUTERS: tuple[APIRouter, ...] = (
    accounts,
    contacts,
)

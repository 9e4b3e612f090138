"""Money: the routes of the area."""

from __future__ import annotations

from fastapi.routing import APIRouter

from serve.finance.invoices import endpoints as invoices
from serve.finance.payments import endpoints as payments

ROUTERS: tuple[APIRouter, ...] = (
    invoices.router,
    payments.router,
    *invoices.further,
    *payments.further,
)

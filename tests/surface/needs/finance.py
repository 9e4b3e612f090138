"""Invoices: no call makes one yet."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from uuid import UUID

from tests.surface.needs.common import NUMBERS, row_of
from tests.surface.operations import BY_NAME

if TYPE_CHECKING:
    from tests.surface.calls import Surface

INVOICES, PAYMENTS = "/api/v1/invoices", "/api/v1/payments"
TOTAL_CENTS = 11_900


def sent(surface: Surface, tenant: UUID | None) -> dict[str, str]:
    """An invoice of a new customer, of which nothing is paid; with its event, or totals would be those of before."""
    account = surface.make(BY_NAME["POST /api/v1/accounts"], tenant)["id"]
    ((row_id,),) = surface.firm.sql(
        "insert into invoices"
        " (tenant_id, account_id, number, status, issued_at, net_cents, tax_cents, total_cents, currency)"
        " select tenant_id, id, %s, 'sent', now(), 10000, 1900, 11900, 'EUR'"
        " from accounts, set_config('app.actor', %s, true) where id = %s"
        " returning id",
        *(f"X-{next(NUMBERS)}", f"user:{surface.firm.people[surface.firm.a, 'owner']}", account),
    )
    return {"id": str(row_id)}


BODIES: dict[str, dict[str, Any]] = {
    PAYMENTS: {"account_id": row_of("/api/v1/accounts"), "paid_at": None},
    f"POST {INVOICES}/{{id}}/mark-paid": {"method": "cash", "paid_at": None},
}

MAKERS: dict[str, Callable[[Surface, UUID | None], dict[str, str]]] = {INVOICES: sent}

LISTED: dict[str, Callable[[Surface, UUID | None], Any]] = {f"GET {INVOICES}": sent}

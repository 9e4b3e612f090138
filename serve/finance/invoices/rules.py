"""What may become of an invoice, and what of it is still to be paid; no database, no clock."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from serve.finance.invoices.errors import InvoiceNotOpen, InvoiceStatusDoesNotFollow

NEXT: Final[dict[str, frozenset[str]]] = {
    "draft": frozenset({"sent", "paid", "void"}),
    "sent": frozenset({"overdue", "paid", "void"}),
    "overdue": frozenset({"paid", "void"}),
    "paid": frozenset(),
    "void": frozenset(),
    "returned": frozenset(),
}
"""By status, what it may become. A draft may be paid as it is: deposits are, before any paper goes out."""
OPEN: Final = frozenset(status for status, following in NEXT.items() if "paid" in following)


def check_invoice(before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> None:
    """Raises InvoiceStatusDoesNotFollow."""
    if before is None or before["status"] == after["status"]:
        return
    if after["status"] not in NEXT[before["status"]]:
        raise InvoiceStatusDoesNotFollow(
            f"An invoice that is {before['status']} cannot be {after['status']}."
        )


def check_open(invoice: Mapping[str, Any]) -> None:
    """Raises InvoiceNotOpen."""
    if invoice["status"] not in OPEN or invoice["is_return"]:
        raise InvoiceNotOpen


def open_cents(invoice: Mapping[str, Any], paid_cents: int) -> int:
    """What is still to be paid, never below nothing.

    >>> sent = {"status": "sent", "is_return": False, "total_cents": 500}
    >>> open_cents(sent, 200), open_cents(sent, 600), open_cents({**sent, "status": "void"}, 0)
    (300, 0, 0)
    """
    if invoice["status"] not in OPEN or invoice["is_return"]:
        return 0
    return max(0, int(invoice["total_cents"]) - paid_cents)

"""What may be done with a request of a person, and when it is due. No database, no clock."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from serve.identity.privacy.errors import RequestNotReady

DUE_DAYS = 30
LONGER_DAYS = 60
"""What may be added once, with a reason (GDPR Art. 12(3))."""
BY_TASK = ("access", "erasure")

_FROM = {
    "verify": ("received",),
    "approve": ("verified", "failed"),
    "refuse": ("received", "verified", "failed"),
    "extend": ("received", "verified", "failed"),
    "withdraw": ("received", "verified", "failed"),
}


def check_state(request: Mapping[str, Any], verb: str) -> None:
    """Raises RequestNotReady."""
    lifts = verb == "withdraw" and request["kind"] == "restriction" and request["status"] == "done"
    if request["status"] not in _FROM[verb] and not lifts:
        raise RequestNotReady(f"A request that is {request['status']} takes no {verb}.")
    if verb == "extend" and request["due_at"] - request["received_at"] > timedelta(days=DUE_DAYS):
        raise RequestNotReady("The time of this request was made longer already.")


def due_at(received_at: datetime) -> datetime:
    return received_at + timedelta(days=DUE_DAYS)

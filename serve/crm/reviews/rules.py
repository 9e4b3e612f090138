"""What is allowed of requests for a review, and what follows."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from serve.crm.reviews.errors import JobNotDone, ReviewOver, ReviewSent, ReviewTooSoon
from serve.kernel.errors import Invalid
from serve.kernel.resources.store import NOW

UNDER_WAY = ("queued", "sent", "opened")
"""Before anybody has said anything."""
PLANNED = ("send_at", "message")


def check_request(before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> dict[str, Any]:
    """What follows from the changes that people of the firm may make: take it back, or write an answer down.

    Raises ReviewSent, ReviewOver, or Invalid naming what does not belong.
    """
    if before is None:
        return {}
    changed = {
        name
        for name in after
        if after[name] != before.get(name) and str(after[name]) != str(before.get(name))
    }
    if before["status"] != "queued" and (sent := [name for name in PLANNED if name in changed]):
        raise ReviewSent(details=[(name, "was sent") for name in sent])
    follows: dict[str, Any] = {}
    if "status" in changed:
        if after["status"] != "cancelled":
            raise Invalid(details=[("status", "people set it to cancelled alone")])
        if before["status"] not in UNDER_WAY:
            raise ReviewOver(details=[("status", f"is {before['status']}")])
        follows["cancelled_at"] = NOW
    follows |= _answer(before, after, changed)
    return follows


def _answer(before: Mapping[str, Any], after: Mapping[str, Any], changed: set[str]) -> dict[str, Any]:
    if after.get("rating") is None:
        if before.get("rating") is not None:
            raise Invalid(details=[("rating", "was given; it may be changed, not taken away")])
        if words := [name for name in ("comment", "published_on") if after.get(name)]:
            raise Invalid(details=[(name, "goes with a rating") for name in words])
        return {}
    if not changed & {"rating", "comment"}:
        return {}
    if after["status"] == "cancelled":
        raise ReviewOver(details=[("rating", "the request was cancelled")])
    return {"status": "answered", "answered_at": NOW, "answered_by": "staff"}


def check_job(job: Mapping[str, Any] | None, contact: Mapping[str, Any]) -> None:
    """Raises JobNotDone, or Invalid for a job of somebody else."""
    if job is None:
        raise Invalid(details=[("job_id", "names nothing that exists")])
    accounts = {str(row["account_id"]) for row in (job, contact) if row["account_id"] is not None}
    if len(accounts) > 1:
        raise Invalid(details=[("job_id", "is another customer's")])
    if job["status"] != "completed":
        raise JobNotDone(details=[("job_id", f"is {job['status']}")])


def check_pause(last: datetime | None, send_at: datetime, pause: timedelta) -> None:
    """Nobody is asked twice within the pause, before or after another time. Raises ReviewTooSoon saying when.

    >>> check_pause(None, datetime(2026, 1, 1), timedelta(days=90))
    """
    if last is not None and abs(send_at - last) < pause:
        again = (last + pause).strftime("%Y-%m-%dT%H:%M:%SZ")
        raise ReviewTooSoon(details=[("send_at", f"possible again from {again} on")])

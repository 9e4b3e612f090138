"""What is allowed of tickets, and what follows from a change. No database, no clock."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from serve.crm.tickets.errors import NotDoneYet, StatusNotPossible, TicketClosed, TicketMerged
from serve.crm.tickets.models import PRIORITIES
from serve.kernel.errors import Invalid

NEXT = {
    "open": {"pending", "resolved", "closed"},
    "pending": {"open", "resolved", "closed"},
    "resolved": {"open", "closed"},
    "closed": {"open"},
}
"""What may follow each status. ``pending`` waits for the customer."""
DONE = frozenset({"resolved", "closed"})


def check_ticket(before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> None:
    """A status follows from the one before, and what is done says how; what was merged stays as it is.

    Raises TicketMerged, StatusNotPossible or Invalid.
    """
    if before is not None and before["merged_into_id"] is not None:
        raise TicketMerged
    status = after["status"]
    if before is not None and status != before["status"] and status not in NEXT[before["status"]]:
        follows = ", ".join(sorted(NEXT[before["status"]]))
        raise StatusNotPossible(details=[("status", f"after {before['status']} come {follows}")])
    is_said = bool((after.get("resolution") or "").strip())
    is_same = before is not None and (status, after.get("resolution")) == (
        before["status"],
        before["resolution"],
    )
    if status in DONE and not is_said and not is_same:
        said = f"say what was done, or why nothing: the ticket is {status}"
        raise Invalid(details=[("resolution", said)])


def status_follows(
    before: Mapping[str, Any] | None, changes: Mapping[str, Any], now: datetime
) -> dict[str, Any]:
    """The columns that follow from another status, beside those that were asked for.

    A ticket that is closed without having been resolved counts as resolved then. Reopened, it needs another
    resolution.
    """
    status, was = changes.get("status"), before and before["status"]
    if status is None or status == was:
        return {}
    if status == "resolved":
        return {"resolved_at": now}
    if status == "closed":
        return {"closed_at": now} | ({} if before and before["resolved_at"] else {"resolved_at": now})
    if was not in DONE or before is None:
        return {}
    return {
        "resolved_at": None,
        "closed_at": None,
        "resolution": changes.get("resolution"),
        "reopened_count": before["reopened_count"] + 1,
    }


def event_of(before: Mapping[str, Any], changes: Mapping[str, Any]) -> str:
    """What happened, if it has a name of its own."""
    status = changes.get("status", before["status"])
    if status != before["status"]:
        if status in DONE:
            return f"ticket.{status}"
        return "ticket.reopened" if before["status"] in DONE else ""
    if "assignee_id" in changes and str(changes["assignee_id"]) != str(before["assignee_id"]):
        return "ticket.assigned"
    return ""


def check_reply(
    ticket: Mapping[str, Any],
    *,
    is_internal: bool,
    is_from_contact: bool,
    status: str | None,
    is_mailed: bool,
) -> None:
    """Raises Invalid naming every field that does not go with the others, TicketClosed or TicketMerged."""
    if ticket["merged_into_id"] is not None:
        raise TicketMerged
    wrong = []
    if is_internal and is_from_contact:
        wrong.append(("is_internal", "what the contact wrote is no note of ours"))
    if is_from_contact and ticket["contact_id"] is None:
        wrong.append(("is_from_contact", "the ticket has no contact"))
    if is_from_contact and status == "pending":
        wrong.append(("status", "the customer has just answered: the ticket is open"))
    if is_mailed and (is_internal or is_from_contact):
        wrong.append(("send_mail", "only a public reply of ours is sent"))
    if is_mailed and ticket["contact_id"] is None:
        wrong.append(("send_mail", "the ticket has no contact"))
    if wrong:
        raise Invalid(details=wrong)
    if ticket["status"] == "closed" and not is_internal:
        raise TicketClosed


def after_reply(
    ticket: Mapping[str, Any], *, is_internal: bool, is_from_contact: bool, status: str | None, now: datetime
) -> dict[str, Any]:
    """The columns of the ticket that change with a reply.

    The first public reply of staff is the first response. A customer's answer opens what waited for it, or was
    resolved.
    """
    changes: dict[str, Any] = {}
    if is_from_contact:
        status = "open"
    elif not is_internal and ticket["first_response_at"] is None:
        changes["first_response_at"] = now
    if status is not None and status != ticket["status"]:
        changes["status"] = status
    return changes


def assumed_history(ticket: Mapping[str, Any]) -> list[tuple[datetime, str]]:
    """Since when it had which status, of a ticket whose changes nobody noted: what its own moments say."""
    opened_at, status = ticket["opened_at"], ticket["status"]
    if status == "open":
        return [(opened_at, "open")]
    since = ticket["first_response_at"] if status == "pending" else ticket["resolved_at"]
    return [(opened_at, "open"), (max(since or opened_at, opened_at), status)]


def raised(priority: str) -> str:
    """
    >>> raised("normal"), raised("urgent")
    ('high', 'urgent')
    """
    return PRIORITIES[min(PRIORITIES.index(priority) + 1, len(PRIORITIES) - 1)]


def check_merge(source: Mapping[str, Any], target: Mapping[str, Any]) -> None:
    """Both are one customer's, and neither was merged. Raises TicketMerged, TicketClosed or Invalid."""
    if source["id"] == target["id"]:
        raise Invalid(details=[("into_id", "is the ticket itself")])
    if source["merged_into_id"] is not None:
        raise TicketMerged
    if target["merged_into_id"] is not None:
        raise TicketMerged("The other ticket was merged itself. Name the one that it was merged into.")
    if source["account_id"] != target["account_id"]:
        raise Invalid(details=[("into_id", "belongs to another account, whose people would read this one")])
    if target["status"] == "closed":
        raise TicketClosed(
            "The other ticket is closed: nobody would look at what comes there. Reopen it first."
        )


def check_rating(ticket: Mapping[str, Any]) -> None:
    """Raises TicketMerged or NotDoneYet."""
    if ticket["merged_into_id"] is not None:
        raise TicketMerged
    if ticket["status"] not in DONE:
        raise NotDoneYet

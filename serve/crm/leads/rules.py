"""What is allowed of leads, and what follows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from serve.crm.leads.errors import LeadConverted, LeadLost, StatusDoesNotFollow
from serve.crm.places.cells import cell_of
from serve.crm.places.rules import check_point
from serve.kernel.errors import Invalid
from serve.kernel.resources.store import NOW

NEXT: dict[str, tuple[str, ...]] = {
    "new": ("contacted", "qualified", "lost"),
    "contacted": ("qualified", "won", "lost"),
    "qualified": ("contacted", "won", "lost"),
    "won": ("qualified",),  # the sale fell through
    "lost": ("contacted",),  # they came back
}
"""What may follow each status."""

NEEDS: dict[str, tuple[str, ...]] = {"won": ("value_cents",), "lost": ("lost_reason",)}
"""Without what a lead cannot have a status."""

FIRST = {"contacted": "contacted_at", "qualified": "qualified_at"}
"""When a lead had a status for the first time."""

LAST = {"won": ("won_at",), "lost": ("lost_at", "lost_reason")}
"""What a lead has for as long as it has a status."""

NAMES = ("company", "email", "phone", "external_id")
"""What a lead is called, in this order, when nobody is named."""

ANSWERS = frozenset({"call", "email", "reply", "meeting"})
"""What counts as an answer when it goes out: the first one stops the clock."""

FOUND = ("known_place", "geocoder")
"""Sources of coordinates that nobody gave."""

EVENTS = {status: f"lead.{status}" for status in ("contacted", "qualified", "won", "lost")}


def check_lead(before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> dict[str, Any]:
    """What follows from the values of a lead after a change: its name, and the moments of its statuses.

    Raises StatusDoesNotFollow, or Invalid naming what is missing or does not belong.
    """
    status, was = after["status"], before["status"] if before else None
    check_point(after)
    if was is not None and status != was and status not in NEXT[was]:
        raise StatusDoesNotFollow(details=[("status", f"after {was} come {', '.join(NEXT[was])}")])
    if missing := [name for name in NEEDS.get(status, ()) if after.get(name) is None]:
        raise Invalid(details=[(name, f"is needed of a lead that is {status}") for name in missing])
    follows: dict[str, Any] = {"full_name": _name_of(after), **_place(before or {}, after)}
    for each, columns in LAST.items():
        for column in columns:
            if each == status or after.get(column) is None:
                continue
            if was != each:
                raise Invalid(details=[(column, f"only a lead that is {each} has it")])
            follows[column] = None
    if status in LAST and after.get(LAST[status][0]) is None:
        follows[LAST[status][0]] = NOW
    if status in FIRST and status != was and after.get(FIRST[status]) is None:
        follows[FIRST[status]] = NOW
    return follows


def event_of(before: Mapping[str, Any], status: str) -> str:
    """The name of what happens when a lead gets this status."""
    if before["status"] in LAST and status != before["status"]:
        return "lead.reopened"
    return EVENTS.get(status, "")


def answers(kind: str, direction: str) -> bool:
    """Whether a contact is an answer to the lead."""
    return direction == "out" and kind in ANSWERS


def check_convertible(lead: Mapping[str, Any]) -> None:
    """Raises LeadConverted or LeadLost."""
    if lead["converted_at"] is not None:
        raise LeadConverted
    if lead["status"] == "lost":
        raise LeadLost


def status_of_converted(lead: Mapping[str, Any], asked: str | None, *, has_job: bool) -> str:
    """A job was agreed upon, so its lead is won; otherwise it is qualified, unless somebody says that it is won.

    Raises Invalid.
    """
    if lead["status"] == "won" and asked == "qualified":
        raise Invalid(details=[("status", "this lead is won already")])
    return asked or ("won" if has_job or lead["status"] == "won" else "qualified")


def steps(was: str, wanted: str) -> tuple[str, ...]:
    """The statuses that a lead gets on its way, the wanted one last; none when it has that one.

    >>> steps("new", "won"), steps("contacted", "won"), steps("won", "won")
    (('qualified', 'won'), ('won',), ())
    """
    if was == wanted:
        return ()
    return (wanted,) if wanted in NEXT[was] else ("qualified", wanted)


def contact_from(lead: Mapping[str, Any], account_id: Any) -> dict[str, Any]:
    """The person that a lead becomes."""
    same = ("full_name", "email", "phone", "job_title", "tags", "consent_email")
    return {"account_id": account_id, **{name: lead[name] for name in same}}


def account_from(
    lead: Mapping[str, Any], given: Mapping[str, Any], *, status: str, own_country: str
) -> dict[str, Any]:
    """The customer that a lead becomes: its company, or the household of the person. ``given`` goes first."""
    kind = given.get("kind") or ("company" if lead["company"] else "household")
    follows = {
        "kind": kind,
        "name": (lead["company"] if kind == "company" else None) or lead["full_name"],
        "segment": "smb" if kind == "company" else "consumer",
        "status": "active" if status == "won" else "prospect",
        "zone_id": lead["zone_id"],
        "city": lead["city"],
        "country": lead["country"] or own_country,
        "tags": lead["tags"],
    }
    return {**follows, **{name: value for name, value in given.items() if value is not None}}


def _place(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """What follows for a lead that lies elsewhere than before. Without coordinates its address is looked up again.

    Those that were found by an address go with it, whoever changes that: the database sees to it (``forget_place``).
    """
    place, was = (tuple(row.get(name) for name in ("latitude", "longitude")) for row in (after, before))
    if place == was:
        return {}
    anew = {"located_at": None} if before.get("located_at") is not None else {}
    if place[0] is None:
        return {"cell": None, "coordinates_source": None, **anew}
    return {"cell": cell_of(*place), "coordinates_source": "given", **anew}


def _name_of(after: Mapping[str, Any]) -> str:
    if name := (after.get("full_name") or "").strip():
        return name
    for column in NAMES:
        if after.get(column):
            return str(after[column])
    raise Invalid(details=[("full_name", "say who it is: by a name, a company, an address or a number")])

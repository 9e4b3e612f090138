"""What is allowed of calendars and policies, and which policy a ticket has. No database, no clock."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from serve.crm.sla.hours import DAYS, countries, minutes_of, overlap
from serve.kernel.errors import Invalid

TARGETS = ("first_reply_minutes", "resolution_minutes")
CONDITIONS = ("priority", "channel", "segment")


def check_calendar(before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> None:
    """Hours of a day follow one another, and holidays are those of a place that is known. Raises Invalid."""
    wrong: list[tuple[str, str]] = []
    by_day: dict[str, list[tuple[int, int]]] = {day: [] for day in DAYS}
    for place, span in enumerate(after["hours"]):
        opens, closes = minutes_of(span["opens"]), minutes_of(span["closes"])
        if closes <= opens:
            wrong.append(
                (f"hours[{place}].closes", "must come after opens; what goes on at midnight is two lines")
            )
        by_day[span["day"]].append((opens, closes))
    wrong += [("hours", f"hours of {day} overlap") for day, spans in by_day.items() if overlap(spans)]
    country, subdivision = after.get("country"), after.get("subdivision")
    known = countries()
    if country is not None and country not in known:
        wrong.append(("country", "is none whose holidays are known here; leave it out and write closed_days"))
    elif subdivision is not None and (country is None or subdivision not in known[country]):
        parts = ", ".join(known.get(country, [])[:60]) if country else ""
        wrong.append(("subdivision", f"is no part of the country; there are: {parts or 'none'}"))
    if wrong:
        raise Invalid(details=wrong)


def check_policy(before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> None:
    """It promises something, and the default is for all that no other one takes. Raises Invalid."""
    wrong = []
    if after.get("first_reply_minutes") is None and after.get("resolution_minutes") is None:
        wrong.append(("first_reply_minutes", "promise this or resolution_minutes"))
    targets = [after[name] for name in TARGETS if after.get(name) is not None]
    if (
        after.get("warn_before_minutes") is not None
        and targets
        and after["warn_before_minutes"] >= min(targets)
    ):
        wrong.append(("warn_before_minutes", "must be less than what is promised"))
    if after["is_default"]:
        wrong += [
            (name, "is no matter for the default, which takes what no other policy takes")
            for name in CONDITIONS
            if after.get(name) is not None
        ]
    if wrong:
        raise Invalid(details=wrong)


def policy_for(policies: Iterable[Mapping[str, Any]], ticket: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The first by ``position`` whose conditions all hold, the default after all others; none where nothing holds.

    ``ticket`` has ``priority``, ``channel`` and the ``segment`` of its account.
    """
    fitting = [
        policy
        for policy in policies
        if policy["is_active"] and all(policy[name] in (None, ticket[name]) for name in CONDITIONS)
    ]
    return min(
        fitting,
        key=lambda policy: (policy["is_default"], policy["position"], str(policy["id"])),
        default=None,
    )

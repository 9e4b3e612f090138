"""The clocks of a ticket: how long it has waited, until when it may, and whether that was too long.

A clock runs while the ticket is open. It rests while the ticket is pending, because then the customer has the next
word, and stands while it is done. No database, no clock on the wall: everything follows from what is given.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from serve.crm.sla.hours import Calendar, add_worked, worked

Name = Literal["first_reply", "resolution"]
NAMES: tuple[Name, ...] = ("first_reply", "resolution")
History = Sequence[tuple[datetime, str]]
"""(since when, which status), the oldest first; never empty."""
State = Literal["running", "paused", "stopped"]
_STATES: Mapping[str, State] = {
    "open": "running",
    "pending": "paused",
    "resolved": "stopped",
    "closed": "stopped",
}


@dataclass(frozen=True, slots=True)
class Clock:
    """``due_at`` is empty while a pause keeps anybody from knowing it. ``breached_at`` is the ``due_at`` that it ran
    beyond."""

    name: Name
    state: State
    target_s: float
    elapsed_s: float
    due_at: datetime | None
    breached_at: datetime | None


@dataclass(frozen=True, slots=True)
class _Span:
    """A while in which the clock ran; the last one may have no end. ``is_paused``: then the customer had the word."""

    begin: datetime
    end: datetime | None
    is_paused: bool


def clock(
    name: Name,
    calendar: Calendar | None,
    target: timedelta,
    history: History,
    *,
    now: datetime,
    stopped_at: datetime | None = None,
) -> Clock:
    """What the clock shows at ``now``. ``stopped_at`` ends it for good; being done ends it until it is reopened."""
    due_at = breached_at = was_due_at = None
    elapsed = timedelta()
    for span in _spans(history, stopped_at):
        if due_at is None:
            reached = add_worked(calendar, span.begin, target - elapsed)
            if span.end is None:
                due_at, breached_at = reached, reached if reached is not None and reached <= now else None
            elif reached is not None and reached < span.end:
                due_at = breached_at = reached
            was_due_at = None if span.is_paused else reached
        elapsed += worked(calendar, span.begin, now if span.end is None else span.end)
    state = _STATES[history[-1][1]] if stopped_at is None else "stopped"
    return Clock(
        name, state, target.total_seconds(), elapsed.total_seconds(), due_at or was_due_at, breached_at
    )


def _spans(history: History, stopped_at: datetime | None) -> Iterator[_Span]:
    ends: list[tuple[datetime | None, str]] = [*history[1:], (None, "")]
    for (begin, status), (end, follows) in zip(history, ends, strict=True):
        if stopped_at is not None and (end is None or stopped_at < end):
            if status == "open" and begin < stopped_at:
                yield _Span(begin, stopped_at, is_paused=False)
            return
        if status == "open":
            yield _Span(begin, end, is_paused=follows == "pending")


def clocks_of(
    policy: Mapping[str, Any],
    calendar: Calendar | None,
    ticket: Mapping[str, Any],
    history: History,
    now: datetime,
) -> list[Clock]:
    """The clocks of which the policy promises something."""
    found = []
    for name in NAMES:
        minutes = policy[f"{name}_minutes"]
        if minutes is None:
            continue
        stopped_at = ticket["first_response_at"] if name == "first_reply" else None
        target = timedelta(minutes=minutes)
        found.append(clock(name, calendar, target, history, now=now, stopped_at=stopped_at))
    return found

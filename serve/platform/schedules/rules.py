"""When a schedule's time comes, and what is done then. No database, no clock."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any, Literal, NamedTuple
from zoneinfo import ZoneInfo, available_timezones

from cronsim import CronSim, CronSimError

from serve.kernel.errors import Invalid

Overlap = Literal["skip", "queue", "allow", "cancel_previous"]
Deed = Literal["start", "cancel_and_start", "wait", "skip", "miss"]

ZONES = frozenset(available_timezones())
MOST_MISSED = 1000


class Decision(NamedTuple):
    """What to do about a time that came: for which moment, why not if not, and how many before it had passed unseen."""

    deed: Deed
    due_at: datetime
    reason: str | None
    missed_count: int


def check_cron(text: str) -> str:
    """Raises ValueError saying what is wrong with it."""
    if len(text.split()) != 5:
        raise ValueError("must have five fields: minute, hour, day of the month, month, day of the week")
    try:
        CronSim(text, datetime(2000, 1, 1, tzinfo=UTC))
    except CronSimError as error:
        raise ValueError(f"is no cron expression: {str(error).lower()}") from error
    return " ".join(text.split())


def check_zone(name: str) -> str:
    """Raises ValueError."""
    if name not in ZONES:
        raise ValueError("is no time zone; write it as Europe/Berlin or UTC")
    return name


def check_schedule(before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> None:
    """Raises Invalid unless it has one kind of time: a cron expression, or a moment."""
    cron, run_at = after.get("cron"), after.get("run_at")
    if (cron is None) == (run_at is None):
        raise Invalid(details=[("cron", "either cron or run_at must be there, and not both")])


def times(cron: str, zone: str, after: datetime) -> Iterator[datetime]:
    """The moments (UTC) after that one, by the clocks of the zone.

    When clocks go forward, a time that they leave out is made up for at once; when they go back, a fixed time comes
    once, and what comes every hour or minute goes on with real time: the rules of Debian's cron.
    """
    local = CronSim(cron, after.astimezone(ZoneInfo(zone)))
    return (each.astimezone(UTC) for each in local)


def next_time(schedule: Mapping[str, Any], after: datetime) -> datetime | None:
    """The next moment after that one, None when there is none any more."""
    return next(iter(upcoming(schedule, after, 1)), None)


def upcoming(schedule: Mapping[str, Any], after: datetime, count: int) -> list[datetime]:
    """At most so many of the next moments."""
    if schedule["cron"] is None:
        found = [schedule["run_at"]] if schedule["run_at"] > after else []
    else:
        found = list(islice(times(schedule["cron"], schedule["timezone"], after), count))
    ends_at = schedule["ends_at"]
    return [each for each in found if ends_at is None or each <= ends_at]


def decide(schedule: Mapping[str, Any], now: datetime, *, is_busy: bool) -> Decision:
    """What to do now about a schedule whose ``next_run_at`` has come.

    Where several times have passed, the last of them counts, if it is no older than ``catch_up_s``.
    """
    due_at, missed = schedule["next_run_at"], 0
    if schedule["cron"] is not None:
        for later in islice(times(schedule["cron"], schedule["timezone"], due_at), MOST_MISSED):
            if later > now:
                break
            due_at, missed = later, missed + 1
    if now - due_at > timedelta(seconds=schedule["catch_up_s"]):
        return Decision("miss", due_at, "Nobody was there to begin it in time.", missed)
    if not is_busy or schedule["overlap"] == "allow":
        return Decision("start", due_at, None, missed)
    if schedule["overlap"] == "cancel_previous":
        return Decision("cancel_and_start", due_at, None, missed)
    if schedule["overlap"] == "queue" and schedule["waiting_since"] is None:
        return Decision("wait", due_at, "The run before it has not ended; it begins then.", missed)
    reason = (
        "The run before it had not ended." if schedule["overlap"] == "skip" else "One is waiting already."
    )
    return Decision("skip", due_at, reason, missed)


def explained(cron: str | None) -> str | None:
    """In words: ``At 02:30 on Monday through Friday``."""
    return None if cron is None else str(CronSim(cron, datetime(2000, 1, 1, tzinfo=UTC)).explain())

"""Figures of leads: the funnel of a period, and its first answers by all time or by working time."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from serve.crm.funnel import queries
from serve.crm.funnel.rules import quantile, share, span_of
from serve.crm.funnel.schemas import LeadsAsked, RepliesAsked
from serve.crm.sla.hours import calendar_of, worked_s
from serve.crm.sla.service import calendars
from serve.kernel.db import Transaction
from serve.kernel.errors import Invalid, NotFound
from serve.platform.settings.categories import CATEGORIES
from serve.platform.settings.service import current

MOST_BY_CALENDAR = 20_000
"""Working time is counted lead by lead."""


async def funnel(db: Transaction, asked: LeadsAsked) -> dict[str, Any]:
    """Raises Invalid."""
    span = span_of(asked.date_start, asked.date_end, today=datetime.now(UTC).date())
    whole, *sources = await queries.steps(db, asked, span)
    return {
        "date_start": span[0],
        "date_end": span[1],
        **_shares(whole),
        "by_source": [{"source": each["source"], **_shares(each)} for each in sources],
    }


async def replies(db: Transaction, asked: RepliesAsked) -> dict[str, Any]:
    """Raises Invalid for a calendar that there is not, and for more leads than are counted by one."""
    now = datetime.now(UTC)
    span = span_of(asked.date_start, asked.date_end, today=now.date())
    target_s = asked.target_s
    if target_s is None:
        sales = (await current(db, [CATEGORIES["sales"]]))["sales"].values
        target_s = sales.first_reply_target_min * 60
    if asked.calendar_id is None:
        found: Mapping[str, Any] = await queries.replies(db, asked, span, target_s, now)
    else:
        found = await _by_calendar(db, asked, span, target_s, now)
    in_time, due = found["in_time_count"], found["answered_count"] + found["late_count"]
    shown = ("came_count", "answered_count", "waiting_count", "median_s", "p90_s", "in_time_count")
    return {
        "date_start": span[0],
        "date_end": span[1],
        "calendar_id": asked.calendar_id,
        "target_s": target_s,
        **{name: found[name] for name in shown},
        "in_time_share": share(in_time, due),
    }


async def _by_calendar(
    db: Transaction, asked: RepliesAsked, span: Any, target_s: int, now: datetime
) -> dict[str, Any]:
    assert asked.calendar_id is not None
    try:
        calendar = calendar_of(await calendars.get(db, asked.calendar_id))
    except NotFound as absent:
        raise Invalid(details=[("calendar_id", "names nothing that exists")]) from absent
    rows = await queries.each(db, asked, span, MOST_BY_CALENDAR + 1)
    if len(rows) > MOST_BY_CALENDAR:
        said = f"more than {MOST_BY_CALENDAR:,} leads came: ask for fewer days, or without a calendar"
        raise Invalid(details=[("date_start", said)])
    answered = sorted(
        worked_s(calendar, row["created_at"], row["first_replied_at"])
        for row in rows
        if row["first_replied_at"] is not None
    )
    waited = [
        worked_s(calendar, row["created_at"], now)
        for row in rows
        if row["first_replied_at"] is None and row["is_open"]
    ]
    late = sum(each > target_s for each in waited)
    return {
        "came_count": len(rows),
        "answered_count": len(answered),
        "in_time_count": sum(each <= target_s for each in answered),
        "waiting_count": len(waited) - late,
        "late_count": late,
        "median_s": quantile(answered, 0.5),
        "p90_s": quantile(answered, 0.9),
    }


def _shares(row: Mapping[str, Any]) -> dict[str, Any]:
    came, contacted, qualified = (row[f"{step}_count"] for step in ("came", "contacted", "qualified"))
    won, lost = row["won_count"], row["lost_count"]
    return {
        "came_count": came,
        "contacted_count": contacted,
        "qualified_count": qualified,
        "won_count": won,
        "lost_count": lost,
        "open_count": came - won - lost,
        "contacted_share": share(contacted, came),
        "qualified_share": share(qualified, contacted),
        "won_share": share(won, qualified),
        "overall_share": share(won, came),
        "win_rate": share(won, won + lost),
        **{name: row[name] for name in ("median_contact_s", "median_qualify_s", "median_win_s")},
    }

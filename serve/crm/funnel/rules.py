"""Figures of a period from what was counted in it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date, timedelta

from serve.kernel.errors import Invalid

LONGEST_DAYS = 3_700
USUAL_DAYS = 30


def span_of(start: date | None, end: date | None, *, today: date) -> tuple[date, date]:
    """The first and the last day, both included: the last 30 days unless said. Raises Invalid.

    >>> span_of(None, date(2026, 1, 31), today=date(2026, 3, 1))
    (datetime.date(2026, 1, 2), datetime.date(2026, 1, 31))
    """
    last = end or max(today, start or today)
    first = start or last - timedelta(days=USUAL_DAYS - 1)
    if not 1 <= (last - first).days + 1 <= LONGEST_DAYS:
        raise Invalid(details=[("date_end", f"must lie up to {LONGEST_DAYS - 1} days after date_start")])
    return first, last


def share(part: int, whole: int) -> float | None:
    """0 to 1; empty where there is no whole."""
    return part / whole if whole else None


def quantile(ordered: Sequence[float], place: float) -> float | None:
    """Between the two nearest values in proportion, as PostgreSQL's percentile_cont; empty of nothing.

    >>> quantile([1.0, 2.0, 4.0], 0.5), quantile([1.0, 2.0], 0.9), quantile([], 0.5)
    (2.0, 1.9, None)
    """
    if not ordered:
        return None
    at = place * (len(ordered) - 1)
    below = math.floor(at)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (at - below)

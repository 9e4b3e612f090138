"""What several subjects brought together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def total(kind: str, subjects: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Sums over subjects; profit and ROI leave out investments whose return is not recorded.

    >>> total("vehicle", [
    ...     {"investment_cents": 100, "return_cents": 150, "profit_cents": 50, "traced_cents": 100},
    ...     {"investment_cents": 70, "return_cents": None, "profit_cents": None, "traced_cents": None},
    ... ])["roi"]
    0.5
    """
    investment, traced = (_sum(subjects, name) or 0 for name in ("investment_cents", "traced_cents"))
    profit = _sum(subjects, "profit_cents")
    return {
        "subject_kind": kind,
        "subject_count": len(subjects),
        "investment_cents": investment,
        "return_cents": _sum(subjects, "return_cents"),
        "profit_cents": profit,
        "roi": profit / traced if profit is not None and traced else None,
        "untraced_investment_cents": investment - traced,
    }


def _sum(rows: Sequence[Mapping[str, Any]], name: str) -> int | None:
    known = [row[name] for row in rows if row[name] is not None]
    return sum(known) if known else None

"""How an account does, by rules that are written down here and nowhere else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

LIKELY = 0.5
"""From this chance to leave on an account is at risk."""
POSSIBLE = 0.25
"""And from this on worth a look."""


def health(facts: Mapping[str, Any]) -> tuple[str, list[str]]:
    """(`at_risk`, `watch`, `good` or `unknown`, every sentence that says why).

    >>> health({"status": "active", "churn_score": 0.1, "late_ticket_count": 0, "overdue_count": 1})
    ('watch', ['An invoice is overdue.'])
    """
    if facts["status"] == "churned":
        return "at_risk", ["It has left."]
    score = facts["churn_score"]
    serious = ["It is likely to leave."] if score is not None and score >= LIKELY else []
    late, overdue = facts["late_ticket_count"], facts["overdue_count"]
    lighter = [
        said
        for holds, said in (
            (score is not None and POSSIBLE <= score < LIKELY, "It may leave."),
            (late, "A ticket is late." if late == 1 else f"{late} tickets are late."),
            (overdue, "An invoice is overdue." if overdue == 1 else f"{overdue} invoices are overdue."),
        )
        if holds
    ]
    if serious:
        return "at_risk", serious + lighter
    if lighter:
        return "watch", lighter
    if score is None:
        return "unknown", ["No model has looked at it yet, and nothing else speaks against it."]
    return "good", []

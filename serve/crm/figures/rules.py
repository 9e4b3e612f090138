"""How an account does, by rules that are written down here and nowhere else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

LIKELY = 0.5
"""From this chance to leave on an account is at risk."""
POSSIBLE = 0.25
"""And from this on worth a look."""


WORDS = ("at_risk", "watch", "unknown", "good")
"""The worst first."""


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


def together(words: Mapping[str, int]) -> tuple[str, list[str]]:
    """(the worst word, what is said of them) of so many accounts by word.

    >>> together({"good": 3, "watch": 1})
    ('watch', ['1 of 4 accounts is to be watched.'])
    """
    total = sum(words.values())
    said = [
        f"{words[word]} of {total} {'account' if total == 1 else 'accounts'}"
        f" {'is' if words[word] == 1 else 'are'} {state}."
        for word, state in (("at_risk", "at risk"), ("watch", "to be watched"), ("unknown", "not known yet"))
        if words.get(word)
    ]
    return next(word for word in WORDS if words.get(word)), said

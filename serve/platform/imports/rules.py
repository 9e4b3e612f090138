"""What an undo does with a row, told from what has happened to it. Plain functions: no database, no clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

NO_TOUCH = (".scored",)
"""How names of events end that are nobody's work on the row: a model scores all rows, each night."""
BY_ITSELF = (".assigned", ".unassigned", ".located")
"""What is nobody's work where the platform has done it: within seconds it hands new leads out and looks them up."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """``remove`` it, ``revert`` it to ``before`` (values as they stand in events), or ``leave`` it and say why."""

    what: Literal["remove", "revert", "leave", "done"]
    before: Mapping[str, Any] | None = None
    reason: str = ""


def verdict(events: Sequence[Mapping[str, Any]], import_id: str, undo_id: str) -> Verdict:
    """``events`` are those of one row from the import's first on, oldest first: ``name``,
    ``actor_kind``, ``cause_id``, ``before``.

    ``done`` is what this undo has done with it already.
    """
    before: dict[str, Any] = {}
    is_new = False
    for event in events:
        if event["name"].endswith(NO_TOUCH):
            continue
        if event["name"].endswith(BY_ITSELF) and event["actor_kind"] == "platform":
            continue
        if event["cause_id"] == undo_id:
            return Verdict("done")
        if event["cause_id"] != import_id:
            return Verdict("leave", reason=f"was changed since ({event['name']})")
        is_new = is_new or event["before"] is None
        # A file may name a row twice: what stood there before the first time counts.
        before = {**(event["before"] or {}), **before}
    return Verdict("remove") if is_new else Verdict("revert", before)

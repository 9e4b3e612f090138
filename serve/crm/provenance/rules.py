"""Where each value of a row comes from, read off what happened to it: a plain function, no database.

An origin is a mapping as clients see it, without the row's value. Nothing personal is in it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Origin = Mapping[str, Any]
Origins = Mapping[str, Origin]
Way = Literal["write", "import", "take", "made", "give_back", "revert"]


@dataclass(frozen=True, slots=True)
class Step:
    """One event of the row, which set ``fields``.

    ``way`` says how: by somebody or something (``write``), by an import, taken from a row that was merged into this one
    (``take``) or that became this one (``made``), or put back by undoing a merge (``give_back``) or an import
    (``revert``). ``key`` is the merge or the import; ``theirs`` where the other row's values came from, and ``by`` what
    is said of the way from there to here.
    """

    fields: frozenset[str]
    way: Way
    origin: Origin
    key: str = ""
    theirs: Origins = field(default_factory=dict)
    by: Mapping[str, Any] = field(default_factory=dict)


def origins_after(steps: Sequence[Step]) -> dict[str, Origin]:
    """The origin of each field after these steps, the oldest first; what no event has set is not in it.

    Undoing a merge or an import puts the origins back that were there before it, not only the values.

    >>> typed, read = {"source": "person"}, {"source": "import"}
    >>> steps = [Step(frozenset({"phone"}), "write", typed), Step(frozenset({"phone"}), "import", read, "i")]
    >>> origins_after(steps)["phone"]["source"]
    'import'
    >>> origins_after([*steps, Step(frozenset({"phone"}), "revert", typed, "i")])["phone"]["source"]
    'person'
    """
    known: dict[str, Origin] = {}
    before: dict[str, dict[str, Origin]] = {}
    for step in steps:
        if step.way in ("import", "take"):
            before.setdefault(step.key, dict(known))
        for name in step.fields:
            if step.way in ("give_back", "revert"):
                was = before.get(step.key, {}).get(name)
                known.pop(name, None)
                if was is not None:
                    known[name] = was
            elif step.way in ("take", "made") and name in step.theirs:
                theirs = step.theirs[name]
                known[name] = {**theirs, "by_way_of": [*theirs["by_way_of"], step.by]}
            else:
                known[name] = step.origin
    return known

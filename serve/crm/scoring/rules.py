"""What would be done next with a lead, by rules that are written down here and nowhere else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

QUIET = timedelta(days=7)
"""After so long without a word from us an open lead is called again."""


@dataclass(frozen=True, slots=True)
class Step:
    """``rule`` is its name, ``because`` the sentence for people."""

    rule: str
    because: str


ANSWER = Step("answer", "Nobody has answered it yet.")
ANSWER_REPLY = Step("answer_reply", "The last word was theirs.")
QUALIFY = Step("qualify", "There was contact in both directions: decide whether it is worth an offer.")
CONVERT = Step(
    "convert", "It is qualified and has become no contact yet: make it one, with a quote or a job."
)
FOLLOW_UP = Step("follow_up", "Nobody has been in touch for a week.")


def next_step(lead: Mapping[str, Any], facts: Mapping[str, Any], now: datetime) -> dict[str, str] | None:
    """The first rule that holds, in this order; None for a lead that is closed or with which all is well."""
    if lead["status"] in ("won", "lost"):
        return None
    last_in, last_out = facts["last_in_at"], facts["last_out_at"]
    if last_in is not None and (last_out is None or last_in > last_out):
        return asdict(ANSWER if lead["first_replied_at"] is None else ANSWER_REPLY)
    if lead["first_replied_at"] is None:
        return asdict(ANSWER)
    if last_out is not None and now - last_out > QUIET:
        return asdict(FOLLOW_UP)
    if lead["status"] == "qualified" and lead["converted_at"] is None:
        return asdict(CONVERT)
    if lead["status"] == "contacted" and last_in is not None:
        return asdict(QUALIFY)
    return None

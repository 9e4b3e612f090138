"""Who gets a lead: what rules of assignment say, with everything they need to know given to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Any

from serve.kernel.errors import Invalid

OPEN = ("new", "contacted", "qualified")
"""The statuses in which somebody works on a lead."""


@dataclass
class Desk:
    """Who is there, how many open leads each one has, and when each had the last turn of each rule.

    ``load`` and ``turns`` follow what is handed out, so that many leads can be handed out one after the other.
    """

    present: AbstractSet[str]
    load: dict[str, int] = field(default_factory=dict)
    turns: dict[tuple[str, str], int] = field(default_factory=dict)
    """By rule and person; the higher, the later. Whoever had none comes first."""


@dataclass(frozen=True, slots=True)
class Choice:
    """``user_id`` is None where rules fit and nobody of them is free, ``rule_id`` too where none fits."""

    rule_id: str | None
    user_id: str | None


def check_rule(before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> None:
    """Raises Invalid."""
    if after["method"] == "user" and len(after["members"]) != 1:
        raise Invalid(details=[("members", "the method user has one member")])


def fits(rule: Mapping[str, Any], lead: Mapping[str, Any]) -> bool:
    """Whether every condition of the rule holds; an empty one always does."""
    return (
        (not rule["sources"] or lead["source"] in rule["sources"])
        and (not rule["countries"] or lead["country"] in rule["countries"])
        and (
            not rule["zone_ids"] or (lead["zone_id"] is not None and str(lead["zone_id"]) in rule["zone_ids"])
        )
        and (
            not rule["any_tags"]
            or not {tag.lower() for tag in rule["any_tags"]}.isdisjoint(tag.lower() for tag in lead["tags"])
        )
    )


def choose(rules: Sequence[Mapping[str, Any]], lead: Mapping[str, Any], desk: Desk) -> Choice:
    """Who gets the lead, by the first rule that fits and has somebody free; the desk counts it.

    A turn goes to whoever waits longest for one of this rule, then by the order of its members: as long as the same
    people are free, what they got by a rule differs by one at most.
    """
    waiting: str | None = None
    for rule in rules:
        if not fits(rule, lead):
            continue
        rule_id = str(rule["id"])
        waiting = waiting or rule_id
        free = [
            str(member["user_id"])
            for member in rule["members"]
            if str(member["user_id"]) in desk.present and _has_room(member, desk)
        ]
        if not free:
            continue
        by_load = rule["method"] == "least_open"
        chosen = min(
            free,
            key=lambda user_id: (
                desk.load.get(user_id, 0) if by_load else 0,
                desk.turns.get((rule_id, user_id), 0),
            ),
        )
        desk.load[chosen] = desk.load.get(chosen, 0) + 1
        desk.turns[rule_id, chosen] = 1 + max(
            (turn for (of_rule, _), turn in desk.turns.items() if of_rule == rule_id), default=0
        )
        return Choice(rule_id, chosen)
    return Choice(waiting, None)


def _has_room(member: Mapping[str, Any], desk: Desk) -> bool:
    most = member.get("most_open")
    return most is None or desk.load.get(str(member["user_id"]), 0) < most

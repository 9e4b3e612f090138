"""Who is told of what: a table from events to people, and what a person's own settings make of it.

Titles hold no personal values: in events those are encrypted. Whoever is told may open the entity and see.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Priority = Literal["low", "normal", "high", "urgent"]
RuleKind = Literal["account", "contact", "vehicle", "settings", "security"]
MESSAGE = "message"
"""The kind of what a person tells others."""

LEADERS = frozenset({"owner", "admin", "manager"})
GUARDIANS = frozenset({"owner", "admin"})
SALES = LEADERS | {"agent"}
WORKSHOP = LEADERS | {"technician"}


@dataclass(frozen=True, slots=True)
class Rule:
    """``event`` is an event's name; ``changes`` narrows it to those in which a column got this value."""

    event: str
    kind: RuleKind
    roles: frozenset[str]
    title: str
    priority: Priority = "normal"
    changes: tuple[str, Any] | None = None

    def fits(self, event: Mapping[str, Any]) -> bool:
        if event["name"] != self.event:
            return False
        if self.changes is None:
            return True
        column, value = self.changes
        return (event["after"] or {}).get(column) == value

    def words(self, event: Mapping[str, Any]) -> str:
        return self.title.format_map(_Words(event["after"] or {}))


RULES = (
    Rule("account.created", "account", SALES, "A new account was added"),
    Rule("account.updated", "account", SALES, "An account was lost", "high", changes=("status", "churned")),
    Rule("account.deleted", "account", LEADERS, "An account was deleted", "high"),
    Rule("contact.created", "contact", SALES, "A new contact was added", "low"),
    Rule("contact.deleted", "contact", LEADERS, "A contact was deleted"),
    Rule("vehicle.created", "vehicle", WORKSHOP, "Vehicle {registration} was added"),
    Rule(
        "vehicle.updated",
        "vehicle",
        WORKSHOP,
        "A vehicle went into the workshop",
        changes=("status", "workshop"),
    ),
    Rule("vehicle.updated", "vehicle", LEADERS, "A vehicle was retired", changes=("status", "retired")),
    Rule("vehicle.deleted", "vehicle", LEADERS, "A vehicle was deleted", "high"),
    *(
        Rule(f"settings.{category}_changed", "settings", GUARDIANS, f"The {category} settings were changed")
        for category in ("general", "branding", "email")
    ),
    Rule("settings.security_changed", "settings", GUARDIANS, "The rules for log-in were changed", "high"),
)


class _Words(dict[str, Any]):
    """Values of an event for a title; one that is missing or encrypted is left out."""

    def __missing__(self, name: str) -> str:
        return ""

    def __getitem__(self, name: str) -> Any:
        value = super().__getitem__(name)
        return "" if isinstance(value, dict) else value


def is_told(preferences: Any, rule: Rule, *, is_own: bool) -> bool:
    """What the person's settings say about a rule that reaches them."""
    if not preferences.is_on or rule.kind in preferences.muted_kinds:
        return False
    if preferences.is_quiet and rule.priority != "urgent":
        return False
    return preferences.own_actions or not is_own

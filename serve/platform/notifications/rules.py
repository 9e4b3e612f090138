"""Who is told of what: a table from events to people, and what a person's own settings make of it.

Titles hold no personal values: in events those are encrypted. Whoever is told may open the entity and see.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

Priority = Literal["low", "normal", "high", "urgent"]
RuleKind = Literal["account", "contact", "mail", "quote", "ticket", "vehicle", "settings", "security"]
Event = Mapping[str, Any]

MESSAGE = "message"
"""The kind of what a person tells others."""

LEADERS = frozenset({"owner", "admin", "manager"})
GUARDIANS = frozenset({"owner", "admin"})
SALES = LEADERS | {"agent"}
WORKSHOP = LEADERS | {"technician"}


def became(column: str, value: Any) -> Callable[[Event], bool]:
    """The change gave the column this value."""
    return lambda event: (event["after"] or {}).get(column) == value


def rose_to(column: str, level: float) -> Callable[[Event], bool]:
    """The change took the column from below the level to it or above: once, not with each new score."""

    def rose(event: Event) -> bool:
        before, after = (event["before"] or {}).get(column), (event["after"] or {}).get(column)
        return after is not None and after >= level and (before is None or before < level)

    return rose


@dataclass(frozen=True, slots=True)
class Rule:
    """When an event of this name comes, people of these ``roles`` are told, and the person it is about if ``about``.

    ``to`` is a value of the event that has the id of somebody who is told besides, such as ``assignee_id``.
    ``is_outcome``: it tells what became of something, so who asked for that is told like everybody else.
    """

    event: str
    kind: RuleKind
    roles: frozenset[str]
    title: str
    priority: Priority = "normal"
    when: Callable[[Event], bool] = lambda event: True
    about: bool = False
    is_outcome: bool = False
    to: str = ""

    def words(self, event: Event, *, more: int = 0) -> str:
        """The title; ``more`` is how many others of the same kind came with it."""
        title = self.title.format_map(_Words(event["after"] or {}))
        return f"{title} (and {more} more)" if more else title


RULES = (
    Rule("account.created", "account", SALES, "A new account was added"),
    Rule(
        "account.updated",
        "account",
        SALES,
        "An account was lost",
        "high",
        when=became("status", "churned"),
    ),
    Rule(
        "account.scored",
        "account",
        SALES,
        "An account is likely to leave",
        "high",
        when=rose_to("churn_score", 0.8),
    ),
    Rule("account.deleted", "account", LEADERS, "An account was deleted", "high"),
    Rule("contact.created", "contact", SALES, "A new contact was added", "low"),
    Rule("contact.deleted", "contact", LEADERS, "A contact was deleted"),
    Rule("mail.failed", "mail", SALES, "A mail could not be sent", is_outcome=True),
    Rule(
        "mail.uncertain",
        "mail",
        SALES,
        "Nobody knows whether a mail was sent: send it again, or say that it was",
        "high",
        is_outcome=True,
    ),
    *(
        Rule(name, "quote", SALES, title, "high", when=became("decided_by", "customer"))
        for name, title in (
            ("quote.accepted", "A customer has accepted a quote"),
            ("quote.declined", "A customer has declined a quote"),
        )
    ),
    *(
        Rule(name, "ticket", frozenset(), "A ticket was given to you", to="assignee_id")
        for name in (
            *("ticket.created", "ticket.assigned", "ticket.escalated"),
            # Given on together with another change, which then has the name.
            *("ticket.updated", "ticket.reopened"),
        )
    ),
    Rule("ticket.created", "ticket", SALES, "Ticket {number} was opened", "low"),
    Rule(
        "ticket.rated",
        "ticket",
        LEADERS,
        "A customer is not content with what was done",
        "high",
        when=lambda event: ((event["after"] or {}).get("satisfaction") or 5) <= 2,
    ),
    Rule("vehicle.created", "vehicle", WORKSHOP, "Vehicle {registration} was added"),
    Rule(
        "vehicle.updated",
        "vehicle",
        WORKSHOP,
        "A vehicle went into the workshop",
        when=became("status", "workshop"),
    ),
    Rule("vehicle.updated", "vehicle", LEADERS, "A vehicle was retired", when=became("status", "retired")),
    Rule(
        "vehicle.scored",
        "vehicle",
        WORKSHOP,
        "A vehicle is likely to fail soon",
        "high",
        when=rose_to("failure_score", 0.8),
    ),
    Rule("vehicle.deleted", "vehicle", LEADERS, "A vehicle was deleted", "high"),
    *(
        Rule(f"settings.{category}_changed", "settings", GUARDIANS, f"The {category} settings were changed")
        for category in ("general", "email")
    ),
    Rule("brand.published", "settings", GUARDIANS, "A new look was published"),
    Rule("settings.security_changed", "settings", GUARDIANS, "The rules for log-in were changed", "high"),
    Rule(
        "rate_limit.reached", "settings", GUARDIANS, "Calls were refused because they were too many", "high"
    ),
    Rule(
        "tenant.umbrella_asked",
        "settings",
        frozenset({"owner"}),
        "Another company asks to be your umbrella",
        "high",
    ),
    *(
        Rule(name, "settings", GUARDIANS, title, "high")
        for name, title in (
            ("umbrella_request.accepted", "A company has become a child of yours"),
            ("umbrella_request.declined", "A company does not want to be a child of yours"),
            ("tenant.umbrella_joined", "Your company has an umbrella now, which may read what it has"),
            ("tenant.umbrella_left", "Your company has no umbrella any more"),
            ("tenant.child_left", "A company is no child of yours any more"),
        )
    ),
    Rule("flag.became_stale", "settings", GUARDIANS, "A feature flag is no longer needed", "low"),
    Rule("api_key.created", "security", GUARDIANS, "A new API key was made", "high"),
    *(
        Rule(f"threat.{kind}", "security", GUARDIANS, title, priority, about=True)
        for kind, title, priority in (
            ("impossible_travel", "Somebody came in from two countries too far apart", "urgent"),
            ("new_country", "Somebody came in from a country for the first time", "high"),
            ("attacked_account", "Many failed to come in as somebody, from several addresses", "urgent"),
            ("credential_stuffing", "One address failed to come in as many people", "urgent"),
        )
    ),
    Rule(
        "isolation.broken",
        "security",
        GUARDIANS,
        "A live check crossed from one tenant into another",
        "urgent",
        is_outcome=True,
    ),
    Rule(
        "refresh.reused",
        "security",
        frozenset(),
        "A session of yours was used from two places and has been ended",
        "urgent",
        about=True,
    ),
    *(
        Rule(name, "security", frozenset(), title, "urgent", about=True)
        for name, title in (
            ("factor.added", "Your account has a new second factor"),
            ("factor.removed", "A second factor of yours was removed"),
            ("factors.reset", "An administrator has reset your second factors"),
            ("recovery_code.used", "Somebody logged in to your account with a recovery code"),
            ("codes.blocked", "Somebody who knows your password gave several wrong codes"),
            ("passkey.copied", "A passkey of yours was refused: there may be a copy of it"),
        )
    ),
    Rule("elevation.began", "security", GUARDIANS, "Somebody raised their role for a while", "urgent"),
    Rule(
        "impersonation.began",
        "security",
        frozenset(),
        "Somebody looks at the company with your eyes",
        "urgent",
        about=True,
    ),
    Rule("password.changed", "security", frozenset(), "Your password was changed", "urgent", about=True),
)

_RULES_OF = {name: [rule for rule in RULES if rule.event == name] for name in {rule.event for rule in RULES}}


class _Words(dict[str, Any]):
    """Values of an event for a title; one that is missing or encrypted is left out."""

    def __getitem__(self, name: str) -> Any:
        value = self.get(name)
        return "" if value is None or isinstance(value, dict) else value


def news(events: Iterable[Event]) -> list[tuple[Rule, Event, int]]:
    """What is worth telling: a rule, the event, and how many more of the kind the same request brought.

    A request that makes a thousand contacts is told of once.
    """
    found: dict[Any, list[tuple[Rule, Event]]] = defaultdict(list)
    for event in events:
        for rule in _RULES_OF.get(event["name"], ()):
            if rule.when(event):
                request = event["request_id"] or event["id"]
                found[event["tenant_id"], rule, request, event["actor_id"]].append((rule, event))
    return [(*group[0], len(group) - 1) for group in found.values()]


def is_told(preferences: Any, rule: Rule, *, is_own: bool) -> bool:
    """What the person's settings say about a rule that reaches them. What is about oneself is never merely own."""
    if not preferences.is_on or rule.kind in preferences.muted_kinds:
        return False
    if preferences.is_quiet and rule.priority != "urgent":
        return False
    return rule.about or rule.is_outcome or preferences.own_actions or not is_own

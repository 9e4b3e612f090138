"""Who gets what: flags as plain values, and the one function that decides. No database, no clock.

In this order: an archived or switched-off flag, or one outside its dates, gives everybody its default. A running
experiment decides for whom it takes in. Then the first rule whose conditions all hold decides. Then the flag's own
percentage does. Whoever is outside a percentage gets the default.

A percentage takes in those whose bucket lies below it. The bucket is a hash of the flag and the subject, so it stays
the same whatever is changed about the flag: whoever is among the first 10 % is among the first 20 % too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import blake2b
from itertools import pairwise
from typing import Any, Literal, NamedTuple

from serve.platform.flags.errors import FlagArchived, FlagInvalid

Operator = Literal[
    "is_one_of",
    "is_not_one_of",
    "contains",
    "starts_with",
    "ends_with",
    "at_least",
    "at_most",
    "more_than",
    "less_than",
    "before",
    "after",
    "is_set",
    "is_not_set",
]
Reason = Literal[
    "archived",
    "off",
    "not_started",
    "ended",
    "experiment",
    "rule",
    "outside_rule",
    "rollout",
    "outside_rollout",
]
ABOUT_REASONS = (
    "Why: the flag is `archived`, `off`, has `not_started` or has `ended`; a running `experiment` took the subject in;"
    " a `rule` held, or held but left the subject out of its percentage (`outside_rule`); or no rule held, and the"
    " flag's own percentage took it in (`rollout`) or not (`outside_rollout`)."
)
TEXT_OPERATORS = frozenset({"contains", "starts_with", "ends_with"})
NUMBER_OPERATORS = frozenset({"at_least", "at_most", "more_than", "less_than"})
MOMENT_OPERATORS = frozenset({"before", "after"})
LONE_OPERATORS = frozenset({"is_set", "is_not_set"})

SEGMENT = "segment"
"""The attribute that holds the groups somebody belongs to."""

OWN_ATTRIBUTES = ("user_id", "email", "email_domain", "role", "is_beta", "tenant", "country", SEGMENT)
"""What the platform itself knows of a person; nobody can say these of themselves."""

ON, OFF = "on", "off"


@dataclass(frozen=True, slots=True)
class Condition:
    attribute: str
    operator: Operator
    values: Sequence[Any] = ()


@dataclass(frozen=True, slots=True)
class Variant:
    name: str
    value: Any
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Rule:
    """``variant`` is the name of what those get whom it takes in; empty: one of all, by weight."""

    conditions: tuple[Condition, ...] = ()
    percent: float = 100.0
    variant: str | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Step:
    at: datetime
    percent: float


@dataclass(frozen=True, slots=True)
class Experiment:
    """A rule that goes first while it runs, with variants and buckets of its own."""

    id: str
    variants: tuple[Variant, ...]
    conditions: tuple[Condition, ...] = ()
    percent: float = 100.0


BOOLEAN = (Variant(ON, True), Variant(OFF, False, weight=0.0))


@dataclass(frozen=True, slots=True)
class Flag:
    """``default`` is the name of a variant."""

    id: str
    key: str
    variants: tuple[Variant, ...] = BOOLEAN
    default: str = OFF
    is_enabled: bool = True
    rules: tuple[Rule, ...] = ()
    percent: float = 100.0
    steps: tuple[Step, ...] = ()
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    is_archived: bool = False
    experiment: Experiment | None = None


@dataclass(frozen=True, slots=True)
class Context:
    """Whom it is about. ``segments`` are the tenant's, by key."""

    subject: str
    attributes: Mapping[str, Any] = field(default_factory=dict)
    segments: Mapping[str, tuple[Condition, ...]] = field(default_factory=dict)


class Verdict(NamedTuple):
    """``rule`` is the place of the rule that decided, from 0; ``experiment_id`` the experiment."""

    value: Any
    variant: str
    reason: Reason
    rule: int | None = None
    experiment_id: str | None = None


def evaluate(flag: Flag, context: Context, now: datetime) -> Verdict:
    """What the subject gets from the flag at that moment."""
    if (why := closed_because(flag, now)) is not None:
        return _given(flag, flag.default, why)
    experiment = flag.experiment
    if experiment is not None and _is_taken(experiment, experiment.id, context):
        variant = split(experiment.variants, experiment.id, context.subject)
        return Verdict(variant.value, variant.name, "experiment", None, experiment.id)
    for place, rule in enumerate(flag.rules):
        if not all(holds(condition, context) for condition in rule.conditions):
            continue
        if bucket(flag.id, context.subject) >= rule.percent:
            return _given(flag, flag.default, "outside_rule", place)
        return _given(flag, rule.variant or _share(flag, context), "rule", place)
    if bucket(flag.id, context.subject) >= percent_at(flag, now):
        return _given(flag, flag.default, "outside_rollout")
    return _given(flag, _share(flag, context), "rollout")


def closed_because(flag: Flag, now: datetime) -> Reason | None:
    """Why nobody gets more than the default; None for a flag that is at work."""
    if flag.is_archived:
        return "archived"
    if not flag.is_enabled:
        return "off"
    if flag.starts_at is not None and now < flag.starts_at:
        return "not_started"
    if flag.ends_at is not None and now >= flag.ends_at:
        return "ended"
    return None


def percent_at(flag: Flag, now: datetime) -> float:
    """That of the last step that has come, or the flag's own before the first one."""
    percent = flag.percent
    for step in flag.steps:
        if step.at > now:
            break
        percent = step.percent
    return percent


def bucket(salt: str, subject: str) -> float:
    """A place from 0 up to (not including) 100 that only the two decide.

    >>> round(bucket("new-checkout", "ada"), 6) == round(bucket("new-checkout", "ada"), 6)
    True
    """
    digest = blake2b(f"{salt}\0{subject}".encode(), digest_size=8).digest()
    return (int.from_bytes(digest) >> 11) / 2**53 * 100.0  # 53 bits: as many as a float holds


def split(variants: Sequence[Variant], salt: str, subject: str) -> Variant:
    """One of the variants, each as often as its weight says; independent of who is taken in at all."""
    place = bucket(f"{salt}\0variant", subject) / 100.0 * sum(variant.weight for variant in variants)
    chosen = variants[0]
    for variant in variants:
        if variant.weight:
            chosen = variant
            place -= variant.weight
            if place < 0:
                break
    return chosen


def holds(condition: Condition, context: Context) -> bool:
    """Whether it is true of the subject. Of an attribute that is not known nothing holds but ``is_not_set``.

    One of several values of an attribute is enough (``is_not_one_of``: none of them may be named).
    """
    known = _known(condition, context)
    if condition.operator == "is_not_set":
        return not known
    if not known:
        return False
    if condition.operator == "is_set":
        return True
    if condition.operator == "is_not_one_of":
        return not any(_same(value, wanted) for value in known for wanted in condition.values)
    return any(_compares(condition.operator, value, wanted) for value in known for wanted in condition.values)


def _is_taken(experiment: Experiment, salt: str, context: Context) -> bool:
    return bucket(salt, context.subject) < experiment.percent and all(
        holds(condition, context) for condition in experiment.conditions
    )


def _share(flag: Flag, context: Context) -> str:
    return split(flag.variants, flag.id, context.subject).name


def _given(flag: Flag, name: str, reason: Reason, rule: int | None = None) -> Verdict:
    variant = next(variant for variant in flag.variants if variant.name == name)
    return Verdict(variant.value, variant.name, reason, rule)


def _known(condition: Condition, context: Context) -> Sequence[Any]:
    """The values of the attribute."""
    if condition.attribute == SEGMENT:
        asked = context.segments if condition.operator in LONE_OPERATORS else condition.values
        mine = [key for key in asked if _belongs(context, key)]
        # Belonging to none of those asked for is something known, too.
        return mine or (["\0"] if condition.operator == "is_not_one_of" else [])
    value = context.attributes.get(condition.attribute)
    if value is None:
        return ()
    return value if isinstance(value, (list, tuple)) else (value,)


def _belongs(context: Context, key: Any) -> bool:
    conditions = context.segments.get(key)
    return bool(conditions) and all(holds(condition, context) for condition in conditions)


def _same(value: Any, wanted: Any) -> bool:
    """Equal and of one kind: true is not 1, and 1 is not "1"."""
    return value == wanted and isinstance(value, bool) == isinstance(wanted, bool)


def _compares(operator: Operator, value: Any, wanted: Any) -> bool:
    if operator == "is_one_of":
        return _same(value, wanted)
    if operator in TEXT_OPERATORS:
        return isinstance(value, str) and _TEXT[operator](value, wanted)
    if operator in NUMBER_OPERATORS:
        return _is_number(value) and _NUMBER[operator](value, wanted)
    moment, limit = moment_of(value), moment_of(wanted)
    if moment is None or limit is None:
        return False
    return moment < limit if operator == "before" else moment > limit


_TEXT: dict[str, Any] = {
    "contains": lambda value, wanted: wanted in value,
    "starts_with": str.startswith,
    "ends_with": str.endswith,
}
_NUMBER: dict[str, Any] = {
    "at_least": lambda value, wanted: value >= wanted,
    "at_most": lambda value, wanted: value <= wanted,
    "more_than": lambda value, wanted: value > wanted,
    "less_than": lambda value, wanted: value < wanted,
}


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def moment_of(value: Any) -> datetime | None:
    """A day or a moment as RFC 3339 writes it; without a zone it is in UTC. None for anything else."""
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def is_fit(operator: Operator, values: Sequence[Any]) -> bool:
    """Whether the operator can be asked with these values."""
    if operator in LONE_OPERATORS:
        return not values
    if operator in TEXT_OPERATORS:
        return bool(values) and all(isinstance(value, str) for value in values)
    if operator in NUMBER_OPERATORS:
        return len(values) == 1 and _is_number(values[0])
    if operator in MOMENT_OPERATORS:
        return len(values) == 1 and moment_of(values[0]) is not None
    return bool(values)


# Rows


def check_flag(before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> None:
    """Raises FlagInvalid naming every part that does not go with the others, or FlagArchived."""
    if before is not None and before["archived_at"] is not None and after["archived_at"] is not None:
        raise FlagArchived
    wrong: list[tuple[str, str]] = []
    names = [variant["name"] for variant in after["variants"]]
    if after["kind"] == "boolean":
        if names:
            wrong.append(("variants", "are those of the kind `variants`; a boolean flag has on and off"))
        names = [ON, OFF]
    elif not any(variant["weight"] for variant in after["variants"]):
        wrong.append(("variants", "must be at least one with a weight above 0"))
    if len(set(names)) < len(names):
        wrong.append(("variants", "must have different names"))
    if after["default_variant"] not in names:
        wrong.append(("default_variant", f"must be one of: {', '.join(names)}"))
    for place, rule in enumerate(after["rules"]):
        if rule["variant"] is not None and rule["variant"] not in names:
            wrong.append((f"rules[{place}].variant", f"must be one of: {', '.join(names)}"))
    steps = [moment_of(step["at"]) for step in after["steps"]]
    if any(one >= next_one for one, next_one in pairwise(steps)):  # type: ignore[operator]
        wrong.append(("steps", "must follow each other in time"))
    starts_at, ends_at = after["starts_at"], after["ends_at"]
    if starts_at is not None and ends_at is not None and ends_at <= starts_at:
        wrong.append(("ends_at", "must be later than starts_at"))
    if wrong:
        raise FlagInvalid(details=wrong)


def check_segment(before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> None:
    """Raises FlagInvalid: a group is not made of groups, or it could contain itself."""
    wrong = [
        (f"conditions[{place}].attribute", "of a segment cannot be segment")
        for place, condition in enumerate(after["conditions"])
        if condition["attribute"] == SEGMENT
    ]
    if wrong:
        raise FlagInvalid(details=wrong)


def flag_of(row: Mapping[str, Any], experiment: Experiment | None = None) -> Flag:
    """The flag that a row holds."""
    return Flag(
        id=str(row["id"]),
        key=row["key"],
        variants=BOOLEAN if row["kind"] == "boolean" else variants_of(row["variants"]),
        default=row["default_variant"],
        is_enabled=row["is_enabled"],
        rules=tuple(
            Rule(conditions_of(rule["conditions"]), rule["percent"], rule["variant"], rule["name"])
            for rule in row["rules"]
        ),
        percent=row["percent"],
        steps=tuple(
            Step(moment, step["percent"]) for step in row["steps"] if (moment := moment_of(step["at"]))
        ),
        starts_at=row["starts_at"],
        ends_at=row["ends_at"],
        is_archived=row["archived_at"] is not None,
        experiment=experiment,
    )


def variants_of(parts: Sequence[Mapping[str, Any]]) -> tuple[Variant, ...]:
    """A variant without a value gives its name."""
    return tuple(
        Variant(part["name"], part["name"] if part["value"] is None else part["value"], part["weight"])
        for part in parts
    )


def conditions_of(parts: Sequence[Mapping[str, Any]]) -> tuple[Condition, ...]:
    return tuple(Condition(part["attribute"], part["operator"], part["values"]) for part in parts)

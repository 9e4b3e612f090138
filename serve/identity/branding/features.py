"""The features of a client: flags that are on for everybody there. The flags are the truth; nothing else is kept."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any

from serve.identity.branding.errors import FeatureRefused
from serve.kernel.db import Transaction
from serve.kernel.resources import Row
from serve.platform.experiments.queries import runs_on
from serve.platform.flags.copies import read_flags
from serve.platform.flags.endpoints import flags
from serve.platform.flags.rules import ON, Flag, closed_because, flag_of

RULE: dict[str, Any] = {"name": "White label", "conditions": [], "percent": 100.0, "variant": ON}
"""Goes before all other rules of a flag while it is a feature of the client."""

_FLAGS = "select id, key, deleted_at is not null as is_deleted from flags where key = any($1)"


async def features(db: Transaction) -> list[str]:
    """The keys of those that are on."""
    found = (await read_flags(db)).flags
    return sorted(key for key, flag in found.items() if _is_on(flag))


async def switch(db: Transaction, wanted: Collection[str]) -> None:
    """These are on from now on; what was on and is not among them is off. Raises FeatureRefused naming each."""
    taken_out = set(await features(db)) - set(wanted)
    known = {row["key"]: row for row in await db.fetch(_FLAGS, [*wanted, *taken_out])}
    refused = []
    for place, key in enumerate(wanted):
        if key not in known:
            await flags.insert(db, _made(key))
            continue
        if known[key]["is_deleted"]:
            await flags.restore(db, known[key]["id"])
        flag = await flags.get(db, known[key]["id"], lock=True)
        if why := await _refusal(db, flag):
            refused.append((f"features[{place}]", why))
        else:
            await flags.change(db, flag, rules=[RULE, *_others(flag)], is_enabled=True)
    if refused:
        raise FeatureRefused(details=refused)
    for key in sorted(taken_out):
        flag = await flags.get(db, known[key]["id"], lock=True)
        await flags.change(db, flag, rules=_others(flag), is_enabled=False)


def _is_on(flag: Flag) -> bool:
    first = flag.rules[0] if flag.rules else None
    return (
        first is not None
        and first.name == RULE["name"]
        and not first.conditions
        and (first.percent, first.variant) == (100.0, ON)
        and flag.experiment is None
        and closed_because(flag, datetime.now(UTC)) is None
    )


def _others(flag: Row) -> list[dict[str, Any]]:
    return [rule for rule in flag["rules"] if rule["name"] != RULE["name"]]


async def _refusal(db: Transaction, flag: Row) -> str | None:
    if flag["kind"] != "boolean":
        return "is a flag with variants, which nobody can simply have"
    if flag["archived_at"] is not None:
        return "is in the archive"
    if closed_because(flag_of({**flag, "is_enabled": True}), datetime.now(UTC)) is not None:
        return "is a flag outside of its dates"
    if await runs_on(db, flag["id"]):
        return "is in an experiment, which decides who gets it"
    return None


def _made(key: str) -> dict[str, Any]:
    """A flag that nobody has but by the rule."""
    return {
        "key": key,
        "name": key,
        "description": "A feature of the white label.",
        "is_enabled": True,
        "percent": 0.0,
        "rules": [RULE],
        "stale_after_days": None,
    }

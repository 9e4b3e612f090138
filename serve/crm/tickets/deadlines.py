"""By when a ticket must be answered and resolved, as its columns say it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from serve.crm.sla.clocks import NAMES, Clock, History, clocks_of
from serve.crm.sla.service import Promises, promises
from serve.crm.tickets import queries
from serve.crm.tickets.models import tickets as table
from serve.crm.tickets.rules import assumed_history
from serve.kernel.db import Transaction

Level = Literal["warning", "breach"]
Said = Collection[tuple[str, str]]
"""(clock, level) of what people were told since the ticket was last opened."""
FOLLOWS_FROM = frozenset({"status", "first_response_at", "priority", "channel", "account_id"})
CHOSEN_BY = frozenset({"priority", "channel", "account_id"})
"""Which of them say what is promised. A customer whose segment changes keeps what was promised for open tickets until
the next of these changes."""
NOTHING = {
    "sla_policy_id": None,
    **{f"{name}_{what}": None for name in NAMES for what in ("due_at", "breached_at")},
}
assert NOTHING.keys() <= set(table.columns.keys())


async def deadlines(
    db: Transaction,
    ticket: Mapping[str, Any],
    history: History,
    *,
    now: datetime,
    is_chosen_anew: bool,
    promised: Promises | None = None,
) -> tuple[dict[str, Any], datetime | None]:
    """The columns, and when somebody must look at it again.

    Its policy stays, unless it ``is_chosen_anew``: what was promised and missed is not forgotten with the policy.
    """
    promised = promised or await promises(db, ticket.get("sla_policy_id"))
    policy = None if is_chosen_anew else promised.policy(ticket.get("sla_policy_id"))
    if policy is None and promised.policies:
        segment = await queries.segment(db, ticket["account_id"])
        policy = promised.for_ticket({**ticket, "channel": ticket.get("channel"), "segment": segment})
    if policy is None:
        return dict(NOTHING), None
    clocks = clocks_of(policy, promised.calendar(policy), ticket, history, now)
    columns = NOTHING | {"sla_policy_id": policy["id"]}
    for clock in clocks:
        columns |= {f"{clock.name}_due_at": clock.due_at, f"{clock.name}_breached_at": clock.breached_at}
    said = await queries.said_since_open(db, ticket) if ticket.get("id") else set()
    return columns, next_look(clocks, warning_of(policy), said)


def warning_of(policy: Mapping[str, Any]) -> timedelta | None:
    minutes = policy["warn_before_minutes"]
    return None if minutes is None else timedelta(minutes=minutes)


def next_look(clocks: Iterable[Clock], warning: timedelta | None, said: Said) -> datetime | None:
    """When the next thing is to be told of them; in the past when it is late already."""
    moments = []
    for clock in clocks:
        if clock.state != "running" or clock.due_at is None or (clock.name, "breach") in said:
            continue
        is_warned = warning is None or (clock.name, "warning") in said
        moments.append(clock.due_at if is_warned or warning is None else clock.due_at - warning)
    return min(moments, default=None)


def to_say(
    clocks: Iterable[Clock], warning: timedelta | None, said: Said, now: datetime
) -> list[tuple[Clock, Level]]:
    """What people are to be told at ``now``: what is late no longer needs a warning."""
    found: list[tuple[Clock, Level]] = []
    for clock in clocks:
        if clock.state != "running" or clock.due_at is None or (clock.name, "breach") in said:
            continue
        if clock.due_at <= now:
            found.append((clock, "breach"))
        elif warning is not None and clock.due_at - warning <= now and (clock.name, "warning") not in said:
            found.append((clock, "warning"))
    return found


async def history_of(db: Transaction, ticket: Mapping[str, Any]) -> list[tuple[datetime, str]]:
    """What is known of its status; for a ticket that was loaded with none, what its own moments say."""
    return await queries.history(db, UUID(str(ticket["id"]))) or assumed_history(ticket)

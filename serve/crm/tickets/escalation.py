"""Tickets that become late: people are told, and the policy's consequences come, each once whatever dies.

The worker's clock looks which tickets somebody must look at (``check_at``, one index for all tenants) and queues a task
for each, in the transaction that takes the mark away. The task reads the clocks anew under the ticket's lock, and what
it tells is noted under a key of ticket, clock and level in the transaction that tells it; a ticket that was done and is
open again is told of again.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from serve.crm.sla.clocks import Clock, clocks_of
from serve.crm.sla.service import FOLLOW, promises
from serve.crm.tickets import queries
from serve.crm.tickets.deadlines import Level, deadlines, history_of, to_say, warning_of
from serve.crm.tickets.rules import raised
from serve.crm.tickets.service import now, tickets
from serve.kernel.db import Database, Transaction
from serve.kernel.errors import NotFound
from serve.kernel.events import emit, event
from serve.kernel.resources import Row
from serve.kernel.resources.store import Store
from serve.kernel.tasks import Work, enqueue, task
from serve.kernel.tasks.acting import acting_for
from serve.platform.notifications.rules import LEADERS, Rule
from serve.platform.notifications.service import tell

log = logging.getLogger("throughline.tickets")

EVERY_S = 5.0
MOST = 200
BATCH = 200
WARNED = event("ticket.warned", "A ticket will be late soon: `after` has the clock and by when it is due.")
BREACHED = event("ticket.breached", "A ticket is late: `after` has the clock and since when.")
ESCALATED = event("ticket.escalated", "A late ticket got the consequences that its policy says.")
_WORDS = {"first_reply": "answered", "resolution": "resolved"}
_RULES = {
    (clock, level): Rule(
        BREACHED if level == "breach" else WARNED,
        "ticket",
        frozenset(),
        title.format(word),
        "urgent" if level == "breach" else "high",
        about=True,
    )
    for clock, word in _WORDS.items()
    for level, title in (
        ("warning", "Ticket {{number}} must be {} soon"),
        ("breach", "Ticket {{number}} was not {} in time"),
    )
}
_DUE = "select ticket_id, tenant_id, check_at from tickets_to_look_at($1, $2)"
_TAKE = """
    update tickets set check_at = null where id = (
        select id from tickets where id = $1 and check_at = $2 and deleted_at is null for update skip locked
    ) returning number
"""
_OPEN = """
    select id from tickets
    where tenant_id = $1 and status in ('open', 'pending') and deleted_at is null and ($2::uuid is null or id > $2)
    order by id limit $3
"""


async def queue_due(database: Database, moment: datetime | None = None) -> int:
    """Queue the tickets that somebody must look at by then (``moment`` is for tests); how many that were.

    ``database`` acts as the worker. Several workers may look at once: each ticket is taken by one of them.
    """
    moment = moment or datetime.now(UTC)
    async with database.connection() as connection:
        due = await connection.fetch(_DUE, moment, MOST)
    queued = 0
    for each in due:
        try:
            async with database.transaction(acting_for(UUID(each["tenant_id"]), None)) as db:
                taken = await db.fetch_one(_TAKE, each["ticket_id"], each["check_at"])
                if taken is not None:
                    await enqueue(
                        db,
                        "tickets.escalate",
                        {"moment": moment.isoformat()},
                        title=f"Ticket {taken['number'] or ''} may be late",
                        about=("ticket", each["ticket_id"]),
                    )
                    queued += 1
        except Exception:  # the others' times have come too
            log.exception("ticket %s could not be queued", each["ticket_id"])
    return queued


@task("tickets.escalate")
async def escalate(work: Work) -> Any:
    """Tell whom the policy names what has become late, and do what it says."""
    ticket_id, moment = UUID(str(work.about[1])), datetime.fromisoformat(work.params["moment"])

    async def do(db: Transaction) -> Any:
        try:
            ticket = await tickets.get(db, ticket_id, lock=True)
        except NotFound:  # deleted meanwhile
            return {"said": []}
        return await _look(db, ticket, max(moment, now()))

    return await work.step("look", do)


async def _look(db: Transaction, ticket: Row, at: datetime) -> dict[str, Any]:
    promised = await promises(db, ticket["sla_policy_id"])
    policy = promised.policy(ticket["sla_policy_id"])
    if policy is None:
        return {"said": []}
    history = await history_of(db, ticket)
    clocks = clocks_of(policy, promised.calendar(policy), ticket, history, at)
    known = await queries.said_since_open(db, ticket)
    said = []
    for clock, level in to_say(clocks, warning_of(policy), known, at):
        if await _say(db, ticket, policy, clock, level, at):
            said.append(f"{clock.name} {level}")
    is_first_breach = all(level != "breach" for _, level in known)
    if is_first_breach and any(each.endswith("breach") for each in said):
        ticket = await _consequences(db, ticket, policy)
    due, look_at = await deadlines(db, ticket, history, now=at, is_chosen_anew=False, promised=promised)
    await Store.update(tickets, db, ticket, due)
    await queries.look_at(db, ticket["id"], look_at)
    return {"said": said}


async def _say(
    db: Transaction, ticket: Row, policy: Mapping[str, Any], clock: Clock, level: Level, at: datetime
) -> bool:
    """Tell the assignee and the policy's people, or the tenant's leaders if there is nobody. False if it was said."""
    assert clock.due_at is not None
    if not await queries.say(db, ticket, clock.name, level, clock.due_at, at):
        return False
    people = {*policy["notify_user_ids"], *([ticket["assignee_id"]] if ticket["assignee_id"] else [])}
    rule = _RULES[clock.name, level]
    said = {"clock": clock.name, "due_at": clock.due_at.isoformat(), "policy_id": policy["id"]}
    event_id = await emit(db, rule.event, "ticket", ticket["id"], said)
    told_count = await tell(
        db,
        rule,
        {"id": event_id, "after": {"number": ticket["number"]}},
        people,
        roles=frozenset() if people else LEADERS,
        about=("ticket", ticket["id"]),
    )
    await queries.count_told(db, ticket, clock.name, level, told_count)
    return True


async def _consequences(db: Transaction, ticket: Row, policy: Mapping[str, Any]) -> Row:
    """The policy stays the one that was missed, whatever the priority is now."""
    changes: dict[str, Any] = {}
    if policy["raises_priority"]:
        changes["priority"] = raised(ticket["priority"])
    receiver = policy["reassign_to_id"]
    if receiver is not None and (await queries.links(db, _only_assignee(receiver)))["has_assignee"]:
        changes["assignee_id"] = receiver
    return await Store.update(tickets, db, ticket, changes, event=ESCALATED)


def _only_assignee(user_id: str) -> dict[str, Any]:
    return {"contact_id": None, "job_id": None, "assignee_id": user_id}


@task(FOLLOW)
async def follow_policies(work: Work) -> Any:
    """Give open tickets the times that are promised now, some hundred at a time."""
    last, count = None, 0
    while True:

        async def do(db: Transaction, after: str | None = last) -> Any:
            rows = await db.fetch(_OPEN, work.tenant_id, after, BATCH)
            promised = await promises(db)
            for row in rows:
                await tickets.follow(db, await tickets.get(db, row["id"], lock=True), promised)
            return {"last": rows[-1]["id"] if rows else None, "count": len(rows)}

        done = await work.step(f"tickets after {last}", do)
        count += done["count"]
        if done["count"] < BATCH:
            return {"tickets": count}
        last = done["last"]

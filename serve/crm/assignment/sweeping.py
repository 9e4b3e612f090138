"""Leads that wait for an owner get one, whichever way they came: by hand, in bulk, from a file, from one who left.

The worker's clock asks which tenants have leads that wait (``assign_at``, one small index) and hands out some hundred
in a statement. Nothing is added to the way in: neither a create nor an import waits for it, and those who assign for a
tenant do so one after the other, so turns are fair however many leads come at once.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from functools import partial
from uuid import UUID

from serve.crm.assignment.rules import OPEN, Choice, choose
from serve.crm.assignment.service import ASSIGNED, UNASSIGNED, members_of, opened_desk, take_turns
from serve.kernel.db import Database, Transaction
from serve.kernel.tasks.sweeping import in_batches, sweep

log = logging.getLogger("throughline.leads")

EVERY_S = 2.0
BATCH = 500
MOST_BATCHES = 40
ASK_AGAIN = "5 minutes"
"""Where rules fit and nobody is free: whoever wins or loses a lead makes room."""

_TENANTS = "select tenant_id from tenants_with_leads_to_assign($1, $2)"
_WAITING = """
    select id, source, country, zone_id, tags, status, owner_id from leads
    where tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid
        and assign_at <= $1 and deleted_at is null
    order by assign_at, created_at, id limit $2 for no key update skip locked
"""
_GIVE = """
    update leads t set owner_id = g.user_id, assign_at = null
    from unnest($1::uuid[], $2::uuid[]) g (id, user_id) where t.id = g.id
"""
_LEAVE = "update leads set owner_id = null where id = any ($1::uuid[]) and owner_id is not null"
_DONE = "update leads set assign_at = null where id = any ($1::uuid[])"
_LATER = f"update leads set assign_at = $2::timestamptz + interval '{ASK_AGAIN}' where id = any ($1::uuid[])"
_NAMED = "select set_config('app.event', $1, true)"


async def assign_due(database: Database, moment: datetime | None = None) -> int:
    """Give the leads that wait by then (``moment`` is for tests) to somebody; how many got an owner.

    ``database`` acts as the worker. Several workers may look at once: one of them assigns for a tenant at a time.
    """
    moment = moment or datetime.now(UTC)

    async def assign(tenant_id: UUID) -> int:
        hand_out = partial(_hand_out, moment=moment)
        return await in_batches(database, tenant_id, hand_out, batch=BATCH, most=MOST_BATCHES)

    failed = "leads of tenant %s could not be assigned"
    return await sweep(database, _TENANTS, moment, assign, log=log, failed=failed)


async def _hand_out(db: Transaction, moment: datetime) -> tuple[int, int]:
    """(how many were looked at, how many got an owner)."""
    desk, rules = await opened_desk(db)
    waiting = await db.fetch(_WAITING, moment, BATCH)
    if not waiting:
        return 0, 0
    members, before = await members_of(db), dict(desk.turns)
    given: list[tuple[str, Choice]] = []
    left: list[str] = []
    done: list[str] = []
    later: list[str] = []
    for lead in waiting:
        has_owner = lead["owner_id"] is not None and lead["owner_id"] in members
        if has_owner or lead["status"] not in OPEN:
            done.append(lead["id"])
            continue
        choice = choose(rules, lead, desk)
        if choice.user_id is not None:
            given.append((lead["id"], choice))
            continue
        left.append(lead["id"])
        (later if choice.rule_id else done).append(lead["id"])
    await take_turns(db, before, desk, [choice for _, choice in given])
    if given:
        await db.execute(_NAMED, ASSIGNED)
        await db.execute(_GIVE, [lead_id for lead_id, _ in given], [choice.user_id for _, choice in given])
    if left:
        await db.execute(_NAMED, UNASSIGNED)
        await db.execute(_LEAVE, left)
    await db.execute(_NAMED, "")
    if done:
        await db.execute(_DONE, done)
    if later:
        await db.execute(_LATER, later, moment)
    return len(waiting), len(given)

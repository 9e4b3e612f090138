"""Promises as they stand: of one ticket, and of all."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from serve.crm.sla.clocks import clocks_of
from serve.crm.sla.service import promises
from serve.crm.tickets import queries
from serve.crm.tickets.deadlines import history_of
from serve.crm.tickets.schemas import SlaQuery
from serve.crm.tickets.service import now, tickets
from serve.kernel.db import Transaction


async def of_ticket(db: Transaction, ticket_id: UUID) -> dict[str, Any]:
    """Raises TicketNotFound."""
    ticket = await tickets.get(db, ticket_id)
    promised = await promises(db, ticket["sla_policy_id"])
    policy = promised.policy(ticket["sla_policy_id"])
    clocks = []
    if policy is not None:
        found = clocks_of(policy, promised.calendar(policy), ticket, await history_of(db, ticket), now())
        clocks = [
            {
                "name": clock.name,
                "state": clock.state,
                "target_s": clock.target_s,
                "elapsed_s": clock.elapsed_s,
                "remaining_s": clock.target_s - clock.elapsed_s,
                "due_at": clock.due_at,
                "breached_at": clock.breached_at,
            }
            for clock in found
        ]
    return {
        "policy_id": policy and policy["id"],
        "policy_name": policy and policy["name"],
        "clocks": clocks,
        "told": await queries.said(db, ticket["id"]),
    }


async def figures(db: Transaction, asked: SlaQuery) -> list[dict[str, Any]]:
    return await queries.figures(db, asked.date_start, asked.date_end)

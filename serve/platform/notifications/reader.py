"""Makes notifications from events: the reader ``notifications`` of the relay."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from serve.kernel.db import Record, Transaction
from serve.kernel.relay import act_because_of
from serve.platform.notifications.rules import Rule, is_told, news
from serve.platform.settings.service import of_people

_MEMBERS = "select user_id, role from tenant_members() where tenant_id = $1 and is_active"
_TELL = """
    insert into notifications (tenant_id, user_id, event_id, kind, priority, title, entity_type, entity_id)
    select $1, unnest($2::uuid[]), $3, $4, $5, $6, $7, $8
    on conflict (tenant_id, user_id, event_id) do nothing
"""


async def tell(db: Transaction, events: Sequence[Record]) -> None:
    """Tell those whom the rules name and who want to know; each person of an event once."""
    people: dict[str, list[tuple[Record, Any]]] = {}
    for rule, event, more in news(events):
        tenant_id = event["tenant_id"]
        if tenant_id not in people:
            await act_because_of(db, event)
            people[tenant_id] = await _people(db, tenant_id)
        reached = [each for each in people[tenant_id] if _is_reached(rule, event, each[0])]
        if not reached:
            continue
        await act_because_of(db, event)
        actor_id = await _person_acting(db, event)
        told = [
            member["user_id"]
            for member, preferences in reached
            if is_told(preferences, rule, is_own=member["user_id"] == actor_id)
        ]
        if told:
            await db.execute(
                _TELL,
                *(tenant_id, told, event["id"], rule.kind, rule.priority),
                *(rule.words(event, more=more), event["entity_type"], event["entity_id"]),
            )


def _is_reached(rule: Rule, event: Record, member: Record) -> bool:
    named = (event["after"] or {}).get(rule.to) if rule.to else None
    return (
        member["role"] in rule.roles
        or (rule.about and member["user_id"] == event["entity_id"])
        or member["user_id"] == named
    )


async def _people(db: Transaction, tenant_id: str) -> list[tuple[Record, Any]]:
    """The tenant's members with what they want to be told of."""
    members = await db.fetch(_MEMBERS, tenant_id)
    wishes = await of_people(db, "notifications", [UUID(member["user_id"]) for member in members])
    return [(member, wishes[UUID(member["user_id"])]) for member in members]


async def _person_acting(db: Transaction, event: Record) -> str | None:
    """Who did it; whoever acts by an API key acts too."""
    if event["actor_kind"] != "api_key":
        return event["actor_id"] if event["actor_kind"] == "user" else None
    key = await db.fetch_one("select user_id from api_keys where id = $1", event["actor_id"])
    return key and key["user_id"]

"""The rules as they are kept, and one lead assigned at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from serve.crm.assignment.errors import NobodyFree
from serve.crm.assignment.models import lead_assignment_rules
from serve.crm.assignment.rules import OPEN, Choice, Desk, check_rule, choose
from serve.crm.assignment.schemas import AssignmentRuleFields
from serve.crm.leads.store import leads
from serve.kernel.db import Record, Transaction
from serve.kernel.errors import Invalid
from serve.kernel.events import event
from serve.kernel.resources import Resource, Row

ASSIGNED = event("lead.assigned", "Somebody of yours works on the lead now: `after` has `owner_id`.")
UNASSIGNED = event("lead.unassigned", "Its owner has left, and no rule gives it to anybody else yet.")
CALLS = ("list", "get", "replace", "patch", "delete", "restore", "history", "stats")

_OWN = "nullif(current_setting('app.tenant_id', true), '')::uuid"
_LOCK = "select pg_advisory_xact_lock(hashtextextended('lead assignment ' || $1, 0))"
_RULES = f"""
    select id, sources, countries, any_tags, zone_ids, method, members from lead_assignment_rules
    where tenant_id = {_OWN} and is_active and deleted_at is null order by position, created_at, id
"""
_MEMBERS = f"select user_id, is_active from tenant_members() where tenant_id = {_OWN}"
_LOAD = f"""
    select owner_id, count(*) as open_count from leads
    where tenant_id = {_OWN} and owner_id = any ($1::uuid[]) and status = any ($2) and deleted_at is null
    group by owner_id
"""
_TURNS = f"select rule_id, user_id, last_turn from lead_assignment_turns where tenant_id = {_OWN}"
_TAKE_TURNS = """
    insert into lead_assignment_turns as t (tenant_id, rule_id, user_id, last_turn, assigned_count)
    select $1, g.rule_id, g.user_id, g.turn, g.count
    from unnest($2::uuid[], $3::uuid[], $4::bigint[], $5::bigint[]) g (rule_id, user_id, turn, count)
    on conflict (tenant_id, rule_id, user_id)
    do update set last_turn = excluded.last_turn, assigned_count = t.assigned_count + excluded.assigned_count
"""
_ZONES = f"""
    select p.place from unnest($1::uuid[]) with ordinality p (id, place)
    where not exists (select from zones z where z.id = p.id and z.tenant_id = {_OWN}) order by p.place
"""


class Rules(Resource):
    async def insert(
        self, db: Transaction, values: Mapping[str, Any], *, row_id: UUID | None = None, event: str = ""
    ) -> Row:
        """Raises Invalid for people and zones that there are not."""
        await _check_links(db, values)
        return await super().insert(db, values, row_id=row_id, event=event)

    async def update(
        self, db: Transaction, before: Row, changes: Mapping[str, Any], *, event: str = ""
    ) -> Row:
        """Raises Invalid for people and zones that there are not."""
        known = {str(member["user_id"]) for member in before["members"]}
        await _check_links(db, changes, known=known)
        return await super().update(db, before, changes, event=event)


assignment_rules = Rules(
    lead_assignment_rules,
    fields=AssignmentRuleFields,
    rule=check_rule,
    calls=CALLS,
    permission="lead_rules",
)


async def assign(db: Transaction, lead_id: UUID, user_id: UUID | None) -> tuple[Row, str | None]:
    """(the lead, the rule that it went by). Raises LeadNotFound, NobodyFree, or Invalid for a stranger."""
    lead = await leads.get(db, lead_id, lock=True)
    if user_id is not None:
        members = {row["user_id"]: row["is_active"] for row in await db.fetch(_MEMBERS)}
        if not members.get(str(user_id)):
            raise Invalid(details=[("user_id", "is no active member of the tenant")])
        return await leads.change(db, lead, event=ASSIGNED, owner_id=user_id), None
    desk, rules = await opened_desk(db)
    if lead["owner_id"] is not None and lead["status"] in OPEN:  # it makes room where it lay
        desk.load[lead["owner_id"]] = desk.load.get(lead["owner_id"], 1) - 1
    before = dict(desk.turns)
    choice = choose(rules, lead, desk)
    if choice.user_id is None:
        raise NobodyFree
    await take_turns(db, before, desk, [choice])
    lead = await leads.change(db, lead, event=ASSIGNED, owner_id=UUID(choice.user_id))
    return lead, choice.rule_id


async def opened_desk(db: Transaction) -> tuple[Desk, list[Record]]:
    """Who is there and whose turn it is, and the rules. Others who assign for the tenant wait for this transaction."""
    await db.execute(_LOCK, str(db.caller.tenant_id))
    rules = list(await db.fetch(_RULES))
    people = {str(member["user_id"]) for rule in rules for member in rule["members"]}
    present = {row["user_id"] for row in await db.fetch(_MEMBERS) if row["is_active"]}
    load = await db.fetch(_LOAD, sorted(people), list(OPEN))
    return (
        Desk(
            present,
            {row["owner_id"]: row["open_count"] for row in load},
            {(row["rule_id"], row["user_id"]): row["last_turn"] for row in await db.fetch(_TURNS)},
        ),
        rules,
    )


async def take_turns(
    db: Transaction, before: Mapping[tuple[str, str], int], desk: Desk, choices: list[Choice]
) -> None:
    """Remember whose turns these were."""
    counts: dict[tuple[str, str], int] = {}
    for choice in choices:
        if choice.rule_id and choice.user_id:
            key = choice.rule_id, choice.user_id
            counts[key] = counts.get(key, 0) + 1
    moved = [key for key, turn in desk.turns.items() if before.get(key) != turn]
    if moved:
        await db.execute(
            _TAKE_TURNS,
            db.caller.tenant_id,
            *([key[place] for key in moved] for place in (0, 1)),
            [desk.turns[key] for key in moved],
            [counts.get(key, 0) for key in moved],
        )


async def members_of(db: Transaction) -> set[str]:
    """Everybody who belongs to the tenant, switched off or not."""
    return {row["user_id"] for row in await db.fetch(_MEMBERS)}


async def _check_links(
    db: Transaction, values: Mapping[str, Any], *, known: set[str] | frozenset[str] = frozenset()
) -> None:
    """``known`` may stay though they have left. Raises Invalid."""
    wrong = []
    if people := values.get("members"):
        there = {row["user_id"] for row in await db.fetch(_MEMBERS) if row["is_active"]} | known
        for place, member in enumerate(people):
            if str(member["user_id"]) not in there:
                wrong.append((f"members[{place}].user_id", "is no active member of the tenant"))
    if zones := values.get("zone_ids"):
        wrong += [
            (f"zone_ids[{row['place'] - 1}]", "names nothing that exists")
            for row in await db.fetch(_ZONES, zones)
        ]
    if wrong:
        raise Invalid(details=wrong)

"""Calendars and policies as they are kept. A change of what tickets go by is followed up by a task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from serve.crm.sla.errors import CalendarInUse
from serve.crm.sla.hours import Calendar, calendar_of
from serve.crm.sla.models import business_calendars, sla_policies
from serve.crm.sla.rules import check_calendar, check_policy, policy_for
from serve.crm.sla.schemas import CalendarFields, PolicyFields
from serve.kernel.db import Transaction
from serve.kernel.errors import Invalid
from serve.kernel.resources import Resource, Row
from serve.kernel.tasks import enqueue

FOLLOW = "tickets.follow_policies"
"""The task that gives open tickets the times that now hold."""
CALLS = ("list", "get", "replace", "patch", "delete", "restore", "history", "stats")
MOST_NAMED = 20
_OWN = "nullif(current_setting('app.tenant_id', true), '')::uuid"
_POLICIES = f"""
    select *, deleted_at is null and is_active as is_in_force from sla_policies
    where tenant_id = {_OWN} and ((deleted_at is null and is_active) or id = $1)
"""
_CALENDARS = f"select * from business_calendars where tenant_id = {_OWN} and id = any ($1::uuid[])"
_STRANGERS = f"""
    select p.place, p.id from unnest($1::uuid[]) with ordinality p (id, place)
    where not exists (
        select from tenant_members() m where m.user_id = p.id and m.tenant_id = {_OWN} and m.is_active
    )
    order by p.place
"""
_POLICIES_OF = (
    "select name from sla_policies where calendar_id = $1 and deleted_at is null order by name limit $2"
)


async def follow(db: Transaction) -> None:
    await enqueue(db, FOLLOW, title="Tickets get the times that are promised now")


class Calendars(Resource):
    async def update(
        self, db: Transaction, before: Row, changes: Mapping[str, Any], *, event: str = ""
    ) -> Row:
        after = await super().update(db, before, changes, event=event)
        if after is not before:
            await follow(db)
        return after

    async def delete(self, db: Transaction, row_id: UUID) -> Mapping[str, Any]:
        """Raises NotFound, or CalendarInUse naming the policies."""
        await self.get(db, row_id, lock=True)
        # Stronger than for a change: no policy can begin to refer to it any more.
        await db.execute("select from business_calendars where id = $1 for update", row_id)
        if used := await db.fetch(_POLICIES_OF, row_id, MOST_NAMED):
            raise CalendarInUse(details=[("sla_policies", each["name"]) for each in used])
        return await super().delete(db, row_id)


class Policies(Resource):
    async def insert(
        self, db: Transaction, values: Mapping[str, Any], *, row_id: UUID | None = None, event: str = ""
    ) -> Row:
        """Raises Invalid for people and calendars that there are not."""
        await _check_links(db, values)
        row = await super().insert(db, values, row_id=row_id, event=event)
        await follow(db)
        return row

    async def update(
        self, db: Transaction, before: Row, changes: Mapping[str, Any], *, event: str = ""
    ) -> Row:
        """Raises Invalid for people and calendars that there are not."""
        await _check_links(db, changes)
        after = await super().update(db, before, changes, event=event)
        if after is not before:
            await follow(db)
        return after

    async def delete(self, db: Transaction, row_id: UUID) -> Mapping[str, Any]:
        gone = await super().delete(db, row_id)
        await follow(db)
        return gone

    async def restore(self, db: Transaction, row_id: UUID) -> Row:
        row = await super().restore(db, row_id)
        await follow(db)
        return row


async def _check_links(db: Transaction, values: Mapping[str, Any]) -> None:
    """Raises Invalid."""
    named = [*(values.get("notify_user_ids") or []), values.get("reassign_to_id")]
    people = [str(user_id) for user_id in named if user_id is not None]
    wrong = []
    if people:
        most = len(values.get("notify_user_ids") or [])
        for stranger in await db.fetch(_STRANGERS, people):
            place = stranger["place"] - 1
            field = f"notify_user_ids[{place}]" if place < most else "reassign_to_id"
            wrong.append((field, "is no active member of the tenant"))
    calendar_id = values.get("calendar_id")
    if calendar_id is not None and not await db.fetch(
        f"select 1 as found from business_calendars where id = $1 and deleted_at is null and tenant_id = {_OWN}"
        " for key share",
        calendar_id,
    ):
        wrong.append(("calendar_id", "names nothing that exists"))
    if wrong:
        raise Invalid(details=wrong)


@dataclass(frozen=True)
class Promises:
    """What the tenant promises at present, and perhaps one policy that it promised by before."""

    policies: Sequence[Mapping[str, Any]]
    calendars: Mapping[str, Calendar]

    def for_ticket(self, ticket: Mapping[str, Any]) -> Mapping[str, Any] | None:
        return policy_for([policy for policy in self.policies if policy["is_in_force"]], ticket)

    def policy(self, policy_id: Any) -> Mapping[str, Any] | None:
        return next((policy for policy in self.policies if str(policy["id"]) == str(policy_id)), None)

    def is_in_force(self, policy_id: Any) -> bool:
        policy = self.policy(policy_id)
        return policy is not None and bool(policy["is_in_force"])

    def calendar(self, policy: Mapping[str, Any]) -> Calendar | None:
        return None if policy["calendar_id"] is None else self.calendars[str(policy["calendar_id"])]


async def promises(db: Transaction, also: Any = None) -> Promises:
    """With the policy ``also``, by which a ticket goes, whether it is in force or not."""
    policies = [dict(row) for row in await db.fetch(_POLICIES, also)]
    ids = sorted({policy["calendar_id"] for policy in policies if policy["calendar_id"]})
    rows = await db.fetch(_CALENDARS, ids) if ids else []
    return Promises(policies, {row["id"]: calendar_of(row) for row in rows})


calendars = Calendars(
    business_calendars,
    fields=CalendarFields,
    rule=check_calendar,
    permission="sla",
    calls=("create", *CALLS),
    deleting=(CalendarInUse,),
)
policies = Policies(
    sla_policies,
    fields=PolicyFields,
    rule=check_policy,
    permission="sla",
    calls=CALLS,  # create stands in endpoints.py: the short way knows nothing of people and of what follows
)

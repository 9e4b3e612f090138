"""Tickets as they are opened, changed and answered. Every way to change one leads through ``Tickets.update``."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from serve.crm.sla.service import Promises
from serve.crm.tickets import queries
from serve.crm.tickets.deadlines import CHOSEN_BY, FOLLOWS_FROM, deadlines, history_of
from serve.crm.tickets.errors import HoldsMerged, TicketMerged
from serve.crm.tickets.models import tickets as table
from serve.crm.tickets.rules import DONE, assumed_history, check_ticket, event_of, status_follows
from serve.crm.tickets.schemas import TicketFields, TicketRead
from serve.kernel.db import Transaction
from serve.kernel.errors import Invalid
from serve.kernel.events import event
from serve.kernel.resources import Resource, Row

ANSWERED = event("ticket.answered", "Somebody answered the customer for the first time.")
for _status in sorted(DONE):
    event(f"ticket.{_status}", f"The ticket is {_status}.")
REOPENED = event("ticket.reopened", "The ticket that was done is open again.")
event("ticket.assigned", "Somebody else, or nobody, looks after the ticket: `after` has whom.")
FILTERS = (
    *("external_id", "number", "status", "priority", "channel", "account_id", "contact_id", "job_id"),
    *(
        "assignee_id",
        "is_breached",
        "opened_at",
        "updated_at",
        "first_reply_due_at",
        "resolution_due_at",
        "tags",
    ),
    *("sla_policy_id", "merged_into_id"),
)
"""What tickets are asked for by; each has an index, because there may be very many of them."""
SORTABLE = (
    *("created_at", "updated_at", "opened_at", "first_reply_due_at", "resolution_due_at", "number", "id"),
)
_LINKS = ("account_id", "contact_id", "job_id", "assignee_id")


class Tickets(Resource):
    async def insert(
        self, db: Transaction, values: Mapping[str, Any], *, row_id: UUID | None = None, event: str = ""
    ) -> Row:
        """A ticket opened now, with the next number and its due times. Raises Invalid for links that do not fit."""
        at = now()
        links = await _linked(db, {name: values.get(name) for name in _LINKS}, set(_LINKS))
        made = {"status": "open", "priority": "normal", "first_response_at": None, **values, **links}
        made |= {"opened_at": at, "number": await queries.next_number(db)} | status_follows(None, made, at)
        history = [(at, made["status"])]
        due, look_at = await deadlines(db, made, history, now=at, is_chosen_anew=True)
        row = await super().insert(db, made | due | {"check_at": look_at}, row_id=row_id, event=event)
        await queries.note_status(db, row["id"], row["status"], at)
        return row

    async def update(
        self, db: Transaction, before: Row, changes: Mapping[str, Any], *, event: str = ""
    ) -> Row:
        """With what follows from the changes. Raises Invalid for links that do not fit together."""
        at, asked = now(), dict(changes)
        if changed := {name for name in _LINKS if name in asked and str(asked[name]) != str(before[name])}:
            wanted = {name: asked.get(name, before[name]) for name in _LINKS}
            asked |= await _linked(db, wanted, changed)
        asked |= status_follows(before, asked, at)
        name = event or event_of(before, asked)
        changed = {column for column, value in asked.items() if not self._same(before.get(column), value)}
        if changed.isdisjoint(FOLLOWS_FROM):
            return await super().update(db, before, asked, event=name)
        after = {**before, **asked}
        history = await self.noted(db, before, after["status"], at)
        is_chosen_anew = not changed.isdisjoint(CHOSEN_BY) or event_of(before, asked) == REOPENED
        due, look_at = await deadlines(db, after, history, now=at, is_chosen_anew=is_chosen_anew)
        row = await super().update(db, before, asked | due, event=name)
        await queries.look_at(db, row["id"], look_at)
        return row

    async def delete(self, db: Transaction, row_id: UUID) -> Mapping[str, Any]:
        """Raises NotFound, TicketMerged, or HoldsMerged naming the tickets that were merged into it."""
        ticket = await self.get(db, row_id, lock=True)
        if ticket["merged_into_id"] is not None:
            raise TicketMerged
        if held := await queries.merged_into(db, row_id):
            raise HoldsMerged(details=[("ticket", str(number or ticket_id)) for ticket_id, number in held])
        return await super().delete(db, row_id)

    async def follow(self, db: Transaction, before: Row, promised: Promises) -> Row:
        """Give it the times that are promised now. One that is late stays with what it missed, if that still holds."""
        at = now()
        history = await history_of(db, before)
        is_chosen_anew = not (before["is_breached"] and promised.is_in_force(before["sla_policy_id"]))
        due, look_at = await deadlines(
            db, before, history, now=at, is_chosen_anew=is_chosen_anew, promised=promised
        )
        row = await super().update(db, before, due)
        await queries.look_at(db, row["id"], look_at)
        return row

    async def noted(
        self, db: Transaction, before: Row, status: str, at: datetime
    ) -> list[tuple[datetime, str]]:
        """Its history with the status that it gets now."""
        history = await queries.history(db, before["id"])
        if not history:
            history = assumed_history(before)
            for since, was in history:
                await queries.note_status(db, before["id"], was, since)
        if status != before["status"]:
            await queries.note_status(db, before["id"], status, at)
            history.append((at, status))
        return history


async def _linked(db: Transaction, wanted: Mapping[str, Any], changed: set[str]) -> dict[str, Any]:
    """The account, as it was said or follows. Raises Invalid naming what does not fit."""
    links = await queries.links(db, wanted)
    wrong = [
        (f"{name}_id", "names nothing that exists")
        for name in ("contact", "job", "assignee")
        if f"{name}_id" in changed and wanted[f"{name}_id"] is not None and not links[f"has_{name}"]
    ]
    owners = {name: links[f"{name}_account_id"] for name in ("contact", "job")}
    account_id = wanted["account_id"] or owners["contact"] or owners["job"]
    if account_id is None and not wrong:
        wrong.append(("account_id", "say whose ticket it is: it follows from neither a contact nor a job"))
    wrong += [
        (f"{name}_id", "belongs to another account")
        for name, owner in owners.items()
        if owner is not None and account_id is not None and owner != str(account_id)
    ]
    if wrong:
        raise Invalid(details=wrong)
    return {"account_id": account_id}


def now() -> datetime:
    return datetime.now(UTC)


tickets = Tickets(
    table,
    fields=TicketFields,
    read=TicketRead,
    rule=check_ticket,
    deleting=(TicketMerged, HoldsMerged),
    filters=FILTERS,
    sortable=SORTABLE,
    # No create in the short way, which knows nothing of numbers; no replace, which would reopen what it leaves out.
    calls=(
        *("list", "get", "patch", "delete", "restore", "history", "stats"),
        *("bulk_create", "bulk_update", "bulk_delete", "export", "import"),
    ),
)

"""One ticket becomes part of another, and comes out again exactly as it went in."""

from __future__ import annotations

from uuid import UUID

from serve.crm.tickets import queries
from serve.crm.tickets.deadlines import deadlines
from serve.crm.tickets.errors import MergeStands, NotMerged
from serve.crm.tickets.rules import check_merge
from serve.crm.tickets.service import now, tickets
from serve.kernel.db import Transaction
from serve.kernel.errors import Invalid, NotFound
from serve.kernel.events import event
from serve.kernel.resources import Row
from serve.kernel.resources.store import Store

MERGED = event(
    "ticket.merged", "The ticket is part of another one now, which has its replies: `after` has which."
)
UNMERGED = event("ticket.unmerged", "The ticket that was merged is one of its own again.")


async def merge(db: Transaction, source_id: UUID, into_id: UUID) -> Row:
    """The ticket, closed. Raises TicketNotFound, TicketMerged, TicketClosed or Invalid."""
    source, target = await _both(db, source_id, into_id)
    check_merge(source, target)
    at = now()
    history = await tickets.noted(db, source, "closed", at)
    reply_ids = await queries.move_replies(db, source["id"], target["id"])
    await queries.note_merge(db, source, target["id"], reply_ids, at)
    after = {**source, "status": "closed", "closed_at": at, "merged_into_id": target["id"]}
    due, _ = await deadlines(db, after, history, now=at, is_chosen_anew=False)
    changes = {"status": "closed", "closed_at": at, "merged_into_id": target["id"]}
    row = await Store.update(tickets, db, source, changes | due, event=MERGED)
    await queries.look_at(db, row["id"], None)
    return row


async def unmerge(db: Transaction, source_id: UUID) -> Row:
    """The ticket as it was, with its replies. Raises TicketNotFound, NotMerged, or MergeStands saying what does."""
    source = await tickets.get(db, source_id)
    if source["merged_into_id"] is None:
        raise NotMerged
    target_id = UUID(source["merged_into_id"])
    source, target = await _both(db, source_id, target_id)
    found = await queries.merge_of(db, source_id)
    if found is None or source["merged_into_id"] != str(target_id):  # somebody else was quicker
        raise NotMerged
    if target["merged_into_id"] is not None:
        raise MergeStands(
            details=[("merged_into_id", "was merged into another ticket itself: undo that first")]
        )
    moved = await queries.move_back(db, found["reply_ids"], target_id, source_id)
    if moved != len(found["reply_ids"]):
        raise MergeStands(details=[("replies", "some of them have gone on to another ticket")])
    at = now()
    await queries.undo_merge(db, found, source_id, at)
    was = {name: found[name] for name in ("status", "resolved_at", "closed_at")} | {"merged_into_id": None}
    history = await queries.history(db, source_id)
    due, look_at = await deadlines(db, {**source, **was}, history, now=at, is_chosen_anew=False)
    row = await Store.update(tickets, db, source, was | due, event=UNMERGED)
    await queries.look_at(db, row["id"], look_at)
    return row


async def _both(db: Transaction, source_id: UUID, target_id: UUID) -> tuple[Row, Row]:
    """Both locked, the smaller id first: two merges that cross do not wait for each other.

    Raises TicketNotFound for the first, Invalid for the other.
    """
    locked = {}
    for row_id in sorted({source_id, target_id}):
        try:
            locked[row_id] = await tickets.get(db, row_id, lock=True)
        except NotFound:
            if row_id == source_id:
                raise
    if source_id not in locked:
        raise tickets.NotFound
    if target_id not in locked:
        raise Invalid(details=[("into_id", "names nothing that exists")])
    return locked[source_id], locked[target_id]

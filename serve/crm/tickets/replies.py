"""What is said in a ticket: answers to the customer, notes among colleagues, and the customer's own words."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from serve.crm.contacts.endpoints import contacts
from serve.crm.tickets import queries
from serve.crm.tickets.models import ticket_replies as table
from serve.crm.tickets.rules import after_reply, check_reply
from serve.crm.tickets.schemas import ReplyFields, ReplyQuery
from serve.crm.tickets.service import ANSWERED, now, tickets
from serve.kernel.db import Transaction
from serve.kernel.errors import Invalid
from serve.kernel.ids import uuid7
from serve.kernel.paging import page_meta
from serve.kernel.resources import Row
from serve.kernel.resources.store import Store
from serve.platform.mails.service import queue_mail
from serve.ports.mail import MailWays

MOST_SUBJECT = 500
store = Store(
    table,
    ("id", "ticket_id", "kind", "author", "author_id", "contact_id", "body", "mail_id", "created_at"),
    (),
)


async def page(
    db: Transaction, ticket_id: UUID, asked: ReplyQuery
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """(rows, meta), the oldest first. Raises TicketNotFound."""
    await tickets.get(db, ticket_id)
    window = asked.window()
    rows, total = await queries.replies(db, ticket_id, asked.kind, window)
    return rows, page_meta(window, total)


async def reply(db: Transaction, ways: MailWays, ticket_id: UUID, said: ReplyFields) -> dict[str, Any]:
    """The reply as it reads. Raises TicketNotFound, TicketClosed, NotConfigured, or Invalid naming the field."""
    ticket = await tickets.get(db, ticket_id, lock=True)
    kinds: dict[str, Any] = {
        "is_internal": said.is_internal,
        "is_from_contact": said.is_from_contact,
        "status": said.status,
    }
    check_reply(ticket, **kinds, is_mailed=said.send_mail)
    row_id = uuid7()
    mail = await _send(db, ways, ticket, said.body) if said.send_mail else None
    await store.insert(
        db,
        {
            "ticket_id": ticket_id,
            "kind": "internal" if said.is_internal else "public",
            "author": "contact" if said.is_from_contact else "staff",
            "author_id": db.caller.user_id,
            "contact_id": ticket["contact_id"],
            "account_id": ticket["account_id"],
            "body": said.body,
            "mail_id": mail and mail["id"],
        },
        row_id=row_id,
    )
    changes = after_reply(ticket, **kinds, now=now())
    if changes:
        answered = ANSWERED if "first_response_at" in changes and "status" not in changes else ""
        await tickets.change(db, ticket, event=answered, **changes)
    return await queries.reply(db, row_id)


async def _send(db: Transaction, ways: MailWays, ticket: Row, body: str) -> Row:
    """Raises Invalid when the contact has no address."""
    contact = await contacts.get(db, ticket["contact_id"])
    if not contact["email"]:
        raise Invalid(details=[("send_mail", "the contact has no mail address")])
    return await queue_mail(
        db,
        ways,
        {
            "to_address": contact["email"],
            "to_name": contact["full_name"],
            "subject": subject_of(ticket),
            "text": body,
        },
    )


def subject_of(ticket: Row) -> str:
    """With the number, by which an answer finds back. A mail's subject is one line."""
    line = " ".join(ticket["subject"].split())
    mark = "" if ticket["number"] is None else f" [#{ticket['number']}]"
    return f"Re: {line}"[: MOST_SUBJECT - len(mark)] + mark

"""How content the customer is: said by staff on their behalf, or by themselves through the link of a mail.

The token of the link is kept as a hash with the other secrets of mails (``account_tokens``). Looking at it changes
nothing; while it is good, what was said may be changed by it. A newer mail voids the links of older ones.
"""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from serve.crm.contacts.endpoints import contacts
from serve.crm.tickets.errors import RatingLinkNotFound, RatingLinkUseless
from serve.crm.tickets.page import PAGE
from serve.crm.tickets.rules import check_rating
from serve.crm.tickets.schemas import LinkedRating, RatingFields
from serve.crm.tickets.service import tickets
from serve.crm.tickets.words import WORDS
from serve.identity.account_tokens.links import Link, linked
from serve.identity.account_tokens.service import issue_token, void_tokens
from serve.kernel.db import Database, Transaction
from serve.kernel.errors import Invalid, NotFound
from serve.kernel.events import event
from serve.kernel.resources import Row
from serve.kernel.speech import Speech
from serve.platform.mails.service import queue_mail
from serve.platform.settings.service import customers_language
from serve.ports.mail import MailWays

PURPOSE = "ticket_rating"
LIFE = timedelta(days=14)
RATED = event("ticket.rated", "Somebody said how content the customer is: `after` has how much, of 5.")


async def rate(db: Transaction, ticket_id: UUID, said: RatingFields) -> Row:
    """Raises TicketNotFound, TicketMerged or NotDoneYet."""
    ticket = await tickets.get(db, ticket_id, lock=True)
    check_rating(ticket)
    changes = {
        "satisfaction": said.rating,
        "satisfaction_comment": said.comment,
        "satisfaction_at": datetime.now(UTC),
    }
    return await tickets.change(db, ticket, event=RATED, **changes)


async def ask(db: Transaction, ways: MailWays, ticket: Row, public_address: str) -> None:
    """Send the contact a link, in the tenant's language.

    Raises NotConfigured, or Invalid where nobody has an address.
    """
    if ticket["contact_id"] is None:
        raise Invalid(details=[("ask_rating", "the ticket has no contact")])
    contact = await contacts.get(db, ticket["contact_id"])
    if not contact["email"]:
        raise Invalid(details=[("ask_rating", "the contact has no mail address")])
    tenant = await db.fetch_one("select name from tenants where id = $1", db.caller.tenant_id)
    assert tenant is not None
    row_id = UUID(ticket["id"])
    await void_tokens(db, PURPOSE, subject_id=row_id)
    token = await issue_token(
        db, PURPOSE, life=LIFE, tenant_id=db.caller.tenant_id, subject_id=row_id, email=contact["email"]
    )
    said, subject = Speech(await customers_language(db), WORDS), " ".join(ticket["subject"].split())
    parts = [
        said("hello", name=contact["full_name"]),
        said("resolved", subject=subject),
        ticket["resolution"],
        said("ask"),
        PAGE.link(public_address, said.language, token),
        said("until", moment=said.moment(datetime.now(UTC) + LIFE)),
        tenant["name"],
    ]
    await queue_mail(
        db,
        ways,
        {
            "to_address": contact["email"],
            "to_name": contact["full_name"],
            "subject": said("subject", subject=subject)[:500],
            "text": "\n\n".join(parts) + "\n",
            "language": said.language,
        },
    )


async def show(database: Database, token: str) -> dict[str, Any]:
    """What the holder of the link may know. Raises RatingLinkNotFound, RatingLinkUseless or TenantSuspended."""
    async with _linked(database, token) as link:
        return await _shown(link.db, await _ticket(link.db, link.subject_id))


async def rate_by_link(database: Database, said: LinkedRating, *, request_id: str) -> dict[str, Any]:
    """What they have said.

    Raises RatingLinkNotFound, RatingLinkUseless, TenantSuspended, NotDoneYet or TicketMerged.
    """
    async with _linked(database, said.token, request_id) as link:
        await _ticket(link.db, link.subject_id)
        return await _shown(link.db, await rate(link.db, link.subject_id, said))


def _linked(database: Database, token: str, request_id: str = "") -> AbstractAsyncContextManager[Link]:
    wrong = {"unknown": RatingLinkNotFound, "useless": RatingLinkUseless}
    return linked(database, token, PURPOSE, **wrong, request_id=request_id)


async def _ticket(db: Transaction, ticket_id: UUID) -> Row:
    try:
        return await tickets.get(db, ticket_id)
    except NotFound as absent:
        raise RatingLinkUseless from absent


async def _shown(db: Transaction, ticket: Row) -> dict[str, Any]:
    tenant = await db.fetch_one("select name, slug from tenants where id = $1", db.caller.tenant_id)
    assert tenant is not None
    return {
        "tenant_name": tenant["name"],
        "tenant_slug": tenant["slug"],
        "number": ticket["number"],
        "rating": ticket["satisfaction"],
        "comment": ticket["satisfaction_comment"],
    }

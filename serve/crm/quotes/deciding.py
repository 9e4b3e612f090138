"""What the customer makes of a quote: by the link of the mail, or as somebody of the business notes it.

A link shows the version that it was sent with and decides nothing else. The quote's row is locked before anything is
looked at, so of several decisions at once there is one; whether its time is over is asked then, of the clock.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from serve.crm.quotes.errors import (
    QuoteDecidedAlready,
    QuoteExpired,
    QuoteLinkUnknown,
    QuoteLinkUseless,
    QuoteWithdrawn,
    TotalDiffers,
)
from serve.crm.quotes.rules import CONTENT, check_open, chosen, counted, is_open
from serve.crm.quotes.sending import COUNTED, PURPOSE, accepted_pdf, sent_document, sent_pdf
from serve.crm.quotes.service import quotes
from serve.identity.account_tokens.links import linked
from serve.kernel.db import Database, Transaction
from serve.kernel.errors import NotFound
from serve.kernel.events import event
from serve.kernel.resources import Row
from serve.ports.storage import Storage

ACCEPTED = event(
    "quote.accepted", "The customer has accepted the quote: `after` has what was chosen, and by whom."
)
DECLINED = event("quote.declined", "The customer does not want it: `after` has the reason, if they gave one.")


@dataclass(frozen=True, slots=True)
class Linked:
    """What a link stands for; ``quote`` is locked where somebody is about to decide."""

    db: Transaction
    quote: Row
    document: dict[str, Any]

    @property
    def version(self) -> int:
        version: int = self.document["version"]
        return version


async def show(database: Database, token: str, positions: Sequence[int] | None) -> dict[str, Any]:
    """What the holder of the link may see, counted with the options of ``positions``.

    Raises QuoteLinkUnknown, QuoteLinkUseless or Invalid.
    """
    async with _linked(database, token) as found:
        document = found.document
        if found.quote["status"] == "accepted":
            document |= {name: found.quote[name] for name in COUNTED}
        elif positions is not None:
            document |= with_choice(document, positions)
        tenant = await found.db.fetch_one(
            "select name, slug from tenants where id = $1", found.db.caller.tenant_id
        )
        assert tenant is not None
        shown = {name: document[name] for name in _SHOWN}
        return shown | {
            "tenant_name": tenant["name"],
            "tenant_slug": tenant["slug"],
            "state": found.quote["status"] if found.quote["status"] != "sent" else "open",
            "expires_at": found.quote["expires_at"],
            "decided_at": found.quote["decided_at"],
            "decided_by_name": found.quote["decided_by_name"],
        }


async def pdf(database: Database, token: str, storage: Storage) -> tuple[str, bytes]:
    """Name and content of the paper: as it was accepted, else as it was sent.

    Raises QuoteLinkUnknown or QuoteLinkUseless.
    """
    async with _linked(database, token) as found:
        quote = found.quote
        if quote["status"] == "accepted":
            return f"{quote['number']}.pdf", await accepted_pdf(found.db, quote, storage)
        made = await sent_pdf(found.db, UUID(quote["id"]), found.version)
        if made is None:
            raise QuoteWithdrawn
        return f"{quote['number']}.pdf", made


async def accept_by_link(
    database: Database,
    token: str,
    *,
    name: str,
    positions: Sequence[int] | None,
    total_cents: int,
    request_id: str,
) -> None:
    """Raises QuoteLinkUnknown, QuoteLinkUseless, Invalid or TotalDiffers."""
    async with _linked(database, token, request_id=request_id, is_deciding=True) as found:
        values = with_choice(found.document, positions)
        if values["total_cents"] != total_cents:
            raise TotalDiffers
        await _accept(found.db, found.quote, found.document | values, by="customer", name=name)


async def decline_by_link(database: Database, token: str, *, reason: str | None, request_id: str) -> None:
    """Raises QuoteLinkUnknown or QuoteLinkUseless."""
    async with _linked(database, token, request_id=request_id, is_deciding=True) as found:
        await _decline(found.db, found.quote, by="customer", reason=reason)


async def accept(db: Transaction, row_id: UUID, *, name: str, positions: Sequence[int] | None) -> Row:
    """What a customer has said on the telephone, or signed. Raises NotFound, QuoteNotOpen or Invalid."""
    quote = await quotes.get(db, row_id, lock=True)
    check_open(quote, datetime.now(UTC))
    document = await sent_document(db, quote["id"], quote["sent_version"])
    document |= with_choice(document, positions)
    return await _accept(db, quote, document, by="staff", name=name)


async def decline(db: Transaction, row_id: UUID, *, reason: str | None) -> Row:
    """Raises NotFound or QuoteNotOpen."""
    quote = await quotes.get(db, row_id, lock=True)
    check_open(quote, datetime.now(UTC))
    return await _decline(db, quote, by="staff", reason=reason)


def with_choice(document: Mapping[str, Any], positions: Sequence[int] | None) -> dict[str, Any]:
    """What it comes to with these options; as it was sent without any word of them. Raises Invalid."""
    lines = document["lines"] if positions is None else chosen(document["lines"], positions)
    return counted({**document, "lines": lines})


async def _accept(db: Transaction, quote: Row, document: Mapping[str, Any], *, by: str, name: str) -> Row:
    """The quote says again what was sent, with what was chosen: drafts of a next version end with it."""
    content = {each: document[each] for each in CONTENT if each not in _STAYS}
    changes = content | {
        **counted(document),
        "valid_until": date.fromisoformat(document["valid_until"]),
        "status": "accepted",
        "version": document["version"],
        "accepted_version": document["version"],
        "decided_at": datetime.now(UTC),
        "decided_by": by,
        "decided_by_name": name,
    }
    return await quotes.update(db, quote, changes, event=ACCEPTED)


async def _decline(db: Transaction, quote: Row, *, by: str, reason: str | None) -> Row:
    changes = {
        "status": "declined",
        "decided_at": datetime.now(UTC),
        "decided_by": by,
        "decline_reason": reason,
    }
    return await quotes.update(db, quote, changes, event=DECLINED)


@asynccontextmanager
async def _linked(
    database: Database, token: str, *, request_id: str = "", is_deciding: bool = False
) -> AsyncIterator[Linked]:
    async with linked(database, token, PURPOSE, unknown=QuoteLinkUnknown, request_id=request_id) as link:
        try:
            quote = await quotes.get(link.db, link.subject_id, lock=is_deciding)
        except NotFound as gone:
            raise QuoteWithdrawn from gone
        version = link.detail["version"]
        _check_link(quote, version, is_deciding=is_deciding)
        yield Linked(link.db, quote, await sent_document(link.db, quote["id"], version))


def _check_link(quote: Row, version: int, *, is_deciding: bool) -> None:
    """Raises QuoteLinkUseless, or a kind of it. What was decided may still be looked at."""
    if quote["status"] == "draft":
        raise QuoteWithdrawn
    if version != quote["sent_version"]:
        raise QuoteLinkUseless
    if quote["status"] in ("accepted", "declined"):
        if is_deciding:
            raise QuoteDecidedAlready
    elif not is_open(quote, datetime.now(UTC)):
        raise QuoteExpired


_SHOWN = (
    *("number", "version", "title", "introduction", "terms", "recipient_name", "currency", "valid_until"),
    "language",
    *COUNTED,
)
_STAYS = ("account_id", "contact_id", "recipient_name", "recipient_email", "valid_until", "language")
"""Whom it was for may have been put right since, and erased; the language may be the tenant's, whichever that becomes.
The version knows what it was."""

"""Sending a quote: what is sent is frozen as a version, and the mail has the link that shows that one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

from serve.crm.accounts.endpoints import accounts
from serve.crm.contacts.endpoints import contacts
from serve.crm.quotes.errors import QuoteVersionNotFound
from serve.crm.quotes.page import PAGE
from serve.crm.quotes.paper import paper
from serve.crm.quotes.rules import CONTENT, check_sendable, is_over
from serve.crm.quotes.service import UNDECIDED, check_people, quotes
from serve.crm.quotes.words import WORDS
from serve.identity.account_tokens.service import issue_token
from serve.identity.branding.brand import brand_of
from serve.kernel.db import Transaction
from serve.kernel.errors import Invalid, NotFound
from serve.kernel.events import event
from serve.kernel.ids import uuid7
from serve.kernel.resources import Row
from serve.kernel.resources.store import Store
from serve.kernel.speech import OTHERWISE, Speech, spoken
from serve.kernel.tasks import Work, enqueue, task
from serve.platform.mails.attachments import Attachment, attached_from
from serve.platform.mails.service import queue_mail
from serve.platform.settings.service import customers_language
from serve.ports.mail import MailWays
from serve.ports.storage import Storage

PURPOSE = "quote"
PAPER = "quote_version"
"""What is attached to the mail: read from its version, so that it goes where that is erased."""
VALID_DAYS = 30
SENT = event(
    "quote.sent", "The quote was sent to the customer: `after` has the version and until when it holds."
)
EXPIRED = event("quote.expired", "Nobody has decided the quote, and its time is over.")
COUNTED = (
    *("lines", "subtotal_cents", "discount_total_cents", "net_cents", "tax_cents", "total_cents", "taxes"),
    "deposit_cents",
)
"""What follows from the lines, and they with it."""
_DOCUMENT = (*CONTENT, *COUNTED[1:], "number")
_DAYS = """
    select (now() at time zone t.timezone)::date as today,
        coalesce($2::date, (now() at time zone t.timezone)::date + $3::integer) as valid_until,
        ((coalesce($2::date, (now() at time zone t.timezone)::date + $3::integer) + 1)::timestamp
            at time zone t.timezone) as expires_at,
        t.name as tenant
    from tenants t where t.id = $1
"""
_KEEP = """
    insert into quote_versions
        (id, tenant_id, quote_id, account_id, version, document, total_cents, currency, recipient_email, pdf,
        pdf_sha256, sent_at, expires_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
"""


async def send(
    db: Transaction,
    row_id: UUID,
    *,
    message: str | None,
    ways: MailWays,
    storage: Storage,
    public_address: str,
) -> Row:
    """Freeze it, mail the link, and say from when on it is over.

    Raises NotFound, QuoteDecided, QuoteNotSendable, Invalid or NotConfigured.
    """
    quote = await quotes.get(db, row_id, lock=True)
    await check_people(db, quote)
    to = await recipient(db, quote)
    check_sendable(quote, to["recipient_email"])
    days = await db.fetch_one(_DAYS, db.caller.tenant_id, quote["valid_until"], VALID_DAYS)
    assert days is not None
    if days["valid_until"] < days["today"]:
        raise Invalid(details=[("valid_until", "is over; change it first")])
    now = datetime.now(UTC)
    version = quote["version"] + (quote["version"] == quote["sent_version"])
    document = document_of(
        {
            **quote,
            **to,
            "language": await language_of(db, quote),
            "valid_until": days["valid_until"],
            "sender": days["tenant"],
        },
        version=version,
        dated=days["today"],
        kind="quote",
    )
    made = await paper(document, await brand_of(db, storage), made_at=now)
    version_id, digest = uuid7(), sha256(made).hexdigest()
    await db.execute(
        _KEEP,
        *(version_id, db.caller.tenant_id, row_id, quote["account_id"], version, document),
        *(quote["total_cents"], quote["currency"], to["recipient_email"], made, digest),
        *(now, days["expires_at"]),
    )
    token = await issue_token(
        db,
        PURPOSE,
        life=days["expires_at"] - now,
        tenant_id=db.caller.tenant_id,
        subject_id=row_id,
        email=to["recipient_email"],
        detail={"version": version},
    )
    mail = _mail(document, message, PAGE.link(public_address, document["language"], token))
    await queue_mail(
        db,
        ways,
        {"to_address": to["recipient_email"], "to_name": to["recipient_name"], "reply_to": None, **mail},
        [Attachment(PAPER, version_id, f"{quote['number']}.pdf", "application/pdf", len(made), digest)],
    )
    await enqueue(
        db,
        "quotes.expire",
        {"quote_id": str(row_id), "version": version},
        title=f"Quote {quote['number']} expires",
        about=("quote", row_id),
        not_before=days["expires_at"],
    )
    changes = UNDECIDED | {
        "status": "sent",
        "sent_at": now,
        "version": version,
        "sent_version": version,
        "valid_until": days["valid_until"],
        "expires_at": days["expires_at"],
    }
    return await quotes.update(db, quote, changes, event=SENT)


@task("quotes.expire")
async def expire(work: Work) -> None:
    """Say of a quote that its time is over, unless it was decided, or sent anew, meanwhile."""

    async def note(db: Transaction) -> None:
        try:
            quote = await quotes.get(db, UUID(work.params["quote_id"]), lock=True)
        except NotFound:
            return
        if quote["sent_version"] == work.params["version"] and is_over(quote, datetime.now(UTC)):
            await quotes.update(db, quote, {"status": "expired"}, event=EXPIRED)

    await work.step("expire", note)


async def pdf_of(
    db: Transaction, store: Store, row_id: UUID, version: int | None, storage: Storage
) -> tuple[str, bytes]:
    """Name and content: what was accepted, else what was sent and has not changed since, else what stands there now.

    Raises NotFound or QuoteVersionNotFound.
    """
    row = await store.get(db, row_id)
    name = f"{row['number'] or store.entity}.pdf"
    if version is None and row.get("accepted_version") is not None:
        return name, await accepted_pdf(db, row, storage)
    sent = row["sent_version"] if store is quotes else None
    wanted = version or (sent if sent and sent == row["version"] else None)
    if wanted is not None:
        if (made := await sent_pdf(db, row_id, wanted)) is not None:
            return name, made
        if version is not None:
            raise QuoteVersionNotFound
    days = await db.fetch_one(_DAYS, db.caller.tenant_id, row["valid_until"], VALID_DAYS)
    assert days is not None
    document = document_of(
        {
            **row,
            **await recipient(db, row),
            "language": await language_of(db, row),
            "sender": days["tenant"],
        },
        version=row["version"] if store is quotes else 1,
        dated=days["today"],
        kind=store.entity,
        is_draft=row["status"] == "draft" or (sent is not None and wanted is None),
    )
    return name, await paper(document, await brand_of(db, storage), made_at=row["updated_at"])


async def sent_pdf(db: Transaction, row_id: UUID, version: int) -> bytes | None:
    """What was sent; None where there was no such version, or its paper was erased with the person on it."""
    found = await db.fetch_one(
        "select pdf from quote_versions where quote_id = $1 and version = $2", row_id, version
    )
    return found["pdf"] if found else None


@attached_from(PAPER)
async def _attached(db: Transaction, _: Storage, version_id: UUID) -> bytes | None:
    found = await db.fetch_one(
        "select pdf from quote_versions where tenant_id = $1 and id = $2", db.caller.tenant_id, version_id
    )
    return found["pdf"] if found else None


async def accepted_pdf(db: Transaction, quote: Row, storage: Storage) -> bytes:
    """The paper that was sent, with what was chosen of it, and by whom."""
    document = await sent_document(db, quote["id"], quote["accepted_version"])
    decided = await db.fetch_one(
        "select ($2::timestamptz at time zone timezone)::date as day from tenants where id = $1",
        *(db.caller.tenant_id, quote["decided_at"]),
    )
    assert decided is not None
    document |= {name: quote[name] for name in COUNTED} | {
        "accepted_by": quote["decided_by_name"],
        "accepted_on": decided["day"].isoformat(),
    }
    return await paper(document, await brand_of(db, storage), made_at=quote["decided_at"])


async def sent_document(db: Transaction, row_id: UUID | str, version: int) -> dict[str, Any]:
    """What a version says; less of people, where they were erased."""
    found = await db.fetch_one(
        "select document from quote_versions where quote_id = $1 and version = $2", row_id, version
    )
    assert found is not None
    since = {"language": OTHERWISE}
    """What a document lacks that was kept before it was part of one."""
    document: dict[str, Any] = {"recipient_name": None, "customer_name": None, **since, **found["document"]}
    return document


async def versions(db: Transaction, row_id: UUID) -> list[dict[str, Any]]:
    """The newest first. Raises NotFound."""
    await quotes.get(db, row_id)
    rows = await db.fetch(
        "select version, sent_at, expires_at, recipient_email, total_cents, currency, pdf_sha256,"
        " pdf is not null as has_pdf, coalesce(document ->> 'language', $2) as language"
        " from quote_versions where quote_id = $1 order by version desc",
        *(row_id, OTHERWISE),
    )
    return [dict(row) for row in rows]


async def language_of(db: Transaction, row: Mapping[str, Any]) -> str:
    """In which it speaks to the customer if it is sent now: its own, else the tenant's, as far as we speak that."""
    return spoken(row["language"]) if row["language"] else await customers_language(db)


async def recipient(db: Transaction, row: Mapping[str, Any]) -> dict[str, Any]:
    """Whom it is for: as it says itself, else as its contact does."""
    account = await _found(db, accounts, row["account_id"])
    contact = await _found(db, contacts, row["contact_id"])
    name, customer = row["recipient_name"] or contact.get("full_name"), account.get("name")
    return {
        "customer_name": customer if customer != name else None,
        "recipient_name": name,
        "recipient_email": row["recipient_email"] or contact.get("email"),
    }


async def _found(db: Transaction, store: Store, row_id: str | None) -> Mapping[str, Any]:
    """Nothing of what was deleted since."""
    try:
        return await store.get(db, UUID(row_id)) if row_id else {}
    except NotFound:
        return {}


def document_of(
    row: Mapping[str, Any], *, version: int, dated: date, kind: str, is_draft: bool = False
) -> dict[str, Any]:
    """All that an offer says, as JSON holds it."""
    values = {name: row[name] for name in _DOCUMENT}
    return {
        **values,
        "kind": kind,
        "is_draft": is_draft,
        "version": version,
        "dated": dated.isoformat(),
        "valid_until": row["valid_until"] and row["valid_until"].isoformat(),
        "customer_name": row["customer_name"],
        "sender": row["sender"],
    }


def _mail(document: Mapping[str, Any], message: str | None, link: str) -> dict[str, str]:
    """Subject, text and the language of both."""
    said, name, title = Speech(document["language"], WORDS), document["recipient_name"], document["title"]
    about = {"number": document["number"] or "", "tenant": document["sender"]}
    subject = said("subject_titled", **about, title=title) if title else said("subject", **about)
    here_is = said("here_is_titled", **about, title=title) if title else said("here_is", **about)
    total = said.amount(document["total_cents"], document["currency"])
    until = said.day(date.fromisoformat(document["valid_until"]))
    parts = [
        said("hello", name=name) if name else said("hello_nobody"),
        message.strip() if message else here_is,
        said("total_until", total=total, day=until),
        said("see_it"),
        link,
        said("attached"),
        document["sender"],
    ]
    return {"subject": subject[:500], "text": "\n\n".join(parts) + "\n", "language": said.language}

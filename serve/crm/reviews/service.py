"""Requests for a review: who may be asked and when, sending, and what becomes of them.

A request waits as a task until its time; whether the person may be asked is looked at again then. Two who ask the same
person at once, or move requests to them, wait for each other: the contact's row is locked.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from serve.crm.contacts.endpoints import contacts
from serve.crm.reviews.errors import ReviewNotAllowed
from serve.crm.reviews.models import review_requests as table
from serve.crm.reviews.page import PAGE
from serve.crm.reviews.rules import UNDER_WAY, check_job, check_pause, check_request
from serve.crm.reviews.schemas import ReviewRequestAsked, ReviewRequestFields, ReviewRequestRead
from serve.crm.reviews.words import WORDS
from serve.identity.account_tokens.service import issue_token, void_tokens
from serve.identity.consents.service import may
from serve.kernel.db import Transaction
from serve.kernel.errors import Invalid, NotFound
from serve.kernel.events import event
from serve.kernel.resources import Resource, Row
from serve.kernel.speech import Speech
from serve.kernel.tasks import Work, enqueue, task
from serve.platform.mails.service import queue_mail
from serve.platform.settings.categories import CATEGORIES
from serve.platform.settings.service import current, customers_language
from serve.ports.mail import MailWays

PURPOSE = "review"
"""Of the keys in the links."""
CONSENT = "review_requests"
"""The purpose for which a person's address is used."""
SENT = event("review_request.sent", "A customer was asked for a review.")
OPENED = event("review_request.opened", "The customer has looked at the page behind the link.")
ANSWERED = event(
    "review_request.answered", "The customer has said what they think: `after` has how much, of 5."
)
EXPIRED = event("review_request.expired", "The customer has said nothing, and the link is over.")
CANCELLED = event("review_request.cancelled", "The request was taken back, or could not be sent.")
_CONTACT = "select from contacts where id = $1 for update"
_JOB = "select status, account_id, service from jobs where id = $1"
_LAST = """
    select max(coalesce(r.sent_at, r.send_at)) as last from review_requests r
    where r.contact_id = $1 and r.id is distinct from $2 and r.status <> 'cancelled' and r.deleted_at is null
        and abs(extract(epoch from coalesce(r.sent_at, r.send_at) - $3::timestamptz)) < $4
"""


class ReviewRequests(Resource):
    async def update(
        self, db: Transaction, before: Row, changes: Mapping[str, Any], *, event: str = ""
    ) -> Row:
        if not event and changes.get("status") == "cancelled" != before["status"]:
            event = CANCELLED
        elif not event and changes.get("status") == "answered" != before["status"]:
            event = ANSWERED
        if before["status"] == "queued" and changes.get("send_at", before["send_at"]) != before["send_at"]:
            # What is to be sent long ago is sent now: the pause is reckoned from that.
            changes = {**changes, "send_at": max(changes["send_at"], datetime.now(UTC))}
        row = await super().update(db, before, changes, event=event)
        if row["status"] == "queued" and row["send_at"] != before["send_at"]:
            await _check_pause(db, UUID(row["contact_id"]), row["send_at"], UUID(row["id"]))
            await _plan(db, row)
        if row["status"] == "cancelled" != before["status"]:
            await void_tokens(db, PURPOSE, subject_id=UUID(row["id"]))
        return row


requests = ReviewRequests(
    table,
    fields=ReviewRequestFields,
    read=ReviewRequestRead,
    rule=check_request,
    calls=("list", "get", "patch", "history", "stats", "export"),
)


async def ask(db: Transaction, asked: ReviewRequestAsked) -> Row:
    """A new request, sent when its time comes.

    Raises Invalid, JobNotDone, ReviewTooSoon or ReviewNotAllowed.
    """
    try:
        contact = await contacts.get(db, asked.contact_id, lock=True)
    except NotFound as absent:
        raise Invalid(details=[("contact_id", "names nothing that exists")]) from absent
    if not contact["email"]:
        raise Invalid(details=[("contact_id", "has no mail address")])
    if asked.job_id is not None:
        check_job(await db.fetch_one(_JOB, asked.job_id), contact)
    now = datetime.now(UTC)
    send_at = max(asked.send_at or now, now)
    await _check_pause(db, asked.contact_id, send_at, None)
    verdict = await may(db, ("contact", asked.contact_id), CONSENT, asked.channel)
    if not verdict.may:
        raise ReviewNotAllowed(details=[("contact_id", f"{CONSENT} by {asked.channel}: {verdict.why}")])
    row = await requests.insert(db, {**asked.model_dump(), "send_at": send_at})
    await _plan(db, row)
    return row


async def _check_pause(db: Transaction, contact_id: UUID, send_at: datetime, own_id: UUID | None) -> None:
    await db.execute(_CONTACT, contact_id)
    pause = timedelta(days=(await settings_of(db)).cooldown_days)
    near = await db.fetch_one(_LAST, contact_id, own_id, send_at, pause.total_seconds())
    check_pause(near["last"] if near else None, send_at, pause)


async def _plan(db: Transaction, row: Row) -> None:
    await enqueue(
        db,
        "reviews.send",
        title="Ask for a review",
        about=("review_request", row["id"]),
        not_before=row["send_at"],
    )


async def settings_of(db: Transaction) -> Any:
    return (await current(db, [CATEGORIES["reviews"]]))["reviews"].values


@task("reviews.send")
async def send(work: Work) -> None:
    """Send the request whose time has come; one that was moved or taken back meanwhile is left alone."""
    state = work.state

    async def do(db: Transaction) -> None:
        try:
            row = await requests.get(db, UUID(str(work.about[1])), lock=True)
        except NotFound:
            return
        if row["status"] == "queued" and row["send_at"] <= datetime.now(UTC):
            await _send(db, row, state.mail, state.settings.public_address)

    await work.step("send", do)


async def _send(db: Transaction, row: Row, ways: MailWays, public_address: str) -> None:
    row_id, contact_id = UUID(row["id"]), UUID(row["contact_id"])
    verdict = await may(db, ("contact", contact_id), CONSENT, row["channel"])
    try:
        contact = await contacts.get(db, contact_id)
        why = None if verdict.may else verdict.why
        why = why or (None if contact["email"] else "the contact has no mail address")
    except NotFound:
        why = "the contact was deleted"
    now = datetime.now(UTC)
    if why is not None:
        gone = {"status": "cancelled", "cancelled_at": now, "cancel_reason": why}
        await requests.update(db, row, gone, event=CANCELLED)
        return
    life = timedelta(days=(await settings_of(db)).link_days)
    token = await issue_token(
        db, PURPOSE, life=life, tenant_id=db.caller.tenant_id, subject_id=row_id, email=contact["email"]
    )
    tenant = await db.fetch_one("select name from tenants where id = $1", db.caller.tenant_id)
    job = None if row["job_id"] is None else await db.fetch_one(_JOB, row["job_id"])
    assert tenant is not None
    said = Speech(await customers_language(db), WORDS)
    parts = [
        said("hello", name=contact["full_name"]),
        row["message"],
        said("ask_of", service=job["service"]) if job else said("ask"),
        PAGE.link(public_address, said.language, token),
        said("until", moment=said.moment(now + life)),
        tenant["name"],
    ]
    mail = await queue_mail(
        db,
        ways,
        {
            "to_address": contact["email"],
            "to_name": contact["full_name"],
            "subject": said("subject", tenant=tenant["name"])[:500],
            "text": "\n\n".join(filter(None, parts)) + "\n",
            "language": said.language,
        },
    )
    sent = {"status": "sent", "sent_at": now, "expires_at": now + life, "mail_id": UUID(str(mail["id"]))}
    await requests.update(db, row, sent, event=SENT)
    await enqueue(
        db,
        "reviews.expire",
        title="A request for a review ends",
        about=("review_request", row_id),
        not_before=now + life,
    )


@task("reviews.expire")
async def expire(work: Work) -> None:
    """Say of a request that its time is over, unless there is an answer."""

    async def note(db: Transaction) -> None:
        try:
            row = await requests.get(db, UUID(str(work.about[1])), lock=True)
        except NotFound:
            return
        if row["status"] in UNDER_WAY and row["expires_at"] and row["expires_at"] <= datetime.now(UTC):
            await requests.update(db, row, {"status": "expired"}, event=EXPIRED)

    await work.step("expire", note)

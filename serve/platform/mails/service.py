"""Queueing a mail, sending it once, and what a person may say of it.

``sending`` is committed before a byte goes out. So whoever finds a mail in that state after a crash knows that it may
have been sent; it is then ``uncertain``, and nothing but a person's word moves it from there.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from serve.kernel.db import Transaction
from serve.kernel.errors import Invalid, NotConfigured
from serve.kernel.events import event
from serve.kernel.ids import uuid7
from serve.kernel.resources import Row
from serve.platform.mails import rules
from serve.platform.mails.message import message_id, message_of
from serve.platform.mails.resource import mails
from serve.platform.settings import mailing
from serve.platform.settings import service as settings
from serve.platform.settings.categories import CATEGORIES
from serve.ports.mail import MailError, MailWays, Outbox

log = logging.getLogger("throughline.mails")

Open = Callable[[], AbstractAsyncContextManager[Transaction]]
"""Begins a transaction of the mail's tenant."""

for _name, _meaning in {
    "sending": "An attempt to send the mail began.",
    "sent": "The mail server took the mail.",
    "delayed": "The mail was not taken for now; it is tried again.",
    "failed": "The mail was refused, or could not be sent however often it was tried.",
    "uncertain": "Nobody knows whether the mail was sent; a person has to decide.",
    "cancelled": "Somebody cancelled the mail before it was sent.",
    "resent": "Somebody wants the mail sent again.",
    "settled": "Somebody said of a mail of unknown fate that it was sent.",
}.items():
    event(f"mail.{_name}", _meaning)


async def queue_mail(db: Transaction, ways: MailWays, values: Mapping[str, Any]) -> Row:
    """A mail that will be sent once the transaction commits. Raises NotConfigured or Invalid naming the field."""
    email = await _email(db)
    mailing.way_of(email, ways)
    row_id = uuid7()
    sender = email.values.from_address or mailing.NOBODY
    mail = {
        **values,
        "from_address": sender,
        "from_name": email.values.from_name,
        "reply_to": values.get("reply_to") or email.values.reply_to,
        "message_id": message_id(row_id, sender),
    }
    row = await mails.insert(db, mail, row_id=row_id)
    message_of(row)
    return row


async def deliver(begin: Open, ways: MailWays, mail_id: UUID) -> Row:
    """Send the mail if it is due, and say what became of it. Safe to call at any time, any number of times.

    No connection to the database is held while the mail server is spoken to.
    """
    async with begin() as db:
        mail = await mails.get(db, mail_id, lock=True)
        if mail["state"] == "sending":
            change = rules.left_behind(mail, _now(), ways.timeout_s)
            return mail if change is None else await _write(db, mail, change)
        if mail["state"] != "queued" or (mail["not_before"] or _now()) > _now():
            return mail
        try:
            way = mailing.way_of(await _email(db), ways)
            message = message_of(mail)
        except (NotConfigured, Invalid) as problem:
            return await _write(db, mail, rules.failed(problem.detail))
        begun = {
            "state": "sending",
            "sending_since": _now(),
            "attempts": mail["attempts"] + 1,
            "transport": "outbox" if isinstance(way, Outbox) else "smtp",
        }
        mail = await _write(db, mail, ("mail.sending", begun))
    try:
        await way.send(message)
        change = rules.sent(_now())
    except MailError as error:
        change = rules.not_sent(error, mail["attempts"], _now())
    except Exception:  # nothing that any server had to do with
        log.exception("mail %s could not be sent", mail_id)
        change = rules.failed("something went wrong on our side; the log has the cause under the mail's id")
    async with begin() as db:
        return await _conclude(db, mail, change)


async def cancel(db: Transaction, mail_id: UUID) -> Row:
    """Raises MailOnItsWay."""
    mail = await mails.get(db, mail_id, lock=True)
    return await _write(db, mail, rules.cancelled(mail))


async def resend(db: Transaction, ways: MailWays, mail_id: UUID) -> Row:
    """A person takes it upon themselves that the mail may arrive twice. Raises MailNotOpen or MailBeingSent."""
    mail = await mails.get(db, mail_id, lock=True)
    return await _write(db, mail, rules.again(mail, _now(), ways.timeout_s))


async def mark_sent(db: Transaction, ways: MailWays, mail_id: UUID) -> Row:
    """Raises MailNotUncertain or MailBeingSent."""
    mail = await mails.get(db, mail_id, lock=True)
    return await _write(db, mail, rules.settled(mail, _now(), ways.timeout_s))


async def _conclude(db: Transaction, claimed: Row, change: rules.Change) -> Row:
    """Only of the attempt that was ours: somebody may have taken us for dead, and sent it again since."""
    mail = await mails.get(db, claimed["id"], lock=True)
    is_ours = mail["state"] in ("sending", "uncertain") and mail["sending_since"] == claimed["sending_since"]
    return await _write(db, mail, change) if is_ours else mail


async def _write(db: Transaction, mail: Row, change: rules.Change) -> Row:
    name, columns = change
    return await mails.update(db, mail, columns, event=name)


async def _email(db: Transaction) -> settings.Current:
    return (await settings.current(db, [CATEGORIES["email"]]))["email"]


def _now() -> datetime:
    return datetime.now(UTC)

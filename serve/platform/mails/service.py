"""What others ask of mails: to queue one, and what a person says of one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from serve.identity.branding import letters
from serve.identity.branding import service as branding
from serve.kernel.db import Transaction
from serve.kernel.events import event
from serve.kernel.ids import uuid7
from serve.kernel.resources import Row
from serve.kernel.speech import OTHERWISE
from serve.platform.mails import rules
from serve.platform.mails.attachments import Attachment, stored
from serve.platform.mails.delivery import email_settings, have_sent, now, write
from serve.platform.mails.message import message_id, message_of
from serve.platform.mails.resource import mails
from serve.platform.settings import mailing
from serve.ports.mail import MailWays

event("mail.cancelled", "Somebody cancelled the mail before it was sent.")
event("mail.resent", "Somebody wants the mail sent now, or once more.")
event("mail.settled", "Somebody said of a mail of unknown fate that it was sent.")


async def queue_mail(
    db: Transaction, ways: MailWays, values: Mapping[str, Any], attachments: Sequence[Attachment] = ()
) -> Row:
    """A mail that will be sent once the transaction commits; ``values`` are fields of ``MailFields``.

    One that is a text alone is dressed in the tenant's look, where there is one; ``language`` among the values says in
    which it is written (``serve/kernel/speech.py``). ``attachments`` are read when it is sent: one that is gone by then
    fails the mail.
    Raises NotConfigured, or Invalid naming the field that no mail can have.
    """
    email = await email_settings(db)
    mailing.way_of(email, ways)
    row_id = uuid7()
    sender = email.values.from_address or mailing.NOBODY
    mail = {
        **await _dressed(db, values),
        "from_address": sender,
        "from_name": email.values.from_name,
        "reply_to": values.get("reply_to") or email.values.reply_to,
        "message_id": message_id(row_id, sender),
        "task_id": await have_sent(db, row_id),
        "attachments": stored(attachments),
    }
    row = await mails.insert(db, mail, row_id=row_id)
    message_of(row)
    return row


async def _dressed(db: Transaction, values: Mapping[str, Any]) -> dict[str, Any]:
    """HTML is somebody's own work and stays as it is."""
    values = dict(values)
    language = values.pop("language", OTHERWISE)
    published = (await branding.state(db)).published
    if published is None or values.get("html"):
        return values
    look = branding.look_of(published["content"])
    logo_id = look.branding.logo_id
    parts = letters.dressed(
        look, values["subject"], values["text"], has_logo=logo_id is not None, language=language
    )
    return {**values, **parts, "logo_id": logo_id}


async def cancel(db: Transaction, mail_id: UUID) -> Row:
    """Raises MailOnItsWay."""
    mail = await mails.get(db, mail_id, lock=True)
    return await write(db, mail, rules.cancelled(mail))


async def resend(db: Transaction, ways: MailWays, mail_id: UUID) -> Row:
    """A person takes it upon themselves that the mail may arrive twice. Raises MailNotOpen or MailBeingSent."""
    mail = await mails.get(db, mail_id, lock=True)
    return await write(db, mail, rules.again(mail, now(), ways.timeout_s))


async def mark_sent(db: Transaction, ways: MailWays, mail_id: UUID) -> Row:
    """Raises MailNotUncertain or MailBeingSent."""
    mail = await mails.get(db, mail_id, lock=True)
    return await write(db, mail, rules.settled(mail, now(), ways.timeout_s))

"""Sending a mail once, and saying what became of it.

``sending`` is committed before a byte goes out. So whoever finds a mail in that state after a crash knows that it may
have been sent; it is then ``uncertain``, and nothing but a person's word moves it from there.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import stamina

from serve.identity.branding.brand import picture
from serve.kernel.db import Transaction
from serve.kernel.errors import Invalid, NotConfigured, Unavailable
from serve.kernel.events import event
from serve.kernel.ids import uuid7
from serve.kernel.resources import Row
from serve.kernel.tasks import Work, enqueue, task
from serve.platform.mails import rules
from serve.platform.mails.attachments import Gone, with_contents
from serve.platform.mails.errors import MailBeingSent
from serve.platform.mails.message import message_of
from serve.platform.mails.resource import mails
from serve.platform.settings import mailing
from serve.platform.settings import service as settings
from serve.platform.settings.categories import CATEGORIES
from serve.ports.mail import MailError, MailWays, Outbox
from serve.ports.storage import Storage

LAST_WORDS_S = 20.0
"""How long a database that is away is waited for, to say what became of a mail."""

log = logging.getLogger("throughline.mails")

Open = Callable[[], AbstractAsyncContextManager[Transaction]]
"""Begins a transaction of the mail's tenant."""

for _name, _meaning in {
    "sending": "An attempt to send the mail began.",
    "sent": "The mail server took the mail.",
    "delayed": "The mail was not taken for now; it is tried again.",
    "failed": "The mail was refused, or could not be sent however often it was tried.",
    "uncertain": "Nobody knows whether the mail was sent; a person has to decide.",
}.items():
    event(f"mail.{_name}", _meaning)


@task("mails.send", queue="mails")
async def send(work: Work) -> dict[str, str]:
    """However often it is begun: what stands in the mail's row decides."""
    state = work.state
    mail = await deliver(work.transaction, state.mail, UUID(work.params["mail_id"]), state.files.storage)
    if mail["state"] == "sending":  # by a process that may still be alive
        raise MailBeingSent
    return {"state": mail["state"]}


async def deliver(begin: Open, ways: MailWays, mail_id: UUID, storage: Storage) -> Row:
    """Send the mail if it is due. Safe to call at any time, any number of times.

    Its logo comes out of the ``storage``; where that is gone, the mail goes without. Without an attachment it fails.

    No connection to the database is held while the mail server is spoken to.
    """
    async with begin() as db:
        mail = await mails.get(db, mail_id, lock=True)
        if mail["state"] == "sending":
            change = rules.left_behind(mail, now(), ways.timeout_s)
            return mail if change is None else await write(db, mail, change)
        if mail["state"] != "queued" or (mail["not_before"] or now()) > now():
            return mail
        try:
            way = mailing.way_of(await email_settings(db), ways)
            logo = await picture(db, storage, await _logo_id(db, mail_id))
            message = message_of(mail, logo, await with_contents(db, storage, mail["attachments"]))
        except (NotConfigured, Invalid) as problem:
            return await write(db, mail, rules.failed(problem.detail))
        except Gone as gone:
            return await write(db, mail, rules.failed(str(gone)))
        begun = {
            "state": "sending",
            "sending_since": now(),
            "attempts": mail["attempts"] + 1,
            "transport": "outbox" if isinstance(way, Outbox) else "smtp",
        }
        mail = await write(db, mail, ("mail.sending", begun))
    try:
        await way.send(message)
        change = rules.sent(now())
    except MailError as error:
        change = rules.not_sent(error, mail["attempts"], now())
    except Exception:  # nothing that any server had to do with
        log.exception("mail %s could not be sent", mail_id)
        change = rules.failed("something went wrong on our side; the log has the cause under the mail's id")
    async for attempt in stamina.retry_context(on=Unavailable, attempts=None, timeout=LAST_WORDS_S):
        with attempt:  # what we know would be lost with us
            async with begin() as db:
                return await conclude(db, mail, change)
    raise AssertionError("unreachable")


async def _logo_id(db: Transaction, mail_id: UUID) -> str | None:
    found = await db.fetch_one("select logo_id from mails where id = $1", mail_id)
    return found["logo_id"] if found else None


async def conclude(db: Transaction, claimed: Row, change: rules.Change) -> Row:
    """Only of the attempt that was ours: somebody may have taken us for dead, and sent it again since."""
    mail = await mails.get(db, claimed["id"], lock=True)
    is_ours = mail["state"] in ("sending", "uncertain") and mail["sending_since"] == claimed["sending_since"]
    return await write(db, mail, change) if is_ours else mail


async def write(db: Transaction, mail: Row, change: rules.Change) -> Row:
    """What becomes queued gets its work in the same transaction."""
    name, columns = change
    if columns["state"] == "queued":
        columns = columns | {"task_id": await have_sent(db, mail["id"], columns["not_before"])}
    return await mails.update(db, mail, columns, event=name)


async def have_sent(db: Transaction, mail_id: UUID | str, not_before: datetime | None = None) -> str:
    """Have the background send the mail; the task's id."""
    task_id = str(uuid7())
    await enqueue(
        db,
        "mails.send",
        {"mail_id": str(mail_id)},
        title="Send a mail",
        about=("mail", mail_id),
        not_before=not_before,
        task_id=task_id,
    )
    return task_id


async def email_settings(db: Transaction) -> Any:
    return (await settings.current(db, [CATEGORIES["email"]]))["email"]


def now() -> datetime:
    return datetime.now(UTC)

"""Trying out the tenant's mail settings: a mail is really sent."""

from __future__ import annotations

from email.errors import HeaderParseError
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from typing import Any
from uuid import UUID

from serve.kernel.caller import Caller
from serve.kernel.db import Database, Record, Transaction
from serve.kernel.errors import Invalid
from serve.kernel.events import event
from serve.platform.settings import service
from serve.platform.settings.categories import CATEGORIES
from serve.platform.settings.errors import (
    MailHostRefused,
    MailRejected,
    MailServerFailed,
)
from serve.ports.mail import HostRefused, MailError, MailWays, Outbox, Rejected, SmtpServer
from serve.ports.way import not_configured

FIELD_OF = {"login": "password", "sender": "from_address", "recipient": "user_id", "message": "smtp_host"}
NOBODY = "throughline@localhost"
TESTED = event(
    "settings.email_tested",
    "Somebody tried out the mail settings: `after` has the outcome, the entity who was to get it.",
)
_MEMBER = "select * from tenant_members() where tenant_id = $1 and user_id = $2 and is_active"


async def send_test(
    database: Database, ways: MailWays, caller: Caller, *, to: UUID | None, request_id: str
) -> dict[str, Any]:
    """Send a mail with the stored settings to a member of the tenant.

    No connection to the database is held while the mail server is spoken to. Raises Invalid, NotConfigured,
    MailHostRefused, MailRejected or MailServerFailed.
    """
    async with database.transaction(caller, request_id=request_id) as db:
        email = (await service.current(db, [CATEGORIES["email"]]))["email"]
        member = await db.fetch_one(_MEMBER, caller.tenant_id, to or caller.user_id)
    if member is None:
        raise Invalid(details=[("user_id", "is nobody who belongs to this tenant")])
    way = way_of(email, ways)
    message = _message(email.values, member)
    outcome = "sent"
    try:
        await way.send(message)
    except MailError as error:
        outcome = str(error)
        raise _meaning(error) from error
    finally:
        async with database.transaction(caller, request_id=request_id) as db:
            await _record(db, member, outcome)
    return {
        "transport": "outbox" if isinstance(way, Outbox) else "smtp",
        "to": member["email"],
        "sent_from": message["From"].addresses[0].addr_spec,
        "message_id": message["Message-ID"],
    }


def way_of(email: service.Current, ways: MailWays) -> SmtpServer | Outbox:
    """Raises NotConfigured naming every setting that is missing at once."""
    values = email.values
    if values.smtp_host is None and values.from_address is None and ways.outbox is not None:
        return ways.outbox
    needed = {
        "smtp_host": values.smtp_host is not None,
        "from_address": values.from_address is not None,
        "password": values.username is None or "password" in email.secrets,
    }
    if missing := [name for name, is_there in needed.items() if not is_there]:
        not_configured("email", missing)
    return SmtpServer(
        values.smtp_host,
        values.smtp_port,
        values.security,
        values.username,
        email.secrets.get("password"),
        timeout_s=ways.timeout_s,
        private_too=ways.private_hosts,
    )


def _message(values: Any, member: Record) -> EmailMessage:
    message = EmailMessage()
    try:
        sender = Address(values.from_name or "", addr_spec=values.from_address or NOBODY)
        message["From"] = sender
        message["To"] = Address(member["full_name"], addr_spec=member["email"])
        if values.reply_to:
            message["Reply-To"] = values.reply_to
    except (HeaderParseError, ValueError, IndexError) as error:
        raise MailRejected(details=[("user_id", "has no address that mail can be sent to")]) from error
    message["Subject"] = "Your mail settings work"
    message["Date"] = formatdate()
    message["Message-ID"] = make_msgid(domain=sender.domain)
    message.set_content(
        "This mail was sent to try out the mail settings of your company. Nothing is to be done.\n"
    )
    return message


def _meaning(error: MailError) -> Exception:
    if isinstance(error, HostRefused):
        return MailHostRefused(details=[("smtp_host", str(error))])
    if isinstance(error, Rejected):
        said = f"The mail server does not take the {error.part}: {error}"
        return MailRejected(said, details=[(FIELD_OF[error.part], str(error))])
    return MailServerFailed(f"The mail server could not be spoken to: {error}.")


async def _record(db: Transaction, member: Record, outcome: str) -> None:
    await db.execute(
        "insert into events (tenant_id, name, entity_type, entity_id, after, actor_kind, actor_id, request_id)"
        " select $1, $2, 'user', $3, $4, kind, id, nullif(current_setting('app.request_id', true), '') from acting()",
        *(db.caller.tenant_id, TESTED, member["user_id"], {"outcome": outcome}),
    )

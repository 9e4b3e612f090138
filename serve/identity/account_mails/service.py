"""Mail about accounts: invitations, new passwords, announcements. Never among a tenant's mails, which colleagues read.

A mail is sealed from the moment it is written until it was sent, and then emptied. It goes out at least once: twice the
same link is better than none.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import orjson

from serve.identity.account_mails.kinds import KINDS, AccountMailKind
from serve.identity.branding import letters
from serve.identity.branding import service as branding
from serve.kernel.db import Database, Record, Transaction
from serve.kernel.errors import Problem
from serve.kernel.tasks.acting import acting_for
from serve.platform.mails.delivery import email_settings
from serve.platform.mails.message import message_id, message_of
from serve.platform.settings import mailing
from serve.ports.mail import MailError, MailWays, Outbox, SmtpServer

log = logging.getLogger("throughline.account_mails")

LOOK_S = 2.0
LEASE = timedelta(minutes=5)
PAUSES = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 30, 120, 480))
KEPT = timedelta(days=30)


async def queue_account_mail(
    db: Transaction,
    kind: str,
    *,
    to_address: str,
    to_name: str = "",
    values: Mapping[str, str],
    tenant_id: UUID | None = None,
    user_id: UUID | None = None,
    to_nobody: bool = False,
) -> None:
    """Written now, sent once the transaction has committed: by the tenant's server, or the installation's (``KINDS``).

    ``to_nobody`` does the same work and sends nothing: nobody learns from the clock whether there is such an account.
    """
    subject, text = KINDS[kind].written(values)
    content = {"to_address": to_address, "to_name": to_name, "subject": subject, "text": text}
    await db.execute(
        "select queue_account_mail($1, $2, $3, $4, $5)",
        *(
            kind,
            tenant_id,
            user_id,
            db.vault.seal(orjson.dumps(content)),
            "nobody" if to_nobody else "queued",
        ),
    )


@dataclass(frozen=True, slots=True)
class Sent:
    """Which mail has gone where to."""

    kind: str
    to_address: str
    subject: str
    text: str


class AccountMails:
    """Sends what is due. ``server`` is the installation's, for tenants that have none and for people without tenant."""

    def __init__(
        self, worker: Database, ways: MailWays, server: SmtpServer | None, from_address: str
    ) -> None:
        self._worker, self._ways, self._server, self._from = worker, ways, server, from_address

    async def send_due(self) -> list[Sent]:
        """Raises Unavailable."""
        sent = []
        while (mail := await self._take()) is not None:
            if (done := await self._send(mail)) is not None:
                sent.append(done)
        return sent

    async def _take(self) -> Record | None:
        async with self._worker.transaction() as db:
            waiting = [name for name, kind in KINDS.items() if kind.waits_at_most is not None]
            return await db.fetch_one("select * from take_account_mail($1, $2)", LEASE, waiting)

    async def _send(self, mail: Record) -> Sent | None:
        if _is_too_old(mail):
            await self._give_up(
                mail, "The tenant stood still for so long that the mail is of no use any more."
            )
            return None
        # A tenant that stands still does nothing: what is about a person goes in the installation's name.
        tenant_id = None if mail["is_held"] else mail["tenant_id"]
        try:
            assert self._worker.vault is not None
            content = orjson.loads(self._worker.vault.open(mail["content"]))
            way, sender = await self._way(tenant_id, KINDS.get(mail["kind"]))
            if isinstance(way, SmtpServer) and way is not self._server:
                await self._note_seen(tenant_id, content["to_address"])
            parts = await self._dressed(tenant_id, content)
            await way.send(message_of(_row(mail, content | parts, sender)))
        except (MailError, Problem) as error:
            await self._settle(mail, str(error))
            return None
        async with self._worker.transaction() as db:
            await db.execute("select settle_account_mail($1, 'sent', null, $2)", mail["id"], LEASE)
        return Sent(mail["kind"], content["to_address"], content["subject"], content["text"])

    async def _settle(self, mail: Record, error: str) -> None:
        if mail["attempts"] > len(PAUSES):
            await self._give_up(mail, error)
        else:
            await self._note(mail, "queued", error, PAUSES[mail["attempts"] - 1])

    async def _give_up(self, mail: Record, error: str) -> None:
        await self._note(mail, "failed", error, LEASE)

    async def _note(self, mail: Record, state: str, error: str, pause: timedelta) -> None:
        log.warning("account mail %s (%s) was not sent: %s", mail["id"], mail["kind"], error)
        async with self._worker.transaction() as db:
            await db.execute(
                "select settle_account_mail($1, $2, $3, $4)", mail["id"], state, error[:500], pause
            )

    async def _dressed(self, tenant_id: str | None, content: Mapping[str, str]) -> dict[str, str]:
        """The mail in the tenant's look, where there is one; with its name in the place of a picture."""
        if tenant_id is None:
            return {}
        async with self._worker.transaction(acting_for(UUID(tenant_id), None)) as db:
            state = await branding.state(db)
        if state.published is None:
            return {}
        return letters.dressed(state.look, content["subject"], content["text"], has_logo=False)

    async def _note_seen(self, tenant_id: str | None, address: str) -> None:
        """Before it goes: from then on whoever runs the tenant's server may have the links to this address."""
        async with self._worker.transaction() as db:
            await db.execute("select note_seen_by_tenant($1, $2)", tenant_id, address)

    async def _way(
        self, tenant_id: str | None, kind: AccountMailKind | None
    ) -> tuple[SmtpServer | Outbox, dict[str, Any]]:
        """How the mail goes, and in whose name. Raises NotConfigured."""
        if kind is not None and kind.by_installation and self._server is not None:
            tenant_id = None
        if tenant_id is not None:
            async with self._worker.transaction(acting_for(UUID(tenant_id), None)) as db:
                email = await email_settings(db)
            if email.values.smtp_host is not None or self._server is None:
                sender = email.values.from_address or self._from
                return mailing.way_of(email, self._ways), {
                    "from_address": sender,
                    "from_name": email.values.from_name,
                    "reply_to": email.values.reply_to,
                }
        own = {"from_address": self._from, "from_name": "Throughline", "reply_to": None}
        if self._server is not None:
            return self._server, own
        if self._ways.outbox is None:
            mailing.not_configured("mail", ["MAIL_SMTP_HOST"])
        return self._ways.outbox, own


def _is_too_old(mail: Record) -> bool:
    kind = KINDS.get(mail["kind"])
    if kind is None or kind.waits_at_most is None:
        return False
    is_old: bool = datetime.now(UTC) - mail["created_at"] > kind.waits_at_most
    return is_old


def _row(mail: Record, content: Mapping[str, str], sender: Mapping[str, Any]) -> dict[str, Any]:
    """The mail as ``message_of`` knows mails."""
    row = {"id": mail["id"], "html": None, "created_at": mail["created_at"], **content, **sender}
    return row | {"message_id": message_id(UUID(mail["id"]), sender["from_address"])}


async def forget_old_traces(worker: Database, *, batch: int = 5_000) -> None:
    """Void tokens, used links and sent mails that nobody needs any more."""
    gone = 1
    while gone:
        async with worker.transaction() as db:
            row = await db.fetch_one("select forget_account_traces($1, $2) as gone", KEPT, batch)
        assert row is not None
        gone = row["gone"]

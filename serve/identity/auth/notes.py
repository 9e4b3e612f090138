"""Security events of people. Those that no request may wait for are written one by one, beside the requests."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from fastapi import Request

from serve.identity.sign_ins.service import SignIn, keep_sign_in
from serve.kernel.caller import Caller
from serve.kernel.db import Database, Transaction
from serve.kernel.events import event

log = logging.getLogger("throughline.security")

MOST_WAITING = 1000
LAST_WORDS_S = 2.0

for _name, _meaning in {
    "login.succeeded": "The person logged in.",
    "login.failed": "Somebody tried to log in as the person with a wrong password.",
    "logout": "The person logged out.",
    "elevation.began": "The person's role was raised for a while: `after` has from what to what, why and until when.",
    "elevation.ended": "The person gave the raised role back.",
    "impersonation.began": "Somebody looks with the person's eyes: `after` has why and until when.",
    "impersonation.ended": "Somebody who looked with the person's eyes has stopped.",
    "sessions.ended": "Somebody ended sessions of the person: `after` has which.",
    "refresh.reused": "A refresh token was used a second time, so its session was ended: it may have been stolen.",
    "access.denied": "The person asked for what the role does not allow: `after` has the permission and the route.",
    "password.changed": "The person's password was changed; the other sessions were ended.",
    "password.refused": "Somebody with the person's session gave a wrong password to change mail or password.",
    "profile.changed": "The person's name or mail changed: `after` has which, not what is in them.",
    "api_key.issued": "A key was made that acts for the person: `after` has its name, prefix and scopes.",
    "api_key.revoked": "A key of the person was revoked.",
    "api_key.rotated": "A key of the person got a successor: `after` has both, and when the old one ends.",
}.items():
    event(_name, _meaning, category="security")


@dataclass(frozen=True, slots=True)
class Note:
    """An event about a person, for one tenant or (None) for all that the person belongs to."""

    user_id: UUID
    tenant_id: UUID | None
    name: str
    detail: dict[str, Any]
    request_id: str
    sign_in: SignIn | None = None


async def record(db: Transaction, note: Note) -> None:
    """Write it in this transaction, whose caller is the one who did it."""
    await db.execute(
        "select record_security_event($1, $2, $3, $4, $5)",
        *(note.user_id, note.tenant_id, note.name, note.detail, note.request_id),
    )
    if note.sign_in is not None:
        await keep_sign_in(db, note.user_id, note.tenant_id, note.sign_in)


async def acts(db: Transaction, user_id: UUID) -> None:
    """From here on the person acts: a transaction that began before anybody was known."""
    await db.execute("select set_config('app.actor', $1, true)", f"user:{user_id}")


class SecurityNotes:
    """Takes notes at once and writes them soon, over one connection; in a flood some are only logged."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: deque[tuple[Note, Caller | None]] = deque()
        self._writer: asyncio.Task[None] | None = None

    def take(self, note: Note, caller: Caller | None = None) -> None:
        """``caller`` is who did it, None when nobody knows."""
        if len(self._waiting) >= MOST_WAITING:
            log.warning("%s of user %s was not recorded: too many at once", note.name, note.user_id)
            return
        self._waiting.append((note, caller))
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write())

    def denied(self, caller: Caller, permission: str, request: Request) -> None:
        """Somebody asked for what their role does not allow."""
        route = request.scope["route"]
        detail = {"permission": permission, "method": request.method, "path": route.path}
        self.take(
            Note(caller.user_id, caller.tenant_id, "access.denied", detail, request.state.request_id), caller
        )

    async def written(self) -> None:
        """Wait until everything taken so far is in the store or in the log."""
        if self._writer is not None:
            await self._writer

    async def close(self) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self.written(), LAST_WORDS_S)

    async def _write(self) -> None:
        while self._waiting:
            note, caller = self._waiting.popleft()
            try:
                async with self._database.transaction(caller) as db:
                    await record(db, note)
            except Exception as error:
                log.warning(
                    "%s of user %s was not recorded: %s", note.name, note.user_id, type(error).__name__
                )

"""Sessions of people: opened at log-in, carried on by refresh tokens that each work once, ended for all processes.

A token's successor is computed from it under a secret of this installation. So two exchanges of one token at the same
time, or one repeated because its answer was lost, give the same successor and not two heads of one session.
"""

from __future__ import annotations

import hmac
import secrets
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import Literal
from uuid import UUID

from serve.kernel.db import Database, Transaction

GRACE = timedelta(seconds=10)
KEPT = timedelta(days=90)
"""Of a session that is over. A theft is often noticed weeks later, and then somebody asks what the stolen session was
and when it was last used; after that its address and program are personal data that nobody needs. Log-ins and reuse
stay in the history of events."""
BATCH = 5_000  # rows of a kind in one transaction of forgetting

Outcome = Literal["renewed", "repeated", "reused", "unknown", "ended"]
Because = Literal["logout", "reuse", "revoked", "password"]


@dataclass(frozen=True, slots=True)
class Exchange:
    """What became of a refresh token; whose session it is, unless nobody knows the token."""

    outcome: Outcome
    successor: str
    session_id: UUID | None
    user_id: UUID | None
    tenant_id: UUID | None


class Sessions:
    """Makes refresh tokens and knows how long they live; only their hashes are stored."""

    def __init__(self, secret: str, *, life_h: int) -> None:
        self._secret, self.life = secret.encode(), timedelta(hours=life_h)

    async def open(
        self, db: Transaction, user_id: UUID, tenant_id: UUID, *, user_agent: str, address: str
    ) -> tuple[UUID, str]:
        """A new session and its first refresh token."""
        token = secrets.token_urlsafe(32)
        row = await db.fetch_one(
            "select auth_open_session($1, $2, $3, $4, $5, $6) as id",
            *(user_id, tenant_id, _hash(token), self.life, user_agent, address),
        )
        assert row is not None
        return UUID(row["id"]), token

    async def exchange(self, db: Transaction, token: str) -> Exchange:
        """Spend the token. One that was spent before ends its session, unless that was a moment ago."""
        successor = self.successor(token)
        row = await db.fetch_one(
            "select * from auth_renew_session($1, $2, $3, $4)",
            *(_hash(token), _hash(successor), self.life, GRACE),
        )
        assert row is not None
        ids = (UUID(row[name]) if row[name] else None for name in ("session_id", "user_id", "tenant_id"))
        return Exchange(row["outcome"], successor, *ids)

    def successor(self, token: str) -> str:
        digest = hmac.digest(self._secret, token.encode(), "sha256")
        return urlsafe_b64encode(digest).decode().rstrip("=")


async def move(db: Transaction, session_id: UUID, tenant_id: UUID) -> None:
    """The session goes on for another of its person's tenants."""
    await db.execute("select auth_move_session($1, $2)", session_id, tenant_id)


async def end(db: Transaction, session_id: UUID, because: Because) -> None:
    await db.execute("select auth_end_session($1, $2)", session_id, because)


async def end_others(db: Transaction, user_id: UUID, *, kept: UUID | None, because: Because) -> list[UUID]:
    """End all sessions of the person but ``kept``; gives those that were still open."""
    rows = await db.fetch("select auth_end_other_sessions($1, $2, $3) as id", user_id, kept, because)
    return [UUID(row["id"]) for row in rows]


async def forget_old_sessions(worker: Database, life: timedelta, *, batch: int = BATCH) -> None:
    """Sessions that have been over for ``KEPT``, and spent tokens as long after the end of their own ``life``.

    Such a token sent again is unknown: it is refused as ever, but ends no session any more.
    """
    gone = 1
    while gone:
        async with worker.transaction() as db:
            row = await db.fetch_one("select forget_sessions($1, $2, $3) as gone", KEPT, life, batch)
        assert row is not None
        gone = row["gone"]


def _hash(token: str) -> bytes:
    return sha256(token.encode()).digest()

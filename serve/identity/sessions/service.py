"""Sessions of people: opened at log-in, carried on by refresh tokens that each work once, ended for all processes.

A token's successor is computed from its hash under a secret of this installation. So two exchanges of one token at the
same time, or one repeated because its answer was lost, give the same successor and not two heads of one session; and a
session is carried on for somebody who has not sent the token, as at a step-up.
"""

from __future__ import annotations

import hmac
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Literal
from uuid import UUID

from serve.kernel.db import Database, Transaction

GRACE = timedelta(seconds=10)
KEPT = timedelta(days=90)
"""Of a session that is over. A theft is often noticed weeks later, and then somebody asks what the stolen session was
and when it was last used; after that its address and program are personal data that nobody needs. Log-ins and reuse
stay in the history of events."""
BATCH = 5_000  # rows of a kind in one transaction of forgetting

Outcome = Literal["renewed", "repeated", "reused", "unknown", "ended"]
Because = Literal["logout", "reuse", "revoked", "password", "deactivated"]
Kind = Literal["web", "mobile", "customer", "impersonation"]


@dataclass(frozen=True, slots=True)
class Looker:
    """Who looks with the eyes of a session's person, and what they may do themselves today."""

    user_id: UUID
    role: str
    own_permissions: list[str] | None


@dataclass(frozen=True, slots=True)
class Standing:
    """What an access token of a session may say now, as the database has it."""

    tenant_id: UUID
    role: str
    own_permissions: list[str] | None
    kind: Kind
    methods: tuple[str, ...]
    authenticated_at_s: float
    expires_at: datetime
    issued_at_s: float
    looker: Looker | None
    cause: UUID | None
    ends_at_s: float | None


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
        self,
        db: Transaction,
        user_id: UUID,
        tenant_id: UUID,
        *,
        user_agent: str,
        address: str,
        kind: Kind = "web",
        methods: Sequence[str] = ("password",),
        ends_at: datetime | None = None,
        impersonation_id: UUID | None = None,
    ) -> tuple[UUID, str]:
        """A new session and its first refresh token; ``ends_at`` is when it is over, however much it is used."""
        token = secrets.token_urlsafe(32)
        row = await db.fetch_one(
            "select auth_open_session($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) as id",
            *(user_id, tenant_id, _hash(token), self.life, user_agent, address),
            *(kind, list(methods), ends_at, impersonation_id),
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

    async def rotate(self, db: Transaction, session_id: UUID) -> str | None:
        """The next refresh token of a session, as if the one that is good had been exchanged; None when it is over.

        Where one was exchanged a moment ago, it is that successor: of two calls of a client that cross, the answer
        that comes last must not leave it with a token that is spent.
        """
        held = await db.fetch_one("select * from auth_hold_session($1, $2)", session_id, GRACE)
        if held is None:
            return None
        if held["spent"] is not None:
            given = self._after(held["spent"])
            if _hash(given) == held["head"]:
                return given
        successor = self._after(held["head"])
        await db.fetch_one(
            "select outcome from auth_renew_session($1, $2, $3, $4)",
            *(held["head"], _hash(successor), self.life, GRACE),
        )
        return successor

    def successor(self, token: str) -> str:
        return self._after(_hash(token))

    def _after(self, spent: bytes) -> str:
        digest = hmac.digest(self._secret, spent, "sha256")
        return urlsafe_b64encode(digest).decode().rstrip("=")


async def standing(db: Transaction, session_id: UUID) -> Standing | None:
    """None when the session is over, or its person may not work for its tenant any more."""
    row = await db.fetch_one("select * from auth_standing($1)", session_id)
    if row is None:
        return None
    role_ends_at: datetime | None = row["role_ends_at"]
    looker = row["impersonator_id"] and Looker(
        UUID(row["impersonator_id"]), row["impersonator_role"], row["impersonator_permissions"]
    )
    return Standing(
        tenant_id=UUID(row["tenant_id"]),
        role=row["role"],
        own_permissions=row["permissions"],
        kind=row["kind"],
        methods=tuple(row["methods"]),
        authenticated_at_s=row["authenticated_at"].timestamp(),
        expires_at=row["expires_at"],
        issued_at_s=row["issued_at"].timestamp(),
        looker=looker or None,
        cause=UUID(row["cause_id"]) if row["cause_id"] else None,
        ends_at_s=min(each.timestamp() for each in (role_ends_at, row["expires_at"]) if each is not None),
    )


async def move(db: Transaction, session_id: UUID, tenant_id: UUID) -> None:
    """The session goes on for another of its person's tenants."""
    await db.execute("select auth_move_session($1, $2)", session_id, tenant_id)


async def end(db: Transaction, session_id: UUID, because: Because) -> None:
    await db.execute("select auth_end_session($1, $2)", session_id, because)


async def end_that_of(db: Transaction, refresh_token: str) -> UUID | None:
    """End the session that this is a token of, used or not; its number if it was open."""
    row = await db.fetch_one("select auth_end_session_of($1) as id", _hash(refresh_token))
    return UUID(row["id"]) if row and row["id"] else None


async def end_others(db: Transaction, user_id: UUID, *, kept: UUID | None, because: Because) -> list[UUID]:
    """End all sessions of the person but ``kept``; gives those that were still open."""
    rows = await db.fetch("select auth_end_other_sessions($1, $2, $3) as id", user_id, kept, because)
    return [UUID(row["id"]) for row in rows]


async def open_ones(db: Transaction, user_id: UUID, tenant_id: UUID | None = None) -> list[dict[str, Any]]:
    """The person's open sessions, the one used last first: all of them, or those at work for the tenant."""
    rows = await db.fetch("select * from auth_sessions($1, $2)", user_id, tenant_id)
    return [dict(row) for row in rows]


async def revoke(
    db: Transaction, user_id: UUID, *, session_id: UUID | None = None, tenant_id: UUID | None = None
) -> list[UUID]:
    """End one session of the person, or all of them (at work for the tenant); gives those that were still open."""
    rows = await db.fetch(
        "select auth_revoke_sessions($1, $2, $3, 'revoked') as id", user_id, session_id, tenant_id
    )
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

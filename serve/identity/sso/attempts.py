"""Sign-ins that have begun: tied to one browser, good for some minutes and for one use.

The state names the connection, so that whoever comes back with it can be looked up in the right tenant. What else
belongs to an attempt is computed from it under a secret of this installation; stored are hashes.
"""

from __future__ import annotations

import hmac
import secrets as chance
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from uuid import UUID

from serve.identity.sso.errors import SsoStateUnknown
from serve.identity.sso.oidc import Secrets
from serve.kernel.db import Database, Transaction

LIFE = timedelta(minutes=10)
COOKIE = "throughline_sso"
COOKIE_PATH = "/api/v1/auth/sso"


@dataclass(frozen=True, slots=True)
class Begun:
    """A new attempt: ``browser`` goes into the cookie."""

    state: str
    browser: str


@dataclass(frozen=True, slots=True)
class Attempt:
    """An attempt that was found again. ``user_id`` is who it is, where that is known already."""

    connection_id: UUID
    return_to: str
    user_id: UUID | None


class Attempts:
    def __init__(self, secret: str) -> None:
        self._secret = secret.encode()

    def secrets(self, state: str) -> Secrets:
        return Secrets(state, self._made("nonce", state), self._made("verifier", state))

    async def begin(self, db: Transaction, connection_id: UUID, return_to: str) -> Begun:
        begun = Begun(_drawn(connection_id), chance.token_urlsafe(32))
        await db.execute(
            "insert into sso_attempts (tenant_id, connection_id, hash, browser_hash, return_to, expires_at)"
            " values (current_setting('app.tenant_id')::uuid, $1, $2, $3, $4, now() + $5)",
            *(connection_id, hashed(begun.state), hashed(begun.browser), return_to, LIFE),
        )
        return begun

    async def spend(self, db: Transaction, state: str, browser: str) -> Attempt:
        """Use it up, by the browser that began it. Raises SsoStateUnknown."""
        row = await db.fetch_one(
            "delete from sso_attempts where hash = $1 and browser_hash = $2 and expires_at > now()"
            " returning connection_id, return_to, user_id",
            *(hashed(state), hashed(browser)),
        )
        if row is None:
            raise SsoStateUnknown
        return Attempt(UUID(row["connection_id"]), row["return_to"], row["user_id"] and UUID(row["user_id"]))

    async def answered(self, db: Transaction, state: str, connection_id: UUID, user_id: UUID) -> str:
        """The provider has said who it is: the new state, for the browser that brought the answer. Once.

        The state of before is no good any more. Whoever began knows it, and may have sent somebody else to the
        provider: only one who has both, the cookie and what this answer leads to, is one and the same browser.
        Raises SsoStateUnknown.
        """
        handle = _drawn(connection_id)
        row = await db.fetch_one(
            "update sso_attempts set user_id = $3, hash = $4 where hash = $1 and connection_id = $2"
            " and user_id is null and expires_at > now() returning id",
            *(hashed(state), connection_id, user_id, hashed(handle)),
        )
        if row is None:
            raise SsoStateUnknown
        return handle

    async def is_open(self, db: Transaction, state: str, connection_id: UUID) -> bool:
        """Whether an answer to it is waited for."""
        row = await db.fetch_one(
            "select 1 from sso_attempts where hash = $1 and connection_id = $2 and user_id is null"
            " and expires_at > now() for update",
            *(hashed(state), connection_id),
        )
        return row is not None

    def _made(self, what: str, state: str) -> str:
        digest = hmac.digest(self._secret, f"{what} {state}".encode(), "sha256")
        return urlsafe_b64encode(digest).decode().rstrip("=")


def _drawn(connection_id: UUID) -> str:
    """A state that nobody can guess."""
    return f"{connection_id.hex}{chance.token_urlsafe(32)}"


def connection_of(state: str) -> UUID:
    """Raises SsoStateUnknown."""
    try:
        return UUID(hex=state[:32])
    except ValueError as error:
        raise SsoStateUnknown from error


def hashed(text: str) -> bytes:
    return sha256(text.encode()).digest()


async def forget_attempts(worker: Database) -> None:
    """Those that are over, and assertions that would be refused for their age."""
    for table in ("sso_attempts", "sso_assertions"):
        async with worker.transaction() as db:
            await db.execute(f"delete from {table} where expires_at < now()")

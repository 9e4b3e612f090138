"""The steps of logging in, of carrying a session on, and of leaving."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from uuid import UUID

from fastapi import Request

from serve.identity.auth.errors import SessionEnded, TooManyAttempts, WrongCredentials
from serve.identity.auth.notes import Note, SecurityNotes, acts, log, record
from serve.identity.auth.passwords import Passwords
from serve.identity.auth.people import Person, person_for, readable_tenants, still_at_work
from serve.identity.auth.schemas import LoginRequest
from serve.identity.sessions import service as sessions
from serve.identity.sessions.service import Sessions
from serve.kernel.caller import Caller, Tokens
from serve.kernel.db import Database, Transaction
from serve.kernel.ratelimit import RateLimit


@dataclass(frozen=True, slots=True)
class Client:
    """Where a request comes from."""

    address: str
    user_agent: str
    request_id: str

    @classmethod
    def of(cls, request: Request) -> Client:
        address = request.client.host if request.client else ""
        return cls(address, request.headers.get("user-agent", "")[:200], request.state.request_id)


@dataclass(frozen=True, slots=True)
class Granted:
    """A person with an open session."""

    person: Person
    session_id: UUID
    refresh_token: str
    readable_tenants: list[UUID]


class Attempts:
    """Counts failures with a password, by address and account and by address alone."""

    def __init__(self, per_min: int) -> None:
        self._pairs = RateLimit(per_min, burst=per_min)
        self._addresses = RateLimit(per_min * 6, burst=per_min * 6)

    def count(self, address: str, account: str) -> None:
        """Before the slow part, so that attempts at the same time count too. Raises TooManyAttempts."""
        wait_s = max(self._pairs.wait_s((address, account)), self._addresses.wait_s(address))
        if wait_s:
            raise TooManyAttempts(headers={"Retry-After": str(wait_s)})
        self._pairs.count((address, account))
        self._addresses.count(address)

    def succeeded(self, address: str, account: str) -> None:
        self._pairs.forget((address, account))


class Login:
    """What the calls of log-in share: the store, the tokens, and the memory of failures."""

    def __init__(
        self,
        database: Database,
        tokens: Tokens,
        sessions: Sessions,
        notes: SecurityNotes,
        *,
        attempts_per_min: int,
    ) -> None:
        self.database, self.tokens, self.sessions, self.notes = database, tokens, sessions, notes
        self.passwords, self.attempts = Passwords(), Attempts(attempts_per_min)

    async def enter(self, asked: LoginRequest, client: Client) -> Granted:
        """Open a session for the person whose password this is.

        A wrong password, an unknown account and an inactive one take the same time and give the same answer: what is
        noted about a known account is written later.

        Raises TooManyAttempts, WrongCredentials or NoMembership.
        """
        account = asked.email.lower()
        self.attempts.count(client.address, account)
        async with self.database.transaction() as db:
            user = await db.fetch_one("select * from auth_user_by_email($1)", asked.email)
        is_right = await self.passwords.matches(user and user["password_hash"], asked.password)
        if user is None or not is_right or not user["is_active"]:
            self._note_failure(user and UUID(user["id"]), account, client)
            raise WrongCredentials
        self.attempts.succeeded(client.address, account)
        user_id = UUID(user["id"])
        async with self.database.transaction() as db:
            await acts(db, user_id)
            person = await person_for(db, user_id, asked.tenant)
            session_id, refresh_token = await self.sessions.open(
                db, user_id, person.tenant_id, user_agent=client.user_agent, address=client.address
            )
            await db.execute("select auth_touch_login($1)", user_id)
            detail = {"address": client.address, "session_id": str(session_id)}
            await record(db, Note(user_id, person.tenant_id, "login.succeeded", detail, client.request_id))
            return await _granted(db, person, session_id, refresh_token)

    async def carry_on(self, token: str, tenant: str | None, client: Client) -> Granted:
        """Exchange a refresh token, for the tenant of its session or another one of the person's.

        Raises SessionEnded, Unauthenticated (the person or the membership is gone) or NoMembership; nothing is spent
        when the person may not go on.
        """
        async with self.database.transaction() as db:
            found = await self.sessions.exchange(db, token)
            if found.session_id is None or found.user_id is None or found.tenant_id is None:
                raise SessionEnded
            if found.outcome in ("renewed", "repeated"):
                if tenant is None:
                    person = await still_at_work(db, found.user_id, found.tenant_id)
                else:
                    person = await person_for(db, found.user_id, tenant)
                    await sessions.move(db, found.session_id, person.tenant_id)
                return await _granted(db, person, found.session_id, found.successor)
            if found.outcome == "reused":
                detail = {"address": client.address, "session_id": str(found.session_id)}
                await record(
                    db, Note(found.user_id, found.tenant_id, "refresh.reused", detail, client.request_id)
                )
        self.tokens.revoke(found.session_id)
        raise SessionEnded

    async def leave(self, db: Transaction, caller: Caller, client: Client) -> None:
        """End the session everywhere, and its access tokens in this process."""
        if caller.session_id is not None:
            await sessions.end(db, caller.session_id, "logout")
            self.tokens.revoke(caller.session_id)
        self.tokens.revoke(caller.token_id)
        detail = {"address": client.address}
        await record(db, Note(caller.user_id, caller.tenant_id, "logout", detail, client.request_id))

    def _note_failure(self, user_id: UUID | None, account: str, client: Client) -> None:
        if user_id is None:
            # Not the account itself: people type their password there.
            mark = blake2b(account.encode(), digest_size=6).hexdigest()
            log.info("log-in of an unknown account %s from %s", mark, client.address)
        else:
            detail = {"address": client.address}
            self.notes.take(Note(user_id, None, "login.failed", detail, client.request_id))


async def _granted(db: Transaction, person: Person, session_id: UUID, refresh_token: str) -> Granted:
    return Granted(person, session_id, refresh_token, await readable_tenants(db, person.tenant_id))

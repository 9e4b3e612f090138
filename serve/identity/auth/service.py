"""The steps of logging in, of carrying a session on, and of leaving."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from hashlib import blake2b
from typing import Literal
from uuid import UUID

from fastapi import Request

from serve.identity.account_mails.service import queue_account_mail
from serve.identity.accounts.mails import SESSION_STOLEN
from serve.identity.auth.attempts import Attempts
from serve.identity.auth.cookies import DEVICE_COOKIE, REFRESH_COOKIE
from serve.identity.auth.errors import SessionEnded, WrongCredentials
from serve.identity.auth.notes import Note, SecurityNotes, acts, log, record
from serve.identity.auth.passwords import Passwords
from serve.identity.auth.people import (
    Person,
    account_of,
    active_user,
    person_for,
    readable_tenants,
    still_at_work,
)
from serve.identity.auth.schemas import LoginRequest
from serve.identity.factors import service as factors
from serve.identity.factors.errors import SecondFactorNeeded
from serve.identity.impersonations.rules import EyesStay, MayMoreThanYou, Somebody, check_impersonation
from serve.identity.sessions import service as sessions
from serve.identity.sessions.service import Kind, Looker, Sessions, Standing
from serve.identity.sign_ins.service import SignIn
from serve.identity.sso.gate import check_way
from serve.kernel.caller import Caller, TokenStale
from serve.kernel.db import Database, Transaction
from serve.kernel.errors import Problem
from serve.kernel.permissions import permissions_of
from serve.kernel.tokens import Tokens


@dataclass(frozen=True, slots=True)
class Client:
    """Where a request comes from."""

    address: str
    user_agent: str
    request_id: str
    device: str = ""  # the cookie of a browser that somebody has logged in with before
    refresh_token: str = ""  # of the session that the browser still has

    @classmethod
    def of(cls, request: Request) -> Client:
        address = request.client.host if request.client else ""
        agent = request.headers.get("user-agent", "")[:200]
        cookies = (request.cookies.get(name, "") for name in (DEVICE_COOKIE, REFRESH_COOKIE))
        return cls(address, agent, request.state.request_id, *cookies)

    def named(self, device: str) -> Client:
        """An app knows better than its HTTP library what it runs on."""
        return replace(self, user_agent=device[:200])

    def sign_in(self, outcome: Literal["succeeded", "failed"], method: str, kind: Kind) -> SignIn:
        return SignIn(outcome, method, kind, self.address, self.user_agent)


@dataclass(frozen=True, slots=True)
class Granted:
    """A person with an open session, and what its access token may say now."""

    person: Person
    session_id: UUID
    refresh_token: str | None
    """None when the one that the client has goes on."""
    readable_tenants: list[UUID]
    standing: Standing
    must_enrol: bool

    @property
    def only(self) -> str | None:
        """What the token is good for alone."""
        if self.must_enrol:
            return "enrolment"
        return None if self.standing.kind == "web" else self.standing.kind


class Login:
    """What the calls of log-in share: the store, the tokens, and the memory of failures."""

    def __init__(
        self,
        database: Database,
        tokens: Tokens,
        sessions: Sessions,
        notes: SecurityNotes,
        *,
        attempts: Attempts,
        password_cost: str,
    ) -> None:
        self.database, self.tokens, self.sessions, self.notes = database, tokens, sessions, notes
        self.passwords, self.attempts = Passwords(password_cost), attempts

    async def enter(
        self, asked: LoginRequest, client: Client, *, kind: Kind = "web", role: str | None = None
    ) -> Granted:
        """Open a session for the person whose password this is; with ``role``, only for who has it.

        A wrong password, an unknown account and an inactive one take the same time and give the same answer: what is
        noted about a known account is written later. Only who knows the password hears of second factors.

        Raises TooManyAttempts, WrongCredentials, SecondFactorNeeded, WrongCode, TooManyCodes or NoMembership.
        """
        account = asked.email.lower()
        await self.attempts.count(client.address, account, device=client.device)
        async with self.database.transaction() as db:
            user = await account_of(db, asked.email)
        is_right = await self.passwords.matches(user and user["password_hash"], asked.password)
        if user is None or not is_right or not user["is_active"]:
            self.note_failure(user and UUID(user["id"]), account, client, "password", kind)
            raise WrongCredentials
        user_id = UUID(user["id"])
        renewed = await self.passwords.renewed(user["password_hash"], asked.password)
        async with self.database.transaction() as db:
            if renewed is not None:
                await db.execute(
                    "select auth_renew_password_hash($1, $2, $3)", user_id, user["password_hash"], renewed
                )
            second = await factors.beside_password(db, user_id, asked.code, client.request_id)
            if not isinstance(second, Problem):
                db.afterwards.append(partial(self.attempts.succeeded, client.address, account))
                methods = ("password", *second)
                return await self.open(
                    db, user_id, asked.tenant, client, methods=methods, kind=kind, role=role
                )
        if not isinstance(second, SecondFactorNeeded):
            self.note_wrong_code(user_id, asked.code, client, kind)
        raise second

    async def open(
        self,
        db: Transaction,
        user_id: UUID,
        tenant: str | None,
        client: Client,
        *,
        methods: Sequence[str],
        kind: Kind = "web",
        role: str | None = None,
        ends_at: datetime | None = None,
        impersonation_id: UUID | None = None,
    ) -> Granted:
        """A session of somebody who has proven who they are by ``methods``, for that tenant (slug or id) or the first.

        The session that the browser has had until now ends. Raises Unauthenticated, NoMembership or SsoRequired.
        """
        await acts(db, user_id)
        person = await person_for(db, user_id, tenant, role)
        if client.refresh_token and impersonation_id is None:  # who looks with other eyes keeps their own
            before = await sessions.end_that_of(db, client.refresh_token)
            if before is not None:
                db.afterwards.append(partial(self._revoke, before))
        session_id, refresh_token = await self.sessions.open(
            db,
            user_id,
            person.tenant_id,
            user_agent=client.user_agent,
            address=client.address,
            kind=kind,
            methods=methods,
            ends_at=ends_at,
            impersonation_id=impersonation_id,
        )
        if impersonation_id is None:
            await db.execute("select auth_touch_login($1)", user_id)
            detail = {"address": client.address, "session_id": str(session_id), "methods": list(methods)}
            came = client.sign_in("succeeded", methods[-1], kind)
            await record(
                db, Note(user_id, person.tenant_id, "login.succeeded", detail, client.request_id, came)
            )
        return await _granted(db, person, session_id, refresh_token)

    async def carry_on(self, token: str, tenant: str | None, client: Client) -> Granted:
        """Exchange a refresh token, for the tenant of its session or another one of the person's.

        Raises SessionEnded, Unauthenticated (the person or the membership is gone), NoMembership, SsoOneTenant,
        SsoRequired or EyesStay; nothing is spent when the person may not go on.
        """
        async with self.database.transaction() as db:
            found = await self.sessions.exchange(db, token)
            if found.session_id is None or found.user_id is None or found.tenant_id is None:
                raise SessionEnded
            if found.outcome in ("renewed", "repeated"):
                if tenant is None:
                    person = await still_at_work(db, found.user_id, found.tenant_id)
                else:
                    await _check_may_move(db, found.session_id)
                    person = await person_for(db, found.user_id, tenant)
                    await sessions.move(db, found.session_id, person.tenant_id)
                is_moved = person.tenant_id != found.tenant_id
                return await _granted(db, person, found.session_id, found.successor, is_moved=is_moved)
            if found.outcome == "reused":
                detail = {"address": client.address, "session_id": str(found.session_id)}
                await record(
                    db, Note(found.user_id, found.tenant_id, "refresh.reused", detail, client.request_id)
                )
                await _tell_stolen(db, found.user_id, client)
        self.tokens.revoke(found.session_id)
        raise SessionEnded

    async def go_on(self, db: Transaction, caller: Caller, *, renewed: bool = False) -> Granted:
        """The caller's session as it is now, for a new access token beside the refresh token that the client has, or
        (``renewed``) beside the next one.

        Raises SessionEnded, Unauthenticated or TokenStale (the session is at work for another tenant by now).
        """
        if caller.session_id is None:
            raise SessionEnded
        person = await still_at_work(db, caller.user_id, caller.tenant_id)
        token = await self.sessions.rotate(db, caller.session_id) if renewed else None
        if renewed and token is None:
            raise SessionEnded
        return await _granted(db, person, caller.session_id, token)

    async def leave(self, db: Transaction, caller: Caller, client: Client) -> None:
        """End the session everywhere, and its access tokens in this process; that of the browser's cookie as well.

        Who looks with other eyes ends the looking alone, which the database notes, and keeps their own session.
        """
        over: list[str | UUID] = [caller.token_id]
        if caller.session_id is not None:
            await sessions.end(db, caller.session_id, "logout")
            over.append(caller.session_id)
        if caller.impersonator_id is None and client.refresh_token:
            of_browser = await sessions.end_that_of(db, client.refresh_token)
            over += [of_browser] if of_browser is not None else []
        db.afterwards.append(partial(self._revoke, *over))
        if caller.impersonator_id is not None:
            return
        detail = {"address": client.address}
        await record(db, Note(caller.user_id, caller.tenant_id, "logout", detail, client.request_id))

    async def _revoke(self, *over: str | UUID) -> None:
        """Once it is committed: what is rolled back has ended nothing."""
        self.tokens.revoke(*over)

    def note_wrong_code(self, user_id: UUID, code: str | None, client: Client, kind: Kind) -> None:
        came = client.sign_in("failed", factors.way_of(code), kind)
        detail = {"address": client.address}
        self.notes.take(Note(user_id, None, "code.refused", detail, client.request_id, came))

    def note_failure(
        self, user_id: UUID | None, account: str, client: Client, method: str, kind: Kind
    ) -> None:
        if user_id is None:
            # Not the account itself: people type their password there.
            mark = blake2b(account.encode(), digest_size=6).hexdigest()
            log.info("log-in of an unknown account %s from %s", mark, client.address)
        else:
            came = client.sign_in("failed", method, kind)
            detail = {"address": client.address}
            self.notes.take(Note(user_id, None, "login.failed", detail, client.request_id, came))


async def _tell_stolen(db: Transaction, user_id: UUID, client: Client) -> None:
    user = await active_user(db, user_id)
    values = {"name": user["full_name"], "address": client.address}
    await queue_account_mail(
        db,
        SESSION_STOLEN,
        to_address=user["email"],
        to_name=user["full_name"],
        values=values,
        user_id=user_id,
    )


async def _granted(
    db: Transaction, person: Person, session_id: UUID, refresh_token: str | None, *, is_moved: bool = False
) -> Granted:
    standing = await sessions.standing(db, session_id)
    if standing is None:
        raise SessionEnded
    if (
        standing.tenant_id != person.tenant_id
    ):  # else the role of one tenant would stand beside the name of another
        raise TokenStale
    tenants = await readable_tenants(db, person.tenant_id)
    if standing.looker is not None:
        _check_eyes(standing.looker, person, standing)
        return Granted(person, session_id, refresh_token, tenants, standing, must_enrol=False)
    await check_way(db, person.user_id, person.tenant_id, standing.methods, is_moved=is_moved)
    must_enrol = await factors.must_enrol(
        db, person.user_id, person.tenant_id, standing.role, standing.methods
    )
    return Granted(person, session_id, refresh_token, tenants, standing, must_enrol)


async def _check_may_move(db: Transaction, session_id: UUID) -> None:
    """Raises EyesStay."""
    standing = await sessions.standing(db, session_id)
    if standing is not None and standing.looker is not None:
        raise EyesStay


def _check_eyes(looker: Looker, person: Person, standing: Standing) -> None:
    """As when it began, by what both may do today. Raises SessionEnded."""
    try:
        check_impersonation(
            Somebody(looker.user_id, looker.role, permissions_of(looker.role, looker.own_permissions)),
            Somebody(person.user_id, standing.role, permissions_of(standing.role, standing.own_permissions)),
        )
    except MayMoreThanYou as error:
        raise SessionEnded from error

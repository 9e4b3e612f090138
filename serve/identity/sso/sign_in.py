"""Signing in by a provider, from the first step to an open session; what the browser's calls share.

No connection to the database is held while a provider is asked: each step is a transaction of its own.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from serve.identity.auth.service import Client, Granted, Login
from serve.identity.sso import admission, oidc, rules, saml, service
from serve.identity.sso.addresses import is_address
from serve.identity.sso.attempts import Attempt, Attempts, connection_of
from serve.identity.sso.errors import (
    SsoAnswerRefused,
    SsoConnectionNotFound,
    SsoProviderRefused,
    SsoStateUnknown,
)
from serve.identity.sso.oidc import Oidc
from serve.identity.sso.rules import Claimed
from serve.kernel.db import Database, Record, Transaction
from serve.kernel.errors import OutsideFailed, Problem
from serve.kernel.events import event, note_security
from serve.ports.dns import TxtRecords
from serve.ports.out import Door

log = logging.getLogger("throughline.security")

REFUSED = event(
    "sso.refused",
    "Somebody whom the tenant's provider vouched for was not let in: `after` says why.",
    category="security",
)
MOST_TEXT = 4000
"""Of a code or a state."""


@dataclass(frozen=True, slots=True)
class Sent:
    """Where the browser goes, and what it carries in its cookie."""

    url: str
    browser: str


@dataclass(frozen=True, slots=True)
class Back:
    """An open session, and where the browser goes with it."""

    granted: Granted
    return_to: str


class SingleSignOn:
    """What the calls of single sign-on share (``app.state.sso``)."""

    def __init__(
        self,
        database: Database,
        login: Login,
        door: Door,
        records: TxtRecords,
        secret: str,
        *,
        address: str,
        plain_too: bool,
    ) -> None:
        """``address`` is where people reach us; what a request says of that counts for nothing here.

        ``plain_too`` lets providers be asked without HTTPS, as in a private network.
        """
        self.address = address
        self._database, self._login = database, login
        self.oidc, self.records, self.plain_too = Oidc(door), records, plain_too
        self.attempts = Attempts(secret)

    async def discover(self, email: str) -> dict[str, Any]:
        """Whether the address's domain comes in by a provider; the same for every address of the domain."""
        async with self._database.transaction() as db:
            row = await db.fetch_one("select * from sso_discover($1)", rules.domain_of(email))
        return {
            "has_connection": row is not None,
            "connection_id": row and row["connection_id"],
            "kind": row and row["kind"],
            "start_url": row and f"/api/v1/auth/sso/{row['connection_id']}/start",
            "is_enforced": bool(row and row["is_enforced"]),
        }

    async def describe(self, connection_id: UUID) -> bytes:
        """Our metadata for a SAML provider. Raises SsoConnectionNotFound."""
        async with self._at_work(connection_id) as db:
            connection = await _connection(db, connection_id)
        if connection["kind"] != "saml":
            raise SsoConnectionNotFound
        return saml.metadata(
            audience=service.entity_id(connection_id), acs_url=service.acs_url(self.address, connection_id)
        )

    async def begin(self, connection_id: UUID, return_to: str | None, hint: str | None) -> Sent:
        """Raises SsoConnectionNotFound, Invalid, OutsideFailed or OutsideSlow."""
        path = rules.return_path(return_to)
        async with self._at_work(connection_id) as db:
            connection = await _connection(db, connection_id)
            begun = await self.attempts.begin(db, connection_id, path)
        if connection["kind"] == "oidc":
            client = self._client(connection)
            return Sent(
                await self.oidc.begin(client, self.attempts.secrets(begun.state), hint), begun.browser
            )
        sso_url = connection["configuration"]["sso_url"]
        if not is_address(
            sso_url, plain_too=self.plain_too
        ):  # kept before addresses were looked at more closely
            raise OutsideFailed(oidc.SERVICE)
        url = saml.ask_url(
            sso_url,
            audience=service.entity_id(connection_id),
            acs_url=service.acs_url(self.address, connection_id),
            request_id=f"_{begun.state}",
        )
        return Sent(url, begun.browser)

    async def code_came(
        self,
        connection_id: UUID,
        state: str,
        browser: str,
        code: str | None,
        issuer: str | None,
        client: Client,
    ) -> Back:
        """The browser is back from an OpenID provider; without a code the provider has refused.

        What the tenant's history tells begins with a code that its provider has taken: anybody can come with another.
        Raises SsoStateUnknown, SsoConnectionNotFound, SsoProviderRefused, SsoAnswerRefused, SsoNotAdmitted and what
        asking the provider raises.
        """
        connection, attempt = await self._spent(connection_id, state, browser)
        if connection["kind"] != "oidc":
            raise SsoStateUnknown
        mapping, party = connection["user_mapping"], self._client(connection)
        secrets = self.attempts.secrets(state)
        with _logging(connection):
            if not code:
                raise SsoProviderRefused
            tokens = await self.oidc.exchange(party, secrets, code, issuer)
        async with self._noting(connection, client):
            found = await self.oidc.claims(party, secrets, tokens, rules.wanted(mapping))
            claims = rules.claimed(found, mapping, is_vouched=mapping["vouches_for_mail"])
            async with self._at_work(attempt.connection_id) as db:
                connection = await _connection(db, attempt.connection_id)
                user_id = await admission.admit(db, connection, claims, client.request_id)
                return await self._open(db, connection, user_id, attempt.return_to, client)

    async def assertion_came(self, connection_id: UUID, sent: str, client: Client) -> str | Back:
        """A SAML provider has posted an answer: the state under which the browser that began may come for the session.

        The post comes from another site, so the cookie of the attempt is not in it: the next step asks for that, and
        for the state, which goes to the browser that posted and to no other: so they are the same one. An
        answer to no question of ours is a session at once, where the connection allows it. Raises the same.
        """
        async with self._at_work(connection_id) as db:
            connection = await _connection(db, connection_id)
        if connection["kind"] != "saml":
            raise SsoConnectionNotFound
        configuration = connection["configuration"]
        expected = saml.Expected(
            configuration["entity_id"],
            tuple(configuration["certificates"]),
            service.entity_id(connection_id),
            service.acs_url(self.address, connection_id),
        )
        assertion = saml.read(sent, expected)
        async with self._noting(connection, client):
            claims = rules.claimed(assertion.values, connection["user_mapping"], is_vouched=True)
            async with self._at_work(connection_id) as db:
                connection = await _connection(db, connection_id)
                await _shown_once(db, connection_id, assertion)
                if assertion.in_response_to is not None:
                    state = assertion.in_response_to.removeprefix("_")
                    return await self._answered(db, connection, state, claims, client)
                if not connection["configuration"]["allows_unasked"]:
                    raise SsoAnswerRefused("nobody here has asked for it")
                user_id = await admission.admit(db, connection, claims, client.request_id)
                return await self._open(db, connection, user_id, "/", client)

    async def browser_came(self, state: str, browser: str, client: Client) -> Back:
        """The browser comes for the session that a SAML provider's answer has made possible.

        Raises SsoStateUnknown or SsoConnectionNotFound.
        """
        connection, attempt = await self._spent(connection_of(state), state, browser)
        if attempt.user_id is None:
            raise SsoStateUnknown
        async with self._at_work(attempt.connection_id) as db:
            connection = await _connection(db, attempt.connection_id)
            return await self._open(db, connection, attempt.user_id, attempt.return_to, client)

    async def _answered(
        self, db: Transaction, connection: Record, state: str, claims: Claimed, client: Client
    ) -> str:
        connection_id = UUID(connection["id"])
        if not await self.attempts.is_open(db, state, connection_id):
            raise SsoStateUnknown
        user_id = await admission.admit(db, connection, claims, client.request_id)
        return await self.attempts.answered(db, state, connection_id, user_id)

    async def _spent(self, connection_id: UUID, state: str, browser: str) -> tuple[Record, Attempt]:
        """The attempt is over from here on, whatever comes of it. Raises SsoConnectionNotFound or SsoStateUnknown."""
        async with self._at_work(connection_id) as db:
            if not (0 < len(state) < MOST_TEXT and 0 < len(browser) < MOST_TEXT):
                raise SsoStateUnknown
            if connection_of(state) != connection_id:  # one provider's answer to what another one was asked
                raise SsoStateUnknown
            attempt = await self.attempts.spend(db, state, browser)
            connection = await _connection(db, attempt.connection_id)
        return connection, attempt

    async def _open(
        self, db: Transaction, connection: Record, user_id: UUID, return_to: str, client: Client
    ) -> Back:
        """A session for the tenant of the connection, and for no other one."""
        granted = await self._login.open(
            db, user_id, connection["tenant_id"], client, methods=(connection["kind"],)
        )
        return Back(granted, return_to)

    def _client(self, connection: Record) -> oidc.Client:
        configuration = connection["configuration"]
        return oidc.Client(
            issuer=configuration["issuer"],
            client_id=configuration["client_id"],
            client_secret=service.secret_of(self._database.vault, connection),
            client_auth=configuration["client_auth"],
            scopes=tuple(configuration["scopes"]),
            redirect_uri=service.redirect_uri(self.address, connection["id"]),
        )

    @asynccontextmanager
    async def _at_work(self, connection_id: UUID, request_id: str = "") -> AsyncIterator[Transaction]:
        """A transaction for the tenant whose connection it is, though nobody has signed in yet.

        Raises SsoConnectionNotFound.
        """
        async with self._database.transaction(request_id=request_id) as db:
            row = await db.fetch_one("select sso_tenant_of($1) as tenant_id", connection_id)
            if row is None or row["tenant_id"] is None:
                raise SsoConnectionNotFound
            await db.execute(
                "select set_config('app.tenant_id', $1, true), set_config('app.tenant_ids', $1, true)",
                row["tenant_id"],
            )
            yield db

    @asynccontextmanager
    async def _noting(self, connection: Record, client: Client) -> AsyncIterator[None]:
        """A refusal is an event of the tenant, with the request that its person can name. Only of what its provider has
        signed, or given for a code of its own: else anybody could fill a tenant's history."""
        try:
            with _logging(connection):
                yield
        except Problem as problem:
            detail = {"code": problem.code, "reason": problem.detail, "address": client.address}
            async with self._at_work(UUID(connection["id"]), client.request_id) as db:
                await note_security(db, REFUSED, "sso_connection", connection["id"], detail)
            raise


@contextmanager
def _logging(connection: Record) -> Iterator[None]:
    """A refusal is a line of the log."""
    try:
        yield
    except Problem as problem:
        log.info("sign-in by connection %s refused: %s", connection["id"], problem.code)
        raise


async def _connection(db: Transaction, connection_id: UUID) -> Record:
    """Raises SsoConnectionNotFound."""
    row = await db.fetch_one("select * from sso_connections where id = $1 and is_enabled", connection_id)
    if row is None:
        raise SsoConnectionNotFound
    return row


async def _shown_once(db: Transaction, connection_id: UUID, assertion: saml.Assertion) -> None:
    """Raises SsoAnswerRefused for one that was shown before."""
    row = await db.fetch_one(
        "insert into sso_assertions (tenant_id, connection_id, hash, expires_at)"
        " values (current_setting('app.tenant_id')::uuid, $1, $2, $3) on conflict do nothing returning id",
        *(connection_id, assertion.hash, assertion.ends_at),
    )
    if row is None:
        raise SsoAnswerRefused("it was shown before")

"""Whoever was invited comes in: with a new account, or with the one that they have."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from serve.identity.account_tokens.service import AccountToken, look_at_token, spend_token
from serve.identity.accounts.rules import check_password
from serve.identity.auth.errors import WrongCredentials
from serve.identity.auth.notes import acts
from serve.identity.auth.people import account_of
from serve.identity.auth.service import Client, Granted, Login
from serve.identity.employees.service import arrive
from serve.identity.factors.service import needed as second_factors
from serve.identity.invitations.errors import InvitationNotFound, LogInFirst, RoleGone
from serve.identity.invitations.rules import check_useful, masked
from serve.identity.invitations.schemas import Acceptance
from serve.identity.invitations.service import ACCEPTED, PURPOSE, store
from serve.identity.roles.service import role_permissions
from serve.identity.users.errors import AlreadyMember
from serve.identity.users.service import admit
from serve.kernel.caller import BY_PROVIDER, Caller
from serve.kernel.db import Database, Record, Transaction
from serve.kernel.errors import Invalid
from serve.kernel.resources import Row
from serve.kernel.standing import TenantSuspended
from serve.kernel.tasks.acting import acting_for
from serve.platform.settings.categories import CATEGORIES
from serve.platform.settings.service import current


@dataclass(frozen=True, slots=True)
class Proof:
    """How somebody showed that they may accept: an account that they have proven theirs, or a new one's values."""

    methods: tuple[str, ...]
    user_id: UUID | None = None
    full_name: str = ""
    password_hash: str | None = None


async def look(database: Database, token: str) -> dict[str, Any]:
    """What the holder of the token may know. Raises InvitationNotFound or InvitationUseless."""
    known, tenant_id, invitation, account = await _found(database, token)
    async with database.transaction(acting_for(tenant_id, None)) as db:
        tenant = await db.fetch_one("select name, slug from tenants where id = $1", tenant_id)
    assert tenant is not None
    return {
        "tenant_name": tenant["name"],
        "tenant_slug": tenant["slug"],
        "email": masked(invitation["email"]),
        "full_name": invitation["full_name"],
        "role": invitation["role"],
        "expires_at": invitation["expires_at"],
        # Whether somebody has an account is told to whoever reads the mail of the address, not to a tenant's server.
        "has_account": None if known.is_seen_by_tenant else account is not None,
    }


@dataclass(frozen=True, slots=True)
class Arrived:
    """Somebody who has come in."""

    tenant_id: UUID
    user_id: UUID
    employee_id: UUID


async def accept(
    login: Login,
    asked: Acceptance,
    caller: Caller | None,
    client: Client,
    *,
    afterwards: Callable[[], Awaitable[object]],
) -> Granted:
    """The membership, the employee and a session, all or nothing."""
    async with _coming_in(login, asked, caller, client) as (db, arrived, methods):
        db.afterwards.append(afterwards)
        return await login.open(db, arrived.user_id, str(arrived.tenant_id), client, methods=methods)


async def join(login: Login, asked: Acceptance, caller: Caller | None, client: Client) -> Arrived:
    """The same without a session."""
    async with _coming_in(login, asked, caller, client) as (_, arrived, _):
        return arrived


@asynccontextmanager
async def _coming_in(
    login: Login, asked: Acceptance, caller: Caller | None, client: Client
) -> AsyncIterator[tuple[Transaction, Arrived, tuple[str, ...]]]:
    """The transaction in which they come in; of several at once with one token one gets through.

    Raises InvitationNotFound, InvitationUseless, Invalid, WrongCredentials, LogInFirst, AlreadyMember and so on.
    """
    _, tenant_id, invitation, account = await _found(login.database, asked.token)
    if account is None:
        proof = await _of_somebody_new(login, tenant_id, invitation, asked)
    else:
        proof = await _of_the_account(login, account, invitation["email"], asked.password, caller, client)
    async with login.database.transaction(acting_for(tenant_id, None), request_id=client.request_id) as db:
        yield db, await _come_in(db, tenant_id, asked.token, proof), proof.methods


async def _found(database: Database, token: str) -> tuple[AccountToken, UUID, Row, Record | None]:
    """The link, its tenant, the invitation, and whose account the address is."""
    async with database.transaction() as db:
        known = await look_at_token(db, token, PURPOSE)
        account = await account_of(db, (known and known.email) or "")
    if known is None or known.tenant_id is None or known.subject_id is None:
        raise InvitationNotFound
    async with database.transaction(acting_for(known.tenant_id, None)) as db:
        invitation = await store.get(db, known.subject_id)
    check_useful(invitation, known.state, datetime.now(UTC))
    return known, known.tenant_id, invitation, account


async def _of_somebody_new(login: Login, tenant_id: UUID, invitation: Row, asked: Acceptance) -> Proof:
    """Raises Invalid naming all that is missing. The hash is made outside any transaction: it takes long."""
    full_name, missing = asked.full_name or invitation["full_name"], []
    if not full_name:
        missing.append(("full_name", "say who you are"))
    if asked.password is None:
        missing.append(("password", "choose one"))
    if missing or asked.password is None:
        raise Invalid(details=missing)
    async with login.database.transaction(acting_for(tenant_id, None)) as db:
        shortest = (await current(db, [CATEGORIES["security"]]))["security"].values.password_min_length
    check_password(asked.password, shortest=shortest, about=(invitation["email"], full_name))
    password_hash = await login.passwords.hash(asked.password)
    return Proof(("password",), full_name=full_name, password_hash=password_hash)


async def _of_the_account(
    login: Login, account: Record, email: str, password: str | None, caller: Caller | None, client: Client
) -> Proof:
    """Whoever is logged in to it, or knows its password where that alone opens it; wrong guesses count as at log-in.

    Raises LogInFirst or WrongCredentials.
    """
    user_id = UUID(account["id"])
    if (
        caller is not None
        and caller.user_id == user_id
        and caller.session_id is not None
        and caller.only is None
        and caller.is_recent  # the session that begins counts as a fresh proof
        and BY_PROVIDER.isdisjoint(caller.methods)  # which is good for the tenant of that provider alone
    ):
        return Proof(caller.methods or ("password",), user_id)
    async with login.database.transaction() as db:
        is_password_enough = not await second_factors(db, user_id)
    if password is None or not is_password_enough:
        raise LogInFirst
    await login.attempts.count(client.address, email.lower())
    if not await login.passwords.matches(account["password_hash"], password) or not account["is_active"]:
        raise WrongCredentials
    await login.attempts.succeeded(client.address, email.lower())
    return Proof(("password",), user_id)


async def _come_in(db: Transaction, tenant_id: UUID, token: str, proof: Proof) -> Arrived:
    spent = await spend_token(db, token, PURPOSE)
    assert spent is not None
    assert spent.subject_id is not None
    invitation = await store.get(db, spent.subject_id, lock=True)
    check_useful(invitation, spent.state, datetime.now(UTC))
    if await db.fetch(
        "select 1 as found from tenants where id = $1 and closing_since is not null", tenant_id
    ):
        raise TenantSuspended
    if await role_permissions(db, invitation["role"]) is None:
        raise RoleGone
    user_id = proof.user_id
    if user_id is None:
        made = await db.fetch_one(
            "select auth_make_user($1, $2, $3, $4) as id",
            *(invitation["email"], proof.full_name, proof.password_hash, not spent.is_seen_by_tenant),
        )
        if made is None or made["id"] is None:  # somebody made an account meanwhile
            raise LogInFirst
        user_id = UUID(made["id"])
    await acts(db, user_id)
    person = await db.fetch_one("select email, full_name from auth_user($1)", user_id)
    assert person is not None
    if not spent.is_seen_by_tenant:  # whoever has the link reads the mail of this address
        await db.execute("select auth_verify_email($1, $2)", user_id, person["email"])
    if not await admit(db, user_id, invitation["role"]):
        raise AlreadyMember
    await db.execute("select owner_arrived()")  # if it is the first one, the tenant goes on
    wish = {name: invitation[name] for name in ("job_title", "department_id", "manager_id")}
    employee = await arrive(
        db,
        user_id,
        {"email": invitation["email"], "full_name": person["full_name"], **wish},
        employee_id=invitation["employee_id"] and UUID(invitation["employee_id"]),
    )
    now = datetime.now(UTC)
    changes = {"accepted_at": now, "accepted_by": user_id, "employee_id": employee["id"]}
    await store.update(db, invitation, changes, event=ACCEPTED)
    return Arrived(tenant_id, user_id, UUID(employee["id"]))

"""The steps of logging in, and reading who one is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from serve.identity.auth.errors import NoMembership, TooManyAttempts, WrongCredentials
from serve.identity.auth.passwords import Passwords
from serve.identity.auth.schemas import LoginRequest
from serve.kernel.caller import Caller
from serve.kernel.db import Database
from serve.kernel.errors import Unauthenticated
from serve.kernel.ratelimit import RateLimit

Membership = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Person:
    """A user with all memberships and the one at work."""

    user_id: UUID
    email: str
    full_name: str
    memberships: list[Membership]
    tenant: Membership
    readable_tenants: list[UUID]

    def user(self) -> dict[str, Any]:
        return {"id": str(self.user_id), "email": self.email, "full_name": self.full_name}


class Login:
    """Checks passwords; remembers failures, by address and account and by address alone."""

    def __init__(self, database: Database, *, attempts_per_min: int) -> None:
        self._database = database
        self._passwords = Passwords()
        self._pairs = RateLimit(attempts_per_min, burst=attempts_per_min)
        self._addresses = RateLimit(attempts_per_min * 6, burst=attempts_per_min * 6)

    async def check(self, asked: LoginRequest, address: str) -> Person:
        """The person whose password this is.

        A wrong password, an unknown account and an inactive one take the same time and give the same answer.
        Raises TooManyAttempts, WrongCredentials or NoMembership.
        """
        pair = (address, asked.email.lower())
        wait_s = max(self._pairs.wait_s(pair), self._addresses.wait_s(address))
        if wait_s:
            raise TooManyAttempts(headers={"Retry-After": str(wait_s)})
        self._pairs.count(pair)  # before the slow part, so that attempts at the same time count too
        self._addresses.count(address)
        async with self._database.transaction() as db:
            user = await db.fetch_one("select * from auth_user_by_email($1)", asked.email)
        is_right = await self._passwords.matches(user and user["password_hash"], asked.password)
        if user is None or not is_right or not user["is_active"]:
            raise WrongCredentials
        self._pairs.forget(pair)
        async with self._database.transaction() as db:
            memberships = await _memberships(db, user["id"])
            tenant = _chosen(memberships, asked.tenant)
            readable = await db.fetch("select auth_readable_tenants($1) as id", UUID(tenant["tenant_id"]))
            await db.execute("select auth_touch_login($1)", user["id"])
        return Person(
            UUID(str(user["id"])),
            asked.email.lower(),
            user["full_name"],
            memberships,
            tenant,
            [UUID(str(row["id"])) for row in readable],
        )


async def who(db: Any, caller: Caller) -> Person:
    """The person behind a token as the database knows them now. Raises Unauthenticated when they may no longer."""
    user = await db.fetch_one("select * from auth_user_by_email($1)", caller.email)
    if user is None or not user["is_active"] or UUID(str(user["id"])) != caller.user_id:
        raise Unauthenticated("This account is not active any more.")
    memberships = await _memberships(db, user["id"])
    try:
        tenant = _chosen(memberships, str(caller.tenant_id))
    except NoMembership as error:
        raise Unauthenticated("This account does not belong to that tenant any more.") from error
    return Person(
        caller.user_id, caller.email, user["full_name"], memberships, tenant, list(caller.tenant_ids)
    )


async def _memberships(db: Any, user_id: UUID) -> list[Membership]:
    rows = await db.fetch("select * from auth_memberships($1)", user_id)
    return [{**row, "tenant_id": str(row["tenant_id"])} for row in rows]


def _chosen(memberships: list[Membership], tenant: str | None) -> Membership:
    for membership in memberships:
        if tenant is None or tenant in (membership["slug"], membership["tenant_id"]):
            return membership
    raise NoMembership

"""The person behind a log-in, as the database knows them now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from serve.identity.auth.errors import NoMembership
from serve.kernel.caller import Caller
from serve.kernel.db import Record, Transaction
from serve.kernel.errors import Unauthenticated

Membership = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Person:
    """A user with all memberships and the one at work."""

    user_id: UUID
    email: str
    full_name: str
    memberships: list[Membership]
    tenant: Membership

    @property
    def tenant_id(self) -> UUID:
        return UUID(self.tenant["tenant_id"])

    def user(self) -> dict[str, Any]:
        return {"id": str(self.user_id), "email": self.email, "full_name": self.full_name}


async def active_user(db: Transaction, user_id: UUID) -> Record:
    """The account with its hash. Raises Unauthenticated when it is gone or switched off."""
    user = await db.fetch_one("select * from auth_user($1)", user_id)
    if user is None or not user["is_active"]:
        raise Unauthenticated("This account is not active any more.")
    return user


async def account_of(db: Transaction, email: str) -> Record | None:
    """The account that has this address. Mail to it goes to the address that is stored, never to the one that was sent.

    The database takes more letters for the same than mail does, such as a capital I with a dot for an i: whoever owns
    such a look-alike of a domain would read what is somebody else's. So who differs in Python is nobody.
    """
    user = await db.fetch_one("select u.* from auth_user_by_email($1) known, auth_user(known.id) u", email)
    return user if user is not None and user["email"].lower() == email.lower() else None


async def person_for(db: Transaction, user_id: UUID, tenant: str | None, role: str | None = None) -> Person:
    """The person at work for that tenant (slug or id), or for the first one; with ``role``, where they have it.

    Raises Unauthenticated or NoMembership.
    """
    user = await active_user(db, user_id)
    rows = await db.fetch("select * from auth_memberships($1)", user_id)
    memberships = [{**row, "tenant_id": str(row["tenant_id"])} for row in rows if role in (None, row["role"])]
    return Person(user_id, user["email"], user["full_name"], memberships, _chosen(memberships, tenant))


async def still_at_work(db: Transaction, user_id: UUID, tenant_id: UUID) -> Person:
    """The person at work for the tenant of a session. Raises Unauthenticated when they no longer may."""
    try:
        return await person_for(db, user_id, str(tenant_id))
    except NoMembership as error:
        raise Unauthenticated("This account does not belong to that tenant any more.") from error


async def who(db: Transaction, caller: Caller) -> Person:
    """The person behind a token or key. Raises Unauthenticated."""
    return await still_at_work(db, caller.user_id, caller.tenant_id)


_AVATAR = """
    select id from files
    where tenant_id = $1 and purpose = 'avatar' and entity_type = 'user' and entity_id = $2 and deleted_at is null
"""


async def profile_of(db: Transaction, user_id: UUID) -> dict[str, Any]:
    """What the person says of themselves, with the picture that they have in the caller's tenant."""
    row = await db.fetch_one("select * from auth_profile($1)", user_id)
    assert row is not None
    picture = await db.fetch_one(_AVATAR, db.caller.tenant_id, user_id)
    avatar = picture and {"file_id": picture["id"], "url": f"/api/v1/files/{picture['id']}/download"}
    return {**row, "avatar": avatar}


async def readable_tenants(db: Transaction, tenant_id: UUID) -> list[UUID]:
    """The tenant and, for an umbrella, its children."""
    return [UUID(row["id"]) for row in await db.fetch("select auth_readable_tenants($1) as id", tenant_id)]


def _chosen(memberships: Sequence[Membership], tenant: str | None) -> Membership:
    for membership in memberships:
        if tenant is None or tenant in (membership["slug"], membership["tenant_id"]):
            return membership
    raise NoMembership

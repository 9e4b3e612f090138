"""Whose look it is: the caller's own tenant, or a child of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import UUID

from serve.identity.branding.errors import ClientNotFound
from serve.kernel.db import Transaction

_FOUND = """
    select id, slug, name from tenants
    where (id::text = $1 or slug = $1) and (id = $2 or parent_id = $2)
"""


@dataclass(frozen=True, slots=True)
class Client:
    """A tenant that the caller may dress; ``db`` acts for it alone."""

    db: Transaction
    tenant_id: UUID
    slug: str
    name: str

    def meta(self) -> dict[str, str]:
        return {"client_id": str(self.tenant_id), "slug": self.slug}


@asynccontextmanager
async def client(db: Transaction, asked: str | None) -> AsyncIterator[Client]:
    """The client of that id or slug. Its own history names who has done what, whoever that works for.

    Raises ClientNotFound, for a stranger's as for one that is nowhere. Nobody reaches a child that is not theirs: the
    database knows the parent, and asks nothing but that.
    """
    own_id = db.caller.tenant_id
    found = await db.fetch_one(_FOUND, (asked or str(own_id)).lower(), own_id)
    if found is None:
        raise ClientNotFound
    tenant_id = UUID(found["id"])
    async with db.at_work_for(tenant_id) as inner:
        yield Client(inner, tenant_id, found["slug"], found["name"])

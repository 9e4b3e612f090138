"""The first owner of a child, who is invited by its umbrella. Until then the child stands still."""

from __future__ import annotations

from uuid import UUID

from serve.identity.invitations.service import invite_first_owner
from serve.identity.tenants import service
from serve.identity.tenants.errors import HasOwner, TenantNotFound
from serve.identity.tenants.schemas import ChildFields, FirstOwner
from serve.identity.users.service import admit
from serve.kernel.db import Transaction
from serve.kernel.events import event
from serve.kernel.resources import Row

event(
    "tenant.awaits_owner",
    "The tenant stands still until its first owner has come.",
    permission="tenants:read",
)
event("tenant.owner_arrived", "The first owner has come: the tenant goes on.", permission="tenants:read")


async def make_child(db: Transaction, asked: ChildFields, link: str) -> Row:
    """A child of the caller's tenant. Raises NoUmbrella, Invalid or Duplicate."""
    child = await service.make_child(db, asked)
    if asked.first_owner is None:
        return child
    tenant_id = UUID(child["id"])
    await db.execute("select await_owner($1)", tenant_id)
    if asked.has_seat:
        async with db.at_work_for(tenant_id) as there:
            await admit(there, db.caller.user_id, "admin")
    return await invite(db, tenant_id, asked.first_owner, link)


async def invite(db: Transaction, tenant_id: UUID, asked: FirstOwner, link: str) -> Row:
    """The invitations of before open nothing any more. Raises TenantNotFound or HasOwner."""
    child = await service.get(db, tenant_id)
    if tenant_id == db.caller.tenant_id:
        raise TenantNotFound
    umbrella = await service.get(db, db.caller.tenant_id)
    async with db.at_work_for(tenant_id) as there:
        held = await there.fetch_one(
            "select awaiting_owner_since from tenants where id = $1 for no key update", tenant_id
        )
        if held is None or held["awaiting_owner_since"] is None or child["state"] == "closed":
            raise HasOwner
        await invite_first_owner(there, **asked.model_dump(), by=umbrella["name"], link=link)
    return await service.get(db, tenant_id)

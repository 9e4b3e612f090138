"""A tenant stands still, and goes on: by word of its umbrella, or of whoever runs the installation."""

from __future__ import annotations

from uuid import UUID

from serve.identity.tenants import service
from serve.identity.tenants.errors import NotYourChild, SuspendedByInstallation, TenantAtRest, TenantNotAtRest
from serve.kernel.db import Transaction
from serve.kernel.events import event
from serve.kernel.resources import Row
from serve.kernel.tasks.kinds import going_on

event("tenant.suspended", "The tenant stands still: `after` says why.", permission="tenants:read")
event("tenant.resumed", "The tenant goes on.", permission="tenants:read")


async def suspend(db: Transaction, tenant_id: UUID, reason: str) -> Row:
    """Raises TenantNotFound, NotYourChild or TenantAtRest."""
    await _child(db, tenant_id)
    if not await hold(db, tenant_id, reason):
        raise TenantAtRest
    return await service.get(db, tenant_id)


async def resume(db: Transaction, tenant_id: UUID) -> Row:
    """Raises TenantNotFound, NotYourChild, SuspendedByInstallation or TenantNotAtRest."""
    await _child(db, tenant_id)
    if not await let_go(db, tenant_id):
        if await db.fetch(
            "select 1 as found from own_tenants() t where t.id = $1 and t.suspended_by_installation",
            tenant_id,
        ):
            raise SuspendedByInstallation
        raise TenantNotAtRest
    return await service.get(db, tenant_id)


async def hold(db: Transaction, tenant_id: UUID | str, reason: str) -> bool:
    """Whether it went on until now. The database asks who says so."""
    done = await db.fetch_one("select suspend_tenant($1, $2, $3) as done", tenant_id, reason, going_on())
    return bool(done and done["done"])


async def let_go(db: Transaction, tenant_id: UUID | str) -> bool:
    """Whether it was suspended."""
    done = await db.fetch_one("select resume_tenant($1) as done", tenant_id)
    return bool(done and done["done"])


async def _child(db: Transaction, tenant_id: UUID) -> None:
    await service.get(db, tenant_id)
    if tenant_id == db.caller.tenant_id:
        raise NotYourChild

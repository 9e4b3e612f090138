"""How far a tenant has settled in: computed from its rows each time, so nobody ticks anything off."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from serve.identity.tenants import service
from serve.kernel.db import Transaction

STEPS = {
    "colleague": ("Somebody else belongs to the tenant.", "POST /api/v1/invitations"),
    "business_hours": ("It is said when the business is open.", "PUT /api/v1/settings/general"),
    "mail_server": ("Mail goes out by a server of its own.", "PUT /api/v1/settings/email"),
    "second_factor": (
        "Owners and admins, or everybody, must show a second factor.",
        "PUT /api/v1/settings/security",
    ),
    "logo": ("There is a logo.", "POST /api/v1/files/upload-logo"),
    "contact": ("There is a first contact.", "POST /api/v1/contacts"),
    "vehicle": ("There is a first vehicle.", "POST /api/v1/vehicles"),
}
"""What is looked for, and the call that does it."""
ONLY_OF = {"vehicle": ("fleet", "field_service")}
"""Steps that are for some kinds of tenants."""

_DONE = """
    select
        exists (select from tenant_members() m where m.tenant_id = $1 offset 1) as colleague,
        exists (
            select from settings s where s.tenant_id = $1 and s.category = 'general'
                and jsonb_array_length(coalesce(s.values -> 'business_hours', '[]')) > 0
        ) as business_hours,
        exists (
            select from settings s where s.tenant_id = $1 and s.category = 'email' and s.values ->> 'smtp_host' <> ''
        ) as mail_server,
        exists (
            select from settings s where s.tenant_id = $1 and s.category = 'security'
                and s.values ->> 'second_factor' in ('required', 'required_for_admins')
        ) as second_factor,
        exists (
            select from files f where f.tenant_id = $1 and f.purpose = 'logo' and f.deleted_at is null
        ) as logo,
        exists (select from contacts c where c.tenant_id = $1 and c.deleted_at is null) as contact,
        exists (select from vehicles v where v.tenant_id = $1 and v.deleted_at is null) as vehicle
"""


async def checklist(db: Transaction, tenant_id: UUID) -> dict[str, Any]:
    """Of the caller's own tenant. Raises TenantNotFound."""
    tenant = await service.own(db, tenant_id, lock=False)
    done = await db.fetch_one(_DONE, tenant_id)
    assert done is not None
    steps = [
        {"key": key, "title": title, "is_done": done[key], "call": call}
        for key, (title, call) in STEPS.items()
        if tenant["kind"] in ONLY_OF.get(key, (tenant["kind"],))
    ]
    return {"steps": steps, "done_count": sum(step["is_done"] for step in steps), "step_count": len(steps)}

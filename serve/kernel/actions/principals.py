"""Who acts when nobody has just sent a token: a person or a key by id, with what they may do at this moment.

Tasks and schedules keep ids alone; whoever was disabled, left the tenant or had their key revoked acts no more.
"""

from __future__ import annotations

from uuid import UUID

from serve.kernel.caller import NEVER_S, Caller
from serve.kernel.db import Database, Transaction
from serve.kernel.errors import Forbidden
from serve.kernel.permissions import permissions_of


class PrincipalGone(Forbidden):
    code, message = "PRINCIPAL_GONE", "Whoever this was to be done for may not do it any more."


async def principal_of(
    database: Database, tenant_id: UUID, *, user_id: UUID | None = None, api_key_id: UUID | None = None
) -> Caller:
    """Today's caller: the person's role, and the key's scopes as far as that role gives them.

    ``database`` is the service's own (``app.state.database``). One of both ids is enough; with both the key must be
    the person's. Raises PrincipalGone.
    """
    if api_key_id is None:
        if user_id is None:
            raise ValueError("a person or a key")
        async with database.transaction() as db:
            return await _person(db, tenant_id, user_id)
    async with database.transaction(_nobody(tenant_id)) as db:
        key = await db.fetch_one(
            "select user_id, scopes, expires_at from api_keys where id = $1 and tenant_id = $2"
            " and revoked_at is null and (expires_at is null or expires_at > now())",
            *(api_key_id, tenant_id),
        )
        if key is None or user_id not in (None, UUID(key["user_id"])):
            raise PrincipalGone("The API key does not work any more.")
        person = await _person(db, tenant_id, UUID(key["user_id"]))
    return Caller(
        user_id=person.user_id,
        email=person.email,
        tenant_id=tenant_id,
        role=person.role,
        permissions=person.permissions & frozenset(key["scopes"]),
        tenant_ids=person.tenant_ids,
        token_id=f"api_key:{api_key_id}",
        expires_at_s=int(key["expires_at"].timestamp()) if key["expires_at"] else NEVER_S,
        api_key_id=api_key_id,
    )


async def _person(db: Transaction, tenant_id: UUID, user_id: UUID) -> Caller:
    found = await db.fetch_one(
        "select u.email, m.role, role_permissions($1, m.role) as own_permissions,"
        " (select jsonb_agg(t) from auth_readable_tenants($1) t) as tenant_ids"
        " from auth_user($2) u, auth_memberships($2) m where u.is_active and m.tenant_id = $1",
        *(tenant_id, user_id),
    )
    if found is None:
        raise PrincipalGone("The person does not work for this tenant any more.")
    return Caller(
        user_id=user_id,
        email=found["email"],
        tenant_id=tenant_id,
        role=found["role"],
        permissions=permissions_of(found["role"], found["own_permissions"]),
        tenant_ids=tuple(UUID(each) for each in found["tenant_ids"]),
        token_id=f"user:{user_id}",
        expires_at_s=NEVER_S,
    )


def _nobody(tenant_id: UUID) -> Caller:
    """May look for the key in its tenant, and nothing else."""
    return Caller(
        user_id=UUID(int=0),
        email="",
        tenant_id=tenant_id,
        role="",
        permissions=frozenset(),
        tenant_ids=(tenant_id,),
        token_id="",
        expires_at_s=0,
    )

"""Which way of signing in a tenant takes: asked wherever a session is opened, carried on or moved."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from serve.identity.sso.errors import SsoOneTenant, SsoRequired
from serve.kernel.caller import BY_PROVIDER
from serve.kernel.db import Transaction


async def check_way(
    db: Transaction, user_id: UUID, tenant_id: UUID, methods: Collection[str], *, is_moved: bool
) -> None:
    """Raises SsoOneTenant for a session by a provider that moves to another tenant, whose provider said nothing.

    Raises SsoRequired for somebody who came by another way where the tenant takes only its provider's word.
    """
    if not BY_PROVIDER.isdisjoint(methods):
        if is_moved:
            raise SsoOneTenant
        return
    row = await db.fetch_one("select sso_demanded($1, $2) as is_demanded", user_id, tenant_id)
    if row is not None and row["is_demanded"]:
        raise SsoRequired

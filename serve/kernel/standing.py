"""Which tenants stand still, and which belong together, as this process knows it: a look costs nothing, so every call
is asked. The rows are followed (``serve/identity/tenants/watch.py``); what changes is known here within a second.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from uuid import UUID

from serve.kernel.caller import Caller
from serve.kernel.errors import Forbidden

ACTIVE = "active"


class TenantSuspended(Forbidden):
    """It is suspended, or being closed. Its people can still log out, see their account and take the data along."""

    code = "TENANT_SUSPENDED"
    message = "This tenant stands still. You can see your account, fetch an export of the data, and log out."


class Standings:
    """``open_calls`` are the operations that go on although a tenant stands still."""

    def __init__(self, open_calls: Collection[str] = ()) -> None:
        self._open = frozenset(open_calls)
        self._held: set[UUID] = set()
        self._parents: dict[UUID, UUID | None] = {}

    def put(self, tenant_id: UUID, parent_id: UUID | None, state: str) -> None:
        """What is stored of the tenant now."""
        self._parents[tenant_id] = parent_id
        if state == ACTIVE:
            self._held.discard(tenant_id)
        else:
            self._held.add(tenant_id)

    def is_held(self, tenant_id: UUID) -> bool:
        return tenant_id in self._held

    def check(self, caller: Caller, call: str = "") -> None:
        """Raises TenantSuspended, unless ``call`` (``GET /api/v1/auth/me``) goes on."""
        if caller.tenant_id in self._held and call not in self._open:
            raise TenantSuspended

    def within(self, caller: Caller) -> Caller:
        """The caller, who reads no tenant any more that has left the umbrella since the token was given."""
        if len(caller.tenant_ids) == 1:
            return caller
        own = caller.tenant_id
        kept = tuple(each for each in caller.tenant_ids if each == own or self._parents.get(each, own) == own)
        return caller if kept == caller.tenant_ids else replace(caller, tenant_ids=kept)

"""Whose API key a request carries: asked of the database, remembered for half a minute."""

from __future__ import annotations

import re
import time
from collections import OrderedDict
from collections.abc import Callable
from hashlib import sha256
from typing import Any
from uuid import UUID

from serve.kernel.caller import NEVER_S, Caller
from serve.kernel.db import Database
from serve.kernel.errors import Unauthenticated
from serve.kernel.permissions import permissions_of

CACHE_S = 30.0
CACHE_SIZE = 10_000
_FORM = re.compile(r"tl_[A-Za-z0-9]{8}_[A-Za-z0-9_-]{43}")
_ASK = (
    "select k.*, (select jsonb_agg(t) from auth_readable_tenants(k.tenant_id) t) as tenant_ids,"
    " role_permissions(k.tenant_id, k.role) as own_permissions from auth_api_key($1) k"
)


class KeyRing:
    """Verifies keys. Only good ones are remembered, by their hash.

    What is changed or revoked in this process counts at once (``forget``), in others when they hear of it.
    """

    def __init__(
        self,
        database: Database,
        *,
        clock: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self._database, self._clock, self._wall_clock = database, clock, wall_clock
        self._seen: OrderedDict[bytes, tuple[Caller, float]] = OrderedDict()
        self._forgotten: dict[UUID, float] = {}
        self._taken_back_count = 0

    async def verify(self, key: str) -> Caller:
        """The caller behind the key: its scopes, as far as the person's role gives them today.

        Raises Unauthenticated.
        """
        if not _FORM.fullmatch(key):
            raise _refused()
        digest, asked_at = sha256(key.encode()).digest(), self._clock()
        known = self._seen.get(digest)
        if known is not None and self._still_counts(*known):
            caller = known[0]
        else:
            taken_back_count = self._taken_back_count
            caller = await self._ask(digest)
            if taken_back_count == self._taken_back_count:  # else it may be of before, and would outlive it
                self._remember(digest, caller, asked_at)
        if caller.expires_at_s <= self._wall_clock():
            raise _refused()
        return caller

    def forget(self, api_key_id: UUID) -> None:
        """The key was changed, and the change is committed: what was read before counts no more."""
        now = self._clock()
        self._forgotten = {key: at for key, at in self._forgotten.items() if now - at < 2 * CACHE_S}
        self._forgotten[api_key_id] = now

    def forget_those_of(self, *, user_id: UUID | None, tenant_id: UUID | None, role: str | None) -> None:
        """The person (in that tenant, or all), or that role of the tenant, may do something else now."""
        self._taken_back_count += 1
        for digest, (caller, _) in list(self._seen.items()):
            is_persons = user_id == caller.user_id and tenant_id in (None, caller.tenant_id)
            if is_persons or (role == caller.role and tenant_id == caller.tenant_id):
                del self._seen[digest]

    def _remember(self, digest: bytes, caller: Caller, asked_at: float) -> None:
        self._seen[digest] = (caller, asked_at)
        self._seen.move_to_end(digest)
        if len(self._seen) > CACHE_SIZE:
            self._seen.popitem(last=False)

    def _still_counts(self, caller: Caller, asked_at: float) -> bool:
        assert caller.api_key_id is not None
        changed_at = self._forgotten.get(caller.api_key_id)
        return self._clock() - asked_at < CACHE_S and (changed_at is None or asked_at > changed_at)

    async def _ask(self, digest: bytes) -> Caller:
        async with self._database.connection() as connection:
            found = await connection.fetch(_ASK, digest)
        if not found:
            raise _refused()
        return _caller(dict(found[0]))


def _caller(row: dict[str, Any]) -> Caller:
    return Caller(
        user_id=UUID(row["user_id"]),
        email=row["email"],
        tenant_id=UUID(row["tenant_id"]),
        role=row["role"],
        permissions=permissions_of(row["role"], row["own_permissions"]) & frozenset(row["scopes"]),
        tenant_ids=tuple(UUID(each) for each in row["tenant_ids"]),
        token_id=f"api_key:{row['api_key_id']}",
        expires_at_s=int(row["expires_at"].timestamp()) if row["expires_at"] else NEVER_S,
        api_key_id=UUID(row["api_key_id"]),
    )


def _refused() -> Unauthenticated:
    return Unauthenticated("The API key is not valid, has expired or was revoked.")

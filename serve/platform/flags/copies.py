"""The flags of a tenant in the memory of a process, at most two seconds behind the database.

A copy is looked at again when it is asked for and older than a second: one small statement tells whether anything has
changed since. Nothing is read for tenants that ask for no flags. Without a database the last copy goes on.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from serve.kernel.caller import Caller
from serve.kernel.db import Database, Transaction, guarded
from serve.kernel.errors import Unavailable
from serve.platform.experiments.queries import beta_user_ids, running_experiments
from serve.platform.flags.rules import Condition, Context, Flag, conditions_of, flag_of

log = logging.getLogger("throughline.flags")

FRESH_S = 1.0
MOST_TENANTS = 10_000

# How many rows there are and the sum of their stamps: every change gives its row a stamp above all others, so with
# as many rows as before the sum is another one.
_VERSION = guarded(
    "select count(*) as row_count, coalesce(sum(v.change_xid), 0)::text as stamps from ("
    + " union all ".join(
        f"select change_xid from {table} where g.tenants is not null"
        for table in ("flags", "flag_segments", "experiments", "beta_users")
    )
    + ") v"
)
_FLAGS = "select * from flags where deleted_at is null"
_SEGMENTS = "select key, conditions from flag_segments where deleted_at is null"
_TENANT = "select slug, country from tenants where id = $1"


@dataclass(frozen=True, slots=True)
class TenantFlags:
    """Everything that decides who gets what in a tenant."""

    flags: Mapping[str, Flag]
    segments: Mapping[str, tuple[Condition, ...]]
    beta_user_ids: frozenset[str]
    slug: str
    country: str

    def context(
        self, user_id: UUID, email: str, role: str, attributes: Mapping[str, Any] | None = None
    ) -> Context:
        """A person of the tenant; ``attributes`` are what else is said of the person."""
        known = {
            "user_id": str(user_id),
            "email": email,
            "email_domain": email.rpartition("@")[2].lower(),
            "role": role,
            "is_beta": str(user_id) in self.beta_user_ids,
            "tenant": self.slug,
            "country": self.country,
        }
        return Context(str(user_id), {**(attributes or {}), **known}, self.segments)


@dataclass(slots=True)
class _Copy:
    flags: TenantFlags | None = None
    version: Any = None
    looked_at_s: float = float("-inf")
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class Copies:
    """The copies of one process."""

    def __init__(
        self, database: Database, *, fresh_s: float = FRESH_S, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._database, self._fresh_s, self._clock = database, fresh_s, clock
        self._copies: OrderedDict[UUID, _Copy] = OrderedDict()

    async def of(self, caller: Caller) -> TenantFlags:
        """The flags of the caller's tenant. Raises Unavailable when they were never read and cannot be."""
        copy = self._copies.get(caller.tenant_id)
        if copy is None:
            copy = self._copies[caller.tenant_id] = _Copy()
            if len(self._copies) > MOST_TENANTS:
                self._copies.popitem(last=False)
        if not self._is_fresh(copy):
            async with copy.lock:
                if not self._is_fresh(copy):
                    await self._look(copy, caller)
        assert copy.flags is not None
        return copy.flags

    def _is_fresh(self, copy: _Copy) -> bool:
        return self._clock() - copy.looked_at_s < self._fresh_s

    async def _look(self, copy: _Copy, caller: Caller) -> None:
        asked_at_s = self._clock()
        try:
            (row,) = await self._database.fetch_alone(_VERSION, str(caller.tenant_id))
            version = (row["row_count"], row["stamps"])
            if version != copy.version:
                # What is read now may be newer than the version: then the next look reads it once more.
                copy.flags, copy.version = await self._read(caller), version
                self._copies.move_to_end(caller.tenant_id)
        except Unavailable:
            if copy.flags is None:
                raise
            log.warning("the flags of tenant %s stay as they were: the database is away", caller.tenant_id)
        copy.looked_at_s = asked_at_s

    async def _read(self, caller: Caller) -> TenantFlags:
        alone = replace(caller, tenant_ids=(caller.tenant_id,))  # an umbrella's flags are not its children's
        async with self._database.transaction(alone) as db:
            return await read_flags(db)


async def read_flags(db: Transaction) -> TenantFlags:
    """As they are in the transaction, which reads the caller's own tenant alone."""
    experiments = await running_experiments(db)
    flags = [flag_of(row, experiments.get(row["id"])) for row in await db.fetch(_FLAGS)]
    tenant = await db.fetch_one(_TENANT, db.caller.tenant_id)
    assert tenant is not None
    return TenantFlags(
        flags={flag.key: flag for flag in flags},
        segments={row["key"]: conditions_of(row["conditions"]) for row in await db.fetch(_SEGMENTS)},
        beta_user_ids=await beta_user_ids(db),
        slug=tenant["slug"],
        country=tenant["country"],
    )

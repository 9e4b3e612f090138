"""What became of flags: how often each variant was given, and who saw it first when. Noted beside the requests.

A request never waits for it. When rows come faster than they can be written, the newest are dropped and counted; a
process that is killed loses those of the last second.
"""

from __future__ import annotations

import logging
import time
from collections import Counter, OrderedDict
from datetime import UTC, date, datetime
from uuid import UUID

from serve.kernel.caller import Caller
from serve.kernel.db import Database
from serve.kernel.errors import Unavailable
from serve.platform.flags.rules import Flag, Verdict

log = logging.getLogger("throughline.flags")

PAUSE_S = 1.0
MOST_WAITING = 50_000
MOST_KNOWN = 200_000
CLOSED = frozenset({"archived", "off", "not_started", "ended"})

# In one order, so that two processes never wait for each other.
_USES = """
    insert into flag_uses (tenant_id, flag_id, variant, used_on, use_count)
    select $1, * from unnest($2::uuid[], $3::text[], $4::date[], $5::bigint[]) as t (flag_id, variant, used_on, count)
    order by t.flag_id, t.variant, t.used_on
    on conflict (tenant_id, flag_id, used_on, variant) do update
        set use_count = flag_uses.use_count + excluded.use_count
"""
_EXPOSURES = """
    insert into flag_exposures (tenant_id, flag_id, experiment_id, subject, variant, first_seen_at)
    select $1, t.flag_id, t.experiment_id, t.subject, t.variant, to_timestamp(t.at_s)
    from unnest($2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::float8[])
        as t (flag_id, experiment_id, subject, variant, at_s)
    order by t.flag_id, t.experiment_id, t.subject, t.variant
    on conflict do nothing
"""

Use = tuple[str, str, date]
"""Flag, variant, day."""
Exposure = tuple[str, str | None, str, str]
"""Flag, experiment, subject, variant."""


class Sightings:
    """What one process has not written yet."""

    def __init__(self, *, most_waiting: int = MOST_WAITING) -> None:
        self._most_waiting = most_waiting
        self._tenants: dict[UUID, _OfTenant] = {}
        self._known: OrderedDict[Exposure, None] = OrderedDict()
        self._waiting_count = self.dropped_count = 0

    def note(self, caller: Caller, flag: Flag, verdict: Verdict, *, subject: str | None = None) -> None:
        """It was given; with a ``subject``, that one has seen it. Never fails and never waits."""
        if self._waiting_count >= self._most_waiting:
            self.dropped_count += 1
            return
        tenant = self._tenants.get(caller.tenant_id)
        if tenant is None:
            tenant = self._tenants[caller.tenant_id] = _OfTenant(caller)
        tenant.uses[flag.id, verdict.variant, datetime.now(UTC).date()] += 1
        self._waiting_count += 1
        if subject is None or verdict.reason in CLOSED:
            return
        exposure = (flag.id, verdict.experiment_id, subject, verdict.variant)
        if exposure not in self._known:
            self._known[exposure] = None
            if len(self._known) > MOST_KNOWN:
                self._known.popitem(last=False)
            tenant.exposures[exposure] = time.time()

    async def write(self, worker: Database) -> None:
        """Everything that waits, one transaction a tenant. Raises Unavailable: then it waits on."""
        taken, self._tenants, self._waiting_count = self._tenants, {}, 0
        while taken:
            tenant_id, tenant = next(iter(taken.items()))
            try:
                await tenant.write(worker)
            except Unavailable:
                for each_id, each in taken.items():
                    self._put_back(each_id, each)
                raise
            except Exception:
                log.exception("the use of flags of tenant %s is not noted", tenant_id)
                self.dropped_count += tenant.uses.total()
            del taken[tenant_id]

    async def close(self, worker: Database) -> None:
        try:
            await self.write(worker)
        except Unavailable:
            log.warning("%d uses of flags are not noted: the database is away", self._waiting_count)

    def _put_back(self, tenant_id: UUID, tenant: _OfTenant) -> None:
        newer = self._tenants.setdefault(tenant_id, tenant)
        if newer is not tenant:
            newer.uses += tenant.uses
            newer.exposures = tenant.exposures | newer.exposures
        self._waiting_count += tenant.uses.total()


class _OfTenant:
    """``caller`` is whoever was first; what is written says nothing of that person."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller
        self.uses: Counter[Use] = Counter()
        self.exposures: dict[Exposure, float] = {}

    async def write(self, worker: Database) -> None:
        tenant_id = self._caller.tenant_id
        async with worker.transaction(self._caller) as db:
            if self.uses:
                flags, variants, days = zip(*self.uses, strict=True)
                await db.execute(_USES, tenant_id, flags, variants, days, list(self.uses.values()))
            if self.exposures:
                columns = zip(*self.exposures, strict=True)
                await db.execute(_EXPOSURES, tenant_id, *columns, list(self.exposures.values()))

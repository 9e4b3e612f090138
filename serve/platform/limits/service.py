"""A tenant's own limits: stored in its rows, in force in every process within two seconds, told when reached."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from serve.kernel.db import Database, Transaction
from serve.kernel.errors import Unavailable
from serve.kernel.events import event
from serve.kernel.following import Followed
from serve.kernel.ratelimit import Limits, Pair, Rate, class_of
from serve.platform.limits.rules import COLUMNS, check_limits, in_force, is_own
from serve.platform.limits.schemas import LimitsChange

LOOK_S = 0.5
TELL_S = 10.0
REACHED = event(
    "rate_limit.reached",
    "Calls of the tenant were refused because they were too many: `after` says of which class, how many, and whether"
    " the whole tenant's limit did it. At most once an hour for each class.",
)
_OWN = f"select kind, {', '.join(COLUMNS)} from tenant_limits where tenant_id = $1"
_SET = f"""
    insert into tenant_limits (tenant_id, kind, {", ".join(COLUMNS)}) values ($1, $2, $3, $4, $5, $6)
    on conflict (tenant_id, kind) do update set {", ".join(f"{name} = excluded.{name}" for name in COLUMNS)}
    where ({", ".join(f"tenant_limits.{name}" for name in COLUMNS)})
        is distinct from ({", ".join(f"excluded.{name}" for name in COLUMNS)})
"""
_REFUSALS = """
    select r.*, m.full_name from (
        select method, user_id, count(*) as refused_count, max(requested_at) as last_at from api_requests
        where tenant_id = $1 and requested_at > now() - interval '1 hour' and status = 429
        group by method, user_id order by refused_count desc, last_at desc limit 100
    ) r
    left join (select distinct on (user_id) user_id, full_name from tenant_members() order by user_id) m
        on m.user_id = r.user_id
    order by r.refused_count desc, r.last_at desc
"""
_LOCK = "select pg_advisory_xact_lock(hashtextextended('rate limit of ' || $1, 0))"
_TELL = """
    insert into events (tenant_id, name, entity_type, after, actor_kind)
    select $1::uuid, $2::text, 'tenant_limit', $3::jsonb, 'platform'
    where not exists (
        select from events e
        where e.tenant_id = $1 and e.happened_at > now() - interval '1 hour' and e.name = $2
            and e.after ->> 'kind' = $3::jsonb ->> 'kind'
    )
"""


class Watch:
    """Keeps ``limits`` as the rows of all tenants say, and tells tenants that were refused."""

    def __init__(self, database: Database, worker: Database, limits: Limits) -> None:
        self._rows, self._worker, self._limits = Followed(database, "tenant_limits_since"), worker, limits

    async def look(self) -> None:
        """Take over what has changed since the last look."""
        for own in await self._rows.news():
            usual = self._limits.usual.get(own["kind"])
            if usual is not None:
                pair = in_force(own, usual) if is_own(own) else None
                self._limits.set_own(UUID(own["tenant_id"]), own["kind"], pair)

    async def tell(self) -> None:
        """An event for each tenant and class with refusals, unless there was one within the hour."""
        while self._limits.refusals:
            (tenant_id, kind), refused = self._limits.refusals.popitem()
            detail = {"kind": kind, "refused_count": refused.count, "is_tenants": refused.tenant_count > 0}
            try:
                async with self._worker.transaction(refused.caller) as db:
                    await db.execute(_LOCK, str(tenant_id))
                    await db.execute(_TELL, tenant_id, REACHED, detail)
            except Unavailable:
                self._limits.refusals.setdefault((tenant_id, kind), refused)
                raise


async def own_limits(db: Transaction) -> dict[str, Mapping[str, Any]]:
    """What the caller's tenant has set, by class."""
    return {row["kind"]: row for row in await db.fetch(_OWN, db.caller.tenant_id) if is_own(row)}


async def change(db: Transaction, asked: LimitsChange, limits: Limits) -> dict[str, Mapping[str, Any]]:
    """Set all of the tenant's own limits; what is not sent is gone. Raises LimitsInvalid."""
    sent = {kind: own for kind, own in asked.limits.model_dump().items() if own is not None}
    check_limits(sent, limits.usual)
    nothing = dict.fromkeys(COLUMNS)
    for kind in sorted({*sent, *await own_limits(db)}):
        values = sent.get(kind, nothing)
        await db.execute(_SET, db.caller.tenant_id, kind, *(values[name] for name in COLUMNS))
    return await own_limits(db)


async def shown(
    db: Transaction,
    limits: Limits,
    own: Mapping[str, Mapping[str, Any]],
    *,
    endpoint: str | None = None,
) -> dict[str, Any]:
    """The limits in force with what is used of them, and who was refused."""
    only = class_of(*endpoint.split(" ", 1)) if endpoint else None
    by_class: dict[str, Any] = dict.fromkeys(("read", "write", "export", "auth"))
    for kind, usual in limits.usual.items():
        if only in (None, kind):
            set_here = own.get(kind, dict.fromkeys(COLUMNS))
            by_class[kind] = await _class(db, limits, kind, in_force(set_here, usual), set_here)
    return {
        "endpoint": endpoint or "*",
        "limits": by_class,
        "burst": {kind: each and each["caller"]["burst"] for kind, each in by_class.items()},
        "refusals": [dict(row) for row in await db.fetch(_REFUSALS, db.caller.tenant_id)],
        "is_shared": limits.is_shared,
    }


async def _class(
    db: Transaction, limits: Limits, kind: str, pair: Pair, own: Mapping[str, Any]
) -> dict[str, Any]:
    debts_s = await limits.debts_s(db, kind, pair)
    most = {"caller": pair.tenant, "tenant": limits.usual[kind].tenant}
    return {
        whose: _rate(rate, debt_s, most[whose])
        | {"is_own": any(own[f"{whose}_{name}"] is not None for name in ("per_min", "burst"))}
        for whose, rate, debt_s in zip(("caller", "tenant"), pair, debts_s, strict=True)
    }


def _rate(rate: Rate, debt_s: float, most: Rate) -> dict[str, Any]:
    used = min(math.ceil(debt_s / rate.interval_s - 1e-6), rate.burst)
    return {
        "per_min": rate.per_min,
        "burst": rate.burst,
        "most_per_min": most.per_min,
        "most_burst": most.burst,
        "used": used,
        "remaining": rate.burst - used,
        "reset_s": math.ceil(debt_s),
    }

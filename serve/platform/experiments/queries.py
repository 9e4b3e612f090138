"""What flags need to know of experiments and beta users, and figures of both. Of the caller's own tenant alone."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from serve.kernel.db import Record, Transaction
from serve.platform.flags.rules import Experiment, conditions_of, variants_of

MOST_FEATURES = 1000
_RUNNING = """
    select id, flag_id, variants, conditions, percent from experiments
    where tenant_id = $1 and status = 'running' and deleted_at is null
"""
_EXPERIMENTS = """
    select e.id, e.name, e.status, e.primary_metric, e.variants, f.key as flag_key
    from experiments e join flags f on f.tenant_id = e.tenant_id and f.id = e.flag_id
    where e.tenant_id = $1 and e.deleted_at is null
        and case when $2::uuid[] is null then e.status <> 'draft' else e.id = any ($2) end
    order by e.started_at desc nulls last, e.id limit 100
"""
_EXPOSURES = """
    select experiment_id, variant, count(*) as exposed_count, min(first_seen_at) as first_at,
        max(first_seen_at) as last_at
    from flag_exposures
    where tenant_id = $1 and experiment_id is not null and ($2::uuid[] is null or experiment_id = any ($2))
    group by experiment_id, variant
"""
_FEATURES = """
    select f.id, f.key, f.name, f.kind, f.is_enabled, f.stale_because,
        (
            select coalesce(sum(u.use_count), 0)::bigint from flag_uses u
            where u.tenant_id = f.tenant_id and u.flag_id = f.id and u.used_on > current_date - 30
        ) as use_count,
        (
            select count(distinct x.subject) from flag_exposures x where x.tenant_id = f.tenant_id and x.flag_id = f.id
        ) as exposed_count,
        b.feedback_count, b.rating_mean
    from flags f
    cross join lateral (
        select count(*) as feedback_count, avg(b.rating)::double precision as rating_mean from flag_feedback b
        where b.tenant_id = f.tenant_id and b.flag_id = f.id
    ) b
    where f.tenant_id = $1 and f.deleted_at is null and f.archived_at is null
    order by f.key limit $2
"""
_BETA_USERS = """
    select b.user_id, m.full_name, m.role, b.source, b.created_at
    from beta_users b join tenant_members() m on m.tenant_id = b.tenant_id and m.user_id = b.user_id and m.is_active
    where b.tenant_id = $1 order by m.full_name, b.user_id limit $2
"""
_MEMBER = "select 1 from tenant_members() where tenant_id = $1 and user_id = $2 and is_active"
_ADD = """
    insert into beta_users (tenant_id, user_id, source) values ($1, $2, $3) on conflict (tenant_id, user_id) do nothing
"""


async def running_experiments(db: Transaction) -> dict[str, Experiment]:
    """Those at work, by the id of their flag."""
    return {
        row["flag_id"]: Experiment(
            row["id"], variants_of(row["variants"]), conditions_of(row["conditions"]), row["percent"]
        )
        for row in await db.fetch(_RUNNING, db.caller.tenant_id)
    }


async def runs_on(db: Transaction, flag_id: str) -> bool:
    return flag_id in await running_experiments(db)


async def experiments(db: Transaction, ids: Collection[str] | None) -> list[Record]:
    """These, or all that have ever run, with the keys of their flags; the newest first."""
    return await db.fetch(_EXPERIMENTS, db.caller.tenant_id, ids)


async def exposures(db: Transaction, ids: Collection[str] | None) -> list[Record]:
    return await db.fetch(_EXPOSURES, db.caller.tenant_id, ids)


async def features(db: Transaction) -> list[Record]:
    """The flags that are not in the archive, with what is known of their use."""
    return await db.fetch(_FEATURES, db.caller.tenant_id, MOST_FEATURES)


async def beta_users(db: Transaction) -> list[Record]:
    return await db.fetch(_BETA_USERS, db.caller.tenant_id, MOST_FEATURES)


async def beta_user_ids(db: Transaction) -> frozenset[str]:
    rows = await db.fetch("select user_id from beta_users where tenant_id = $1", db.caller.tenant_id)
    return frozenset(row["user_id"] for row in rows)


async def is_member(db: Transaction, user_id: UUID) -> bool:
    return await db.fetch_one(_MEMBER, db.caller.tenant_id, user_id) is not None


async def add_beta_user(db: Transaction, user_id: UUID, source: str) -> None:
    await db.execute(_ADD, db.caller.tenant_id, user_id, source)


async def remove_beta_user(db: Transaction, user_id: UUID) -> None:
    await db.execute(
        "delete from beta_users where tenant_id = $1 and user_id = $2", db.caller.tenant_id, user_id
    )

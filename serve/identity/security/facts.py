"""What the security page is made of, asked of the store."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from serve.identity.security.posture import Facts, Key, Person
from serve.kernel.db import Record, Transaction
from serve.platform.audit.queries import verified
from serve.platform.settings.categories import CATEGORIES
from serve.platform.settings.service import current

_PEOPLE = "select * from security_people()"
_FACTORS = """
    select p.user_id, f.totp_since is not null or f.passkey_count > 0 as has_second_factor
    from unnest($1::uuid[]) as p (user_id) cross join lateral auth_second_factors(p.user_id) f
"""
_KEYS = """
    select id, scopes, created_at, last_used_at, expires_at from api_keys
    where tenant_id = $1 and revoked_at is null and (expires_at is null or expires_at > now())
"""
_ATTEMPTS = """
    select happened_at::date as day, method, outcome, count(*)::integer as count from sign_ins
    where tenant_id = $1 and happened_at > now() - interval '30 days'
    group by 1, 2, 3 order by 1, 2, 3
"""
_REUSED = """
    select count(*)::integer as count from events
    where tenant_id = $1 and category = 'security' and name = 'refresh.reused'
        and happened_at > now() - interval '30 days'
"""
_THREATS = """
    select id from threats
    where tenant_id = $1 and acknowledged_at is null and severity in ('medium', 'high') and deleted_at is null
    order by last_at desc
"""
_LAST_CHECK = """
    select finished_at, outcome = 'held' as held from isolation_checks
    where tenant_id = $1 order by finished_at desc limit 1
"""
_POWER = """
    select
        (select count(*)::integer from elevations where tenant_id = $1 and created_at > now() - interval '30 days')
            as elevation_count,
        (select count(*)::integer from impersonations where tenant_id = $1 and created_at > now() - interval '30 days')
            as impersonation_count
"""


async def facts(db: Transaction, installation: Any) -> tuple[Facts, dict[str, Any]]:
    """What is judged, and what happened in the last 30 days."""
    tenant_id = db.caller.tenant_id
    attempts = await db.fetch(_ATTEMPTS, tenant_id)
    came_in = [row for row in attempts if row["outcome"] == "succeeded"]
    failed = [row for row in attempts if row["outcome"] == "failed"]
    seals, _ = await verified(db)
    last = await db.fetch_one(_LAST_CHECK, tenant_id)
    keys = await db.fetch(_KEYS, tenant_id)
    found = Facts(
        now=datetime.now(UTC),
        people=await _people(db),
        keys=[_key(row) for row in keys],
        settings=(await current(db, [CATEGORIES["security"]]))["security"].values,
        installation=installation,
        came_in_count=sum(row["count"] for row in came_in),
        failed_count=sum(row["count"] for row in failed),
        reused_count=await _count(db, _REUSED),
        open_threats=[UUID(row["id"]) for row in await db.fetch(_THREATS, tenant_id)],
        broken_seals=sum(not seal["holds"] for seal in seals),
        sealed_batches=len(seals),
        last_check=(last["finished_at"], last["held"]) if last else None,
    )
    power = await db.fetch_one(_POWER, tenant_id)
    assert power is not None
    methods: dict[str, int] = {}
    for row in came_in:
        methods[row["method"]] = methods.get(row["method"], 0) + row["count"]
    by_sso = sum(count for method, count in methods.items() if method in ("oidc", "saml"))
    activity = {
        **power,
        "came_in_count": found.came_in_count,
        "failed_count": found.failed_count,
        "failed_by_day": _by_day(failed),
        "by_method": [{"method": method, "count": count} for method, count in sorted(methods.items())],
        "sso_share": by_sso / found.came_in_count if found.came_in_count else None,
    }
    return found, activity


async def _people(db: Transaction) -> list[Person]:
    rows = [row for row in await db.fetch(_PEOPLE) if row["is_active"]]
    asked = await db.fetch(_FACTORS, [row["user_id"] for row in rows])
    factors = {row["user_id"]: row["has_second_factor"] for row in asked}
    return [
        Person(
            UUID(row["user_id"]),
            *(row[name] for name in ("role", "member_since", "last_came_at", "open_session_count")),
            has_second_factor=factors[row["user_id"]],
        )
        for row in rows
    ]


def _key(row: Record) -> Key:
    stamps = (row[name] for name in ("created_at", "last_used_at", "expires_at"))
    return Key(UUID(row["id"]), frozenset(row["scopes"]), *stamps)


async def _count(db: Transaction, sql: str) -> int:
    row = await db.fetch_one(sql, db.caller.tenant_id)
    assert row is not None
    count: int = row["count"]
    return count


def _by_day(rows: list[Record]) -> list[dict[str, Any]]:
    found: dict[Any, int] = {}
    for row in rows:
        found[row["day"]] = found.get(row["day"], 0) + row["count"]
    return [{"day": day, "count": count} for day, count in found.items()]

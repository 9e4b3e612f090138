"""The audit log: events, newest first, with the names of who did them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

from serve.kernel.db import Record, Transaction
from serve.platform.audit.schemas import PeriodQuery, SecurityQuery
from serve.platform.events.queries import COLUMNS, OF_EACH_TENANT

EXACT_UNTIL = 10_000

# A key acts for the person that it belongs to.
_NAMED = """
    left join api_keys k on n.actor_kind = 'api_key' and k.id = n.actor_id
    left join (select distinct on (user_id) user_id, full_name, email, role from tenant_members() order by user_id) m
        on m.user_id = coalesce(k.user_id, n.actor_id)
"""

_ACTORS = "array(select $1::uuid union all select k.id from api_keys k where k.user_id = $1)"

_PEOPLE = f"""
    select n.actor_id as user_id, m.full_name, m.email, m.role, n.action_count, n.by_name, n.last_seen_at,
        count(*) over () as total
    from (
        select a.user_id as actor_id, 'user' as actor_kind, sum(a.times)::bigint as action_count,
            jsonb_object_agg(a.name, a.times) as by_name, max(a.last_at) as last_seen_at
        from (
            select coalesce(k.user_id, e.actor_id) as user_id, e.name, count(*) as times, max(e.happened_at) as last_at
            from events e left join api_keys k on e.actor_kind = 'api_key' and k.id = e.actor_id
            where e.actor_kind in ('user', 'api_key') and e.actor_id is not null
                and e.happened_at >= $1::date and e.happened_at < $2::date + 1
            group by 1, 2
        ) a
        group by a.user_id
    ) n {_NAMED}
    order by n.last_seen_at desc, n.actor_id
    limit $3 offset $4
"""

_VERIFIED = """
    select v.*, encode(v.hash, 'hex') as hash_hex from verify_seals() v order by v.number
"""

_UNSEALED = """
    select count(*) as unsealed_count from events e
    where e.tenant_id = current_setting('app.tenant_id')::uuid
        and (e.change_xid, e.position) > (
            select coalesce(max(s.until_xid), -9223372036854775808), coalesce(max(s.until_position), 0)
            from (
                select s.until_xid, s.until_position from event_seals s
                where s.tenant_id = current_setting('app.tenant_id')::uuid
                order by s.number desc limit 1
            ) s
        )
"""


class Conditions:
    """What an entry must be, as SQL with bound values."""

    def __init__(self) -> None:
        self.sql: list[str] = []
        self.values: list[Any] = []

    def add(self, sql: str, value: Any) -> None:
        """``sql`` names its value ``$1``, which becomes the next number; nothing asked adds nothing."""
        if value is not None:
            self.values.append(value)
            self.sql.append(sql.replace("$1", f"${len(self.values)}"))


def conditions(
    asked: PeriodQuery, *, actor_id: UUID | None = None, categories: Sequence[str] | None
) -> Conditions:
    """What the query asks for; ``categories`` are words of ours, so that the planner knows the index for them."""
    found = Conditions()
    if categories is not None:
        found.sql.append(f"e.category in ({', '.join(repr(str(word)) for word in categories)})")
    if isinstance(asked, SecurityQuery):
        actor_id = asked.actor_id
        found.add("e.entity_type = any ($1::text[])", asked.entity_type)
        found.add("e.entity_id = $1", asked.entity_id)
        found.add("e.name = any ($1::text[])", asked.name)
        found.add("e.request_id = $1", asked.request_id)
    found.add(f"e.actor_id = any ({_ACTORS})", actor_id)
    found.add("e.happened_at >= $1::date", asked.date_start)
    found.add("e.happened_at < $1::date + 1", asked.date_end)
    return found


async def entries(
    db: Transaction, where: Conditions, window: tuple[int, int]
) -> tuple[list[Record], int, bool]:
    """A page, how many there are, and whether there may be more than that."""
    limit, offset = window
    all_of = " and ".join(where.sql) or "true"
    place = len(where.values) + 1
    rows = await db.fetch(
        f"""
        select n.*, m.full_name as actor_name
        from (
            select n.* {OF_EACH_TENANT} (
                select {COLUMNS}, e.position from events e where e.tenant_id = t.id and {all_of}
                order by e.happened_at desc, e.position desc
                limit ${place}::bigint + ${place + 1}::bigint
            ) n
            order by n.happened_at desc, n.position desc
            limit ${place}::bigint offset ${place + 1}::bigint
        ) n {_NAMED}
        order by n.happened_at desc, n.position desc
        """,
        *(*where.values, limit, offset),
    )
    counted = await db.fetch_one(
        f"select count(*) as total from (select from events e where {all_of} limit {EXACT_UNTIL + 1}) c",
        *where.values,
    )
    assert counted is not None
    return rows, min(counted["total"], EXACT_UNTIL), counted["total"] > EXACT_UNTIL


async def people(db: Transaction, first: date, last: date, window: tuple[int, int]) -> list[Record]:
    """Who did something between these days, the latest first; every record has the ``total``."""
    return await db.fetch(_PEOPLE, first, last, *window)


async def verified(db: Transaction) -> tuple[list[Record], int]:
    """Every seal of the caller's tenant, checked, and how many events are in none."""
    unsealed = await db.fetch_one(_UNSEALED)
    assert unsealed is not None
    return await db.fetch(_VERIFIED), unsealed["unsealed_count"]

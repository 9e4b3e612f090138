"""Accounts above and below an account. A deleted one ends its branch: what stands below it stands alone meanwhile."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from serve.crm.accounts.rules import MOST_LEVELS
from serve.kernel.db import Transaction

MOST_SHOWN = 1000

_PLACE = """
    a.id, a.parent_id, a.name, a.kind, a.segment, a.status,
    (select count(*) from accounts c where c.tenant_id = a.tenant_id and c.parent_id = a.id and c.deleted_at is null)
        as child_count
"""
_ABOVE = f"""
    with recursive above as (
        select a.tenant_id, a.id, a.parent_id, 0 as level from accounts a where a.id = $1 and a.deleted_at is null
        union all
        select a.tenant_id, a.id, a.parent_id, b.level - 1 from above b
        join accounts a on a.tenant_id = b.tenant_id and a.id = b.parent_id and a.deleted_at is null
        where b.level > -{MOST_LEVELS}
    )
    select {_PLACE}, b.level from above b join accounts a on a.id = b.id order by b.level
"""
# In order of the path, so that each account is followed by its own; all are counted, some are shown.
_BELOW = f"""
    with recursive below as (
        select a.tenant_id, a.id, 1 as level, array[lower(a.name) || a.id::text] as path
        from accounts a join accounts t on t.tenant_id = a.tenant_id and t.id = a.parent_id
        where t.id = $1 and a.deleted_at is null
        union all
        select a.tenant_id, a.id, b.level + 1, b.path || (lower(a.name) || a.id::text)
        from below b join accounts a on a.tenant_id = b.tenant_id and a.parent_id = b.id and a.deleted_at is null
        where b.level < {MOST_LEVELS}
    )
    select {_PLACE}, b.level, n.total from (select count(*) as total from below) n
    cross join lateral (select * from below where level <= $2 order by path limit {MOST_SHOWN}) b
    join accounts a on a.id = b.id order by b.path
"""
_IDS = """
    with recursive below as (
        select a.tenant_id, a.id from accounts a where a.id = $1 and a.deleted_at is null
        union
        select a.tenant_id, a.id from below b
        join accounts a on a.tenant_id = b.tenant_id and a.parent_id = b.id and a.deleted_at is null
    )
    select id from below
"""
_IS_BELOW = """
    with recursive above as (
        select a.tenant_id, a.parent_id from accounts a where a.id = $1
        union
        select a.tenant_id, a.parent_id from above b join accounts a on a.tenant_id = b.tenant_id and a.id = b.parent_id
    )
    select 1 from above where parent_id = $2
"""


async def tree_of(db: Transaction, account_id: UUID, *, most_levels: int) -> dict[str, Any] | None:
    """The account with those above and below it, down to so many levels; None when there is no such account."""
    above = [dict(row) for row in await db.fetch(_ABOVE, account_id)]
    if not above:
        return None
    below = [dict(row) for row in await db.fetch(_BELOW, account_id, most_levels)]
    totals = [row.pop("total") for row in below]
    return {
        "account": above[-1],
        "ancestors": above[:-1],
        "descendants": below,
        "descendant_count": totals[0] if totals else 0,
    }


async def with_all_below(db: Transaction, account_id: UUID) -> list[str]:
    """The account's id first, then those of all accounts below it; none when there is no such account."""
    return [row["id"] for row in await db.fetch(_IDS, account_id)]


async def is_below(db: Transaction, one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether an account stands below the other, deleted ones between them or not."""
    return bool(await db.fetch(_IS_BELOW, one["id"], other["id"]))

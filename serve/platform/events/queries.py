"""The change feed: events in the order of their transactions, and only those that no earlier one can come before.

Each tenant's events are read along the index that has this order, then merged.
"""

from __future__ import annotations

from typing import Any

from serve.kernel.db import Record, Transaction

COLUMNS = """e.id, e.tenant_id, e.name, e.category, e.entity_type, e.entity_id, e.before, e.after,
    e.actor_kind, e.actor_id, e.request_id, e.cause_id, e.happened_at"""

OF_EACH_TENANT = """
    from unnest(string_to_array(current_setting('app.tenant_ids'), ',')::uuid[]) t (id)
    cross join lateral
"""

_PLACE = "select change_xid, position from events where id = $1"

_NEWEST_SETTLED = f"""
    select n.id, n.change_xid, n.position {OF_EACH_TENANT} (
        select e.id, e.change_xid, e.position from events e
        where e.tenant_id = t.id and e.change_xid < pg_snapshot_xmin(pg_current_snapshot())::text::bigint
        order by e.change_xid desc, e.position desc
        limit 1
    ) n
    order by n.change_xid desc, n.position desc
    limit 1
"""

_BETWEEN = f"""
    select n.* {OF_EACH_TENANT} (
        select {COLUMNS}, e.change_xid, e.position from events e
        where e.tenant_id = t.id
            and (e.change_xid, e.position) > ($1, $2) and (e.change_xid, e.position) <= ($3, $4)
            and e.category = any ($5) and ($6::text[] is null or e.entity_type = any ($6))
            and ($7::text[] is null or e.name = any ($7))
        order by e.change_xid, e.position
        limit $8
    ) n
    order by n.change_xid, n.position
    limit $8
"""

BEGINNING = (-(2**63), 0)


async def place(db: Transaction, event_id: Any) -> tuple[int, int] | None:
    """Where an event stands in the feed; None when there is no such event."""
    record = await db.fetch_one(_PLACE, event_id)
    return None if record is None else (record["change_xid"], record["position"])


async def newest_settled(db: Transaction) -> Record | None:
    """The last event of the feed as it is now."""
    return await db.fetch_one(_NEWEST_SETTLED)


async def between(
    db: Transaction,
    after: tuple[int, int],
    until: tuple[int, int],
    *,
    categories: list[str],
    entity_types: list[str] | None,
    names: list[str] | None,
    limit: int,
) -> list[Record]:
    """Events behind ``after`` up to ``until``, in order."""
    return await db.fetch(_BETWEEN, *after, *until, categories, entity_types, names, limit)

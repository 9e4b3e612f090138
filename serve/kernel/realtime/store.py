"""What is asked of the store: the tail of the feed for the process, and what one listener has missed.

A horizon is the oldest transaction that still runs: everything below it has settled, so no earlier event can appear.
Every statement gives the horizon of the very snapshot in which it looks.
"""

from __future__ import annotations

from uuid import UUID

from serve.kernel.db import Connection, Record, Transaction
from serve.kernel.realtime.messages import Message, Place, below

BATCH = 200
BEGINNING: Place = (-(2**63), 0)

_COLUMNS = """e.id, e.tenant_id, e.name, e.entity_type, e.entity_id, e.after, e.actor_kind, e.actor_id,
    e.happened_at, e.change_xid, e.position"""
_HORIZON = "(select pg_snapshot_xmin(pg_current_snapshot())::text::bigint as horizon) h"

_TAIL = f"""
    select h.horizon, n.* from {_HORIZON} left join lateral (
        select {_COLUMNS} from events e
        where (e.change_xid, e.position) > ($1, $2) and e.change_xid < h.horizon
            and e.category = 'change' and e.tenant_id = any ($3::uuid[])
        order by e.change_xid, e.position
        limit {BATCH}
    ) n on true
    order by n.change_xid, n.position
"""
_OF_EACH_TENANT = (
    "from unnest(string_to_array(current_setting('app.tenant_ids'), ',')::uuid[]) t (id) cross join lateral"
)
_MISSED = f"""
    select h.horizon, n.* from {_HORIZON} left join lateral (
        select o.* {_OF_EACH_TENANT} (
            select {_COLUMNS} from events e
            where e.tenant_id = t.id and (e.change_xid, e.position) > ($1, $2) and e.change_xid < h.horizon
                and e.category = 'change'
            order by e.change_xid, e.position
            limit {BATCH}
        ) o
        order by o.change_xid, o.position
        limit {BATCH}
    ) n on true
    order by n.change_xid, n.position
"""
_NEWEST = f"""
    select h.horizon, n.id from {_HORIZON} left join lateral (
        select o.* {_OF_EACH_TENANT} (
            select e.id, e.change_xid, e.position from events e
            where e.tenant_id = t.id and e.change_xid < h.horizon
            order by e.change_xid desc, e.position desc
            limit 1
        ) o
        order by o.change_xid desc, o.position desc
        limit 1
    ) n on true
"""
_PLACE = "select change_xid, position from events where id = $1"


class Page:
    """Events behind a place in their order, and the place up to which nothing is left out."""

    def __init__(self, rows: list[Record]) -> None:
        self.horizon: int = rows[0]["horizon"]
        found = [row for row in rows if row["id"] is not None]
        self.messages = [Message(row, (row["change_xid"], row["position"])) for row in found]
        self.is_full = len(found) == BATCH
        last = self.messages[-1].place if self.is_full else None
        self.until: Place = last or below(self.horizon)


async def tail(connection: Connection, after: Place, tenants: list[str]) -> Page:
    """Of these tenants, as the role that sees all of them."""
    return Page(await connection.fetch(_TAIL, *after, tenants))


async def missed(db: Transaction, after: Place) -> Page:
    """Of the tenants that the transaction may read."""
    return Page(await db.fetch(_MISSED, *after))


async def now(db: Transaction) -> tuple[Place, str | None]:
    """The end of the feed as it is, and the id of its last event."""
    row = await db.fetch_one(_NEWEST)
    assert row is not None
    return below(row["horizon"]), row["id"]


async def place_of(db: Transaction, event_id: UUID) -> Place | None:
    """Where the event stands; None when the transaction may read no such event."""
    row = await db.fetch_one(_PLACE, event_id)
    return None if row is None else (row["change_xid"], row["position"])

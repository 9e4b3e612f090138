"""What the model looks at, computed from the rows of today.

The same columns by the same rules as ``transforms/models/features/leads.sql`` has for all leads in the warehouse; a
test runs both on the same rows. The warehouse looks no further than its data, here one looks up to now.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from serve.kernel.db import Transaction

KINDS = ("visit", "call", "email", "reply", "meeting")
NAMES = (
    *("source", "hour_of_day", "day_of_week", "reply_hours"),
    *(f"{kind}_count" for kind in KINDS),
    *("visit_duration_s", "cost_cents", "is_company"),
)
"""What is shown of the features. Attributes of a snapshot are looked at too; they stand on the lead."""

_COUNTS = ", ".join(f"count(*) filter (where a.kind = '{kind}') as {kind}_count" for kind in KINDS)
_SHOWN = ", ".join(f"c.{kind}_count" for kind in KINDS)
SQL = f"""
    with asked as (
        select l.*, l.snapshot_date is not null as is_snapshot,
            case
                when l.snapshot_date is not null then (l.snapshot_date + 1)::timestamp at time zone 'UTC'
                else least(l.created_at + interval '48 hours', $2::timestamptz)
            end as as_of_at
        from leads l
        where l.id = any ($1::uuid[])
            and l.tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid
    )
    select t.id as lead_id, t.as_of_at, t.source,
        case when not t.is_snapshot then extract(hour from t.created_at at time zone 'UTC')::int end as hour_of_day,
        case when not t.is_snapshot then extract(isodow from t.created_at at time zone 'UTC')::int end as day_of_week,
        case
            when t.first_replied_at < t.as_of_at
                then (extract(epoch from t.first_replied_at - t.created_at) * 1000000)::float8 / 3.6e9::float8
        end as reply_hours,
        {_SHOWN}, coalesce(c.visit_duration_s, 0) as visit_duration_s,
        t.cost_cents, t.company is not null as is_company,
        case when t.is_snapshot then t.attributes end as attributes,
        t.is_snapshot,
        case t.status when 'won' then true when 'lost' then false end as is_won,
        coalesce(t.won_at, t.lost_at) as closed_at,
        $2::timestamptz as known_until_at
    from asked t
    cross join lateral (
        select {_COUNTS}, sum(a.duration_s) filter (where a.kind = 'visit') as visit_duration_s
        from lead_activities a
        where a.tenant_id = t.tenant_id and a.lead_id = t.id and a.deleted_at is null
            and coalesce(a.happened_at < t.as_of_at, t.is_snapshot)
    ) c
    order by t.id
"""


async def features_of(
    db: Transaction, lead_ids: Sequence[str | UUID], known_until_at: datetime
) -> list[dict[str, Any]]:
    """One row for each of the tenant's leads among these, as it was 48 hours after it came or at ``known_until_at``."""
    return [dict(row) for row in await db.fetch(SQL, [str(each) for each in lead_ids], known_until_at)]

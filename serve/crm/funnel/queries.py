"""Leads of a period, counted."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from serve.crm.funnel.schemas import LeadsAsked
from serve.kernel.db import Record, Transaction

MOST_SOURCES = 100
# Those of a snapshot have no moment at which they came.
_CAME = """
    from leads l
    where l.created_at >= $1 and l.created_at < $2 and l.deleted_at is null and l.snapshot_date is null
        and ($3::text is null or l.source = $3) and ($4::uuid is null or l.owner_id = $4)
        and ($5::uuid is null or l.zone_id = $5) and ($6::uuid is null or l.campaign_id = $6)
        and ($7::text is null or l.country = $7)
"""
_FUNNEL = f"""
    with came as (
        select l.source, l.created_at, l.status, l.won_at,
            l.status in ('qualified', 'won') or l.qualified_at is not null as is_qualified,
            l.first_replied_at is not null or l.contacted_at is not null or l.qualified_at is not null
                or l.status in ('contacted', 'qualified', 'won') as is_contacted,
            greatest(least(l.contacted_at, l.first_replied_at), l.created_at) as contact_at,
            l.contacted_at is not null or l.first_replied_at is not null as has_contact,
            l.qualified_at
        {_CAME}
    )
    select source, grouping(source) = 1 as is_total,
        count(*) as came_count,
        count(*) filter (where is_contacted) as contacted_count,
        count(*) filter (where is_qualified) as qualified_count,
        count(*) filter (where status = 'won') as won_count,
        count(*) filter (where status = 'lost') as lost_count,
        percentile_cont(0.5) within group (order by extract(epoch from contact_at - created_at))
            filter (where has_contact) as median_contact_s,
        percentile_cont(0.5) within group (order by greatest(extract(epoch from qualified_at - contact_at), 0))
            filter (where has_contact and qualified_at is not null) as median_qualify_s,
        percentile_cont(0.5) within group (order by greatest(extract(epoch from won_at - created_at), 0))
            filter (where status = 'won' and won_at is not null) as median_win_s
    from came group by grouping sets ((), (source))
    order by is_total desc, came_count desc, source limit {MOST_SOURCES + 1}
"""
_REPLIES = f"""
    select count(*) as came_count, count(l.first_reply_s) as answered_count,
        count(*) filter (where l.first_reply_s <= $8) as in_time_count,
        count(*) filter (
            where l.first_reply_s is null and l.status in ('new', 'contacted', 'qualified')
                and l.created_at > $9::timestamptz - make_interval(secs => $8)
        ) as waiting_count,
        count(*) filter (
            where l.first_reply_s is null and l.status in ('new', 'contacted', 'qualified')
                and l.created_at <= $9::timestamptz - make_interval(secs => $8)
        ) as late_count,
        percentile_cont(0.5) within group (order by l.first_reply_s) as median_s,
        percentile_cont(0.9) within group (order by l.first_reply_s) as p90_s
    {_CAME}
"""
_EACH = f"""
    select l.created_at, l.first_replied_at, l.status in ('new', 'contacted', 'qualified') as is_open
    {_CAME} limit $8
"""


def _bound(asked: LeadsAsked, span: tuple[date, date]) -> tuple[Any, ...]:
    begin, end = (datetime.combine(day, time(), UTC) for day in (span[0], span[1] + timedelta(days=1)))
    return (begin, end, asked.source, asked.owner_id, asked.zone_id, asked.campaign_id, asked.country)


async def steps(db: Transaction, asked: LeadsAsked, span: tuple[date, date]) -> Sequence[Record]:
    """The whole first, then each source."""
    return await db.fetch(_FUNNEL, *_bound(asked, span))


async def replies(
    db: Transaction, asked: LeadsAsked, span: tuple[date, date], target_s: int, now: datetime
) -> Record:
    found = await db.fetch_one(_REPLIES, *_bound(asked, span), float(target_s), now)
    assert found is not None
    return found


async def each(db: Transaction, asked: LeadsAsked, span: tuple[date, date], most: int) -> Sequence[Record]:
    """When each came and was answered, of so many at most."""
    return await db.fetch(_EACH, *_bound(asked, span), most)

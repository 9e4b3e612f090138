"""Selling and customers, counted."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from serve.kernel.db import Record, Transaction

MOST_SELLERS = 100
BILLED = "i.status not in ('draft', 'void')"

_WON = """
    select l.owner_id, l.currency, count(*)::int as count, coalesce(sum(l.value_cents), 0)::bigint as cents
    from leads l where l.status = 'won' and l.won_at >= $1 and l.won_at < $2 and l.deleted_at is null
    group by l.owner_id, l.currency order by l.owner_id, l.currency
"""
_LOST = """
    select count(*)::int as count from leads l
    where l.status = 'lost' and l.lost_at >= $1 and l.lost_at < $2 and l.deleted_at is null
"""
_QUOTES = """
    select q.currency,
        (count(*) filter (where q.sent_at >= $1 and q.sent_at < $2))::int as sent_count,
        coalesce(sum(q.total_cents) filter (where q.sent_at >= $1 and q.sent_at < $2), 0)::bigint as sent_cents,
        (count(*) filter (where q.status = 'accepted' and q.decided_at >= $1 and q.decided_at < $2))::int
            as accepted_count,
        coalesce(sum(q.total_cents) filter (
            where q.status = 'accepted' and q.decided_at >= $1 and q.decided_at < $2
        ), 0)::bigint as accepted_cents,
        (count(*) filter (where q.status = 'declined' and q.decided_at >= $1 and q.decided_at < $2))::int
            as declined_count,
        coalesce(sum(q.total_cents) filter (
            where q.status = 'declined' and q.decided_at >= $1 and q.decided_at < $2
        ), 0)::bigint as declined_cents,
        (count(*) filter (where q.status = 'sent' and (q.expires_at is null or q.expires_at > now())))::int
            as open_count,
        coalesce(sum(q.total_cents) filter (
            where q.status = 'sent' and (q.expires_at is null or q.expires_at > now())
        ), 0)::bigint as open_cents
    from quotes q where q.deleted_at is null group by q.currency order by q.currency
"""
_BILLED = f"""
    select i.currency, count(*)::int as count, sum(i.net_cents)::bigint as cents from invoices i
    where i.issued_at >= $1 and i.issued_at < $2 and {BILLED} group by i.currency order by i.currency
"""
_PIPELINE = """
    select l.currency, count(*)::int as count, sum(l.value_cents)::bigint as cents,
        coalesce(sum(round(l.value_cents * l.score)), 0)::bigint as expected_cents,
        (count(*) filter (where l.score is null))::int as unscored_count
    from leads l
    where l.status in ('new', 'contacted', 'qualified') and l.value_cents is not null and l.deleted_at is null
    group by l.currency order by l.currency
"""
_ACCOUNTS = """
    select a.status, a.segment, count(*)::int as count,
        (count(*) filter (where a.created_at >= $1 and a.created_at < $2))::int as new_count,
        (count(*) filter (where a.churned_at >= $1 and a.churned_at < $2))::int as churned_count,
        (count(*) filter (where a.status = 'active' and a.churn_score >= 0.5))::int as high_risk_count,
        (count(*) filter (where a.status = 'active' and a.churn_score is null))::int as unscored_count
    from accounts a where a.deleted_at is null and ($3::text is null or a.segment = $3)
    group by a.status, a.segment order by a.status, a.segment
"""
_TICKETS = """
    select (count(*) filter (where t.opened_at >= $1 and t.opened_at < $2))::int as opened_count,
        (count(*) filter (where t.resolved_at >= $1 and t.resolved_at < $2))::int as resolved_count,
        (count(*) filter (where t.status in ('open', 'pending')))::int as open_count,
        (count(*) filter (where t.status in ('open', 'pending') and t.is_breached))::int as late_count
    from tickets t where t.deleted_at is null and t.merged_into_id is null
"""
_CONTACTS = "select count(*)::int as count from contacts c where c.deleted_at is null"
_CLIENTS = f"""
    with clients as (select id from accounts where segment = 'enterprise' and deleted_at is null)
    select
        (select count(*)::int from contacts t join clients c on c.id = t.account_id where t.deleted_at is null)
            as contact_count,
        (select count(*)::int from leads t join clients c on c.id = t.account_id
            where t.status in ('new', 'contacted', 'qualified') and t.deleted_at is null) as open_lead_count,
        (select count(*)::int from tickets t join clients c on c.id = t.account_id
            where t.status in ('open', 'pending') and t.deleted_at is null) as open_ticket_count,
        (select count(*)::int from jobs t join clients c on c.id = t.account_id
            where t.status not in ('completed', 'cancelled')) as open_job_count,
        (select coalesce(jsonb_agg(x), '[]') from (
            select q.currency, count(*) as count, sum(q.total_cents) as cents
            from quotes q join clients c on c.id = q.account_id
            where q.status = 'sent' and (q.expires_at is null or q.expires_at > now()) and q.deleted_at is null
            group by q.currency order by q.currency
        ) x) as quotes_open,
        (select coalesce(jsonb_agg(x), '[]') from (
            select i.currency, count(*) as count, sum(i.net_cents) as cents
            from invoices i join clients c on c.id = i.account_id
            where i.issued_at >= $1 and i.issued_at < $2 and {BILLED}
            group by i.currency order by i.currency
        ) x) as billed
"""

_OF_THESE = "account_id = any($1::uuid[])"
# Each table is gone through once, however many accounts there are.
_ACCOUNT = f"""
    select a.id as account_id, a.status, a.churn_score, a.churn_scored_at,
        coalesce(a.churn_reasons, '[]') as churn_reasons,
        coalesce(c.contact_count, 0) as contact_count, coalesce(l.open_lead_count, 0) as open_lead_count,
        coalesce(q.open_quote_count, 0) as open_quote_count, coalesce(j.open_job_count, 0) as open_job_count,
        j.last_job_at, coalesce(k.open_ticket_count, 0) as open_ticket_count,
        coalesce(k.late_ticket_count, 0) as late_ticket_count, k.last_ticket_at, n.last_invoice_at,
        coalesce(b.billed, '[]') as billed, coalesce(o.overdue, '[]') as overdue
    from accounts a
    left join (
        select t.account_id, count(*)::int as contact_count from contacts t
        where {_OF_THESE} and t.deleted_at is null group by t.account_id
    ) c on c.account_id = a.id
    left join (
        select t.account_id, count(*)::int as open_lead_count from leads t
        where {_OF_THESE} and t.status in ('new', 'contacted', 'qualified') and t.deleted_at is null
        group by t.account_id
    ) l on l.account_id = a.id
    left join (
        select t.account_id, count(*)::int as open_quote_count from quotes t
        where {_OF_THESE} and t.status = 'sent' and (t.expires_at is null or t.expires_at > now())
            and t.deleted_at is null
        group by t.account_id
    ) q on q.account_id = a.id
    left join (
        select t.account_id,
            (count(*) filter (where t.status not in ('completed', 'cancelled')))::int as open_job_count,
            max(t.requested_at) as last_job_at
        from jobs t where {_OF_THESE} group by t.account_id
    ) j on j.account_id = a.id
    left join (
        select t.account_id, (count(*) filter (where t.status in ('open', 'pending')))::int as open_ticket_count,
            (count(*) filter (where t.status in ('open', 'pending') and t.is_breached))::int as late_ticket_count,
            max(t.opened_at) as last_ticket_at
        from tickets t where {_OF_THESE} and t.deleted_at is null group by t.account_id
    ) k on k.account_id = a.id
    left join (
        select i.account_id, max(i.issued_at) as last_invoice_at from invoices i
        where {_OF_THESE} and {BILLED} group by i.account_id
    ) n on n.account_id = a.id
    left join (
        select x.account_id, jsonb_agg(to_jsonb(x) - 'account_id' order by x.currency) as billed from (
            select i.account_id, i.currency, count(*) as count, sum(i.net_cents) as cents from invoices i
            where {_OF_THESE} and i.issued_at >= $2 and i.issued_at < $3 and {BILLED}
            group by i.account_id, i.currency
        ) x group by x.account_id
    ) b on b.account_id = a.id
    left join (
        select x.account_id, jsonb_agg(to_jsonb(x) - 'account_id' order by x.currency) as overdue from (
            select i.account_id, i.currency, count(*) as count, sum(i.total_cents) as cents from invoices i
            where {_OF_THESE} and i.paid_at is null and not i.is_return
                and (i.status = 'overdue' or i.status = 'sent' and i.due_date < current_date)
            group by i.account_id, i.currency
        ) x group by x.account_id
    ) o on o.account_id = a.id
    where a.id = any($1::uuid[]) and a.deleted_at is null
"""

Moments = tuple[datetime, datetime]


def moments_of(span: tuple[date, date]) -> Moments:
    """From the first moment of the first UTC day to that after the last."""
    begin, end = (datetime.combine(day, time(), UTC) for day in (span[0], span[1] + timedelta(days=1)))
    return begin, end


async def won(db: Transaction, within: Moments) -> Sequence[Record]:
    return await db.fetch(_WON, *within)


async def lost_count(db: Transaction, within: Moments) -> int:
    (found,) = await db.fetch(_LOST, *within)
    return int(found["count"])


async def quotes(db: Transaction, within: Moments) -> Sequence[Record]:
    return await db.fetch(_QUOTES, *within)


async def billed(db: Transaction, within: Moments) -> Sequence[Record]:
    return await db.fetch(_BILLED, *within)


async def pipeline(db: Transaction) -> Sequence[Record]:
    return await db.fetch(_PIPELINE)


async def accounts(db: Transaction, within: Moments, segment: str | None = None) -> Sequence[Record]:
    """By status and segment."""
    return await db.fetch(_ACCOUNTS, *within, segment)


async def tickets(db: Transaction, within: Moments) -> dict[str, Any]:
    (found,) = await db.fetch(_TICKETS, *within)
    return dict(found)


async def contact_count(db: Transaction) -> int:
    (found,) = await db.fetch(_CONTACTS)
    return int(found["count"])


async def clients(db: Transaction, within: Moments) -> dict[str, Any]:
    """What hangs on the enterprise accounts."""
    (found,) = await db.fetch(_CLIENTS, *within)
    return dict(found)


async def of_accounts(
    db: Transaction, account_ids: Sequence[str], within: Moments
) -> dict[str, dict[str, Any]]:
    """What hangs on each of these accounts, by its id."""
    return {row["account_id"]: dict(row) for row in await db.fetch(_ACCOUNT, account_ids, *within)}

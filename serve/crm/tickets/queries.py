"""Statements about tickets that no resource generates."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from uuid import UUID

from serve.kernel.db import Record, Transaction
from serve.kernel.ids import uuid7

OWN = "nullif(current_setting('app.tenant_id', true), '')::uuid"
_ALONE = f"select pg_advisory_xact_lock(hashtextextended('ticket number of ' || {OWN}, 0))"
_NEXT = f"select coalesce(max(number), 0) + 1 as number from tickets where tenant_id = {OWN}"
_STATUS = f"""
    insert into ticket_status_changes (id, tenant_id, ticket_id, status, changed_at, changed_by)
    select $1, {OWN}, $2, $3, $4, case when a.kind = 'user' then a.id::uuid end from acting() a
"""
_LINKS = f"""
    select c.id is not null as has_contact, c.account_id as contact_account_id,
        j.id is not null as has_job, j.account_id as job_account_id, m.user_id is not null as has_assignee
    from (select 1) one
    left join contacts c on c.id = $1 and c.deleted_at is null and c.tenant_id = {OWN}
    left join jobs j on j.id = $2 and j.tenant_id = {OWN}
    left join tenant_members() m on m.user_id = $3 and m.tenant_id = {OWN} and m.is_active
"""


async def next_number(db: Transaction) -> int:
    """One after the other: whoever opens a ticket waits for who is just opening one for the same tenant."""
    await db.execute(_ALONE)
    found = await db.fetch_one(_NEXT)
    assert found is not None
    number: int = found["number"]
    return number


async def note_status(db: Transaction, ticket_id: UUID | str, status: str, at: datetime) -> None:
    await db.execute(_STATUS, uuid7(), ticket_id, status, at)


async def links(db: Transaction, wanted: Mapping[str, Any]) -> Record:
    """Whether the contact, the job and the assignee are there, and whose account they say it is."""
    found = await db.fetch_one(_LINKS, wanted["contact_id"], wanted["job_id"], wanted["assignee_id"])
    assert found is not None
    return found


_REPLIES = """
    from ticket_replies r
    left join contacts c on c.tenant_id = r.tenant_id and c.id = r.contact_id
    left join tenant_members() m on m.tenant_id = r.tenant_id and m.user_id = r.author_id
"""
_REPLY = """
    r.id, r.ticket_id, r.kind, r.author, r.author_id,
    case when r.author = 'contact' then c.full_name else m.full_name end as author_name,
    r.contact_id, r.body, r.mail_id, r.created_at
"""


async def reply(db: Transaction, reply_id: UUID) -> dict[str, Any]:
    found = await db.fetch_one(f"select {_REPLY} {_REPLIES} where r.id = $1", reply_id)
    assert found is not None
    return dict(found)


async def replies(
    db: Transaction, ticket_id: UUID, kind: str | None, window: tuple[int, int]
) -> tuple[list[dict[str, Any]], int]:
    """The page, oldest first, and how many there are."""
    which = "r.ticket_id = $1 and r.deleted_at is null and ($2::text is null or r.kind = $2)"
    limit, offset = window
    rows = await db.fetch(
        f"select {_REPLY} {_REPLIES} where {which} order by r.created_at, r.id limit {limit:d} offset {offset:d}",
        *(ticket_id, kind),
    )
    total = await db.fetch_one(f"select count(*) as n from ticket_replies r where {which}", ticket_id, kind)
    assert total is not None
    return [dict(row) for row in rows], total["n"]


# Promises

_SLA = """
    select t.priority, p.first_reply_minutes is not null as promises_reply,
        p.resolution_minutes is not null as promises_resolution,
        t.first_reply_breached_at is not null or (
            t.status = 'open' and t.first_response_at is null and t.first_reply_due_at <= now()
        ) as is_reply_late,
        t.first_response_at is not null as is_replied,
        t.resolution_breached_at is not null or (t.status = 'open' and t.resolution_due_at <= now()) as is_late,
        t.status in ('resolved', 'closed') as is_done
    from tickets t join sla_policies p on p.tenant_id = t.tenant_id and p.id = t.sla_policy_id
    where t.deleted_at is null and t.merged_into_id is null
        and ($1::date is null or t.opened_at >= $1) and ($2::date is null or t.opened_at < $2::date + 1)
"""
_FIGURES = f"""
    select s.priority, count(*) as ticket_count,
        count(*) filter (where promises_reply and is_replied and not is_reply_late) as reply_within,
        count(*) filter (where promises_reply and is_reply_late) as reply_breached,
        count(*) filter (where promises_reply and not is_replied and not is_reply_late and not is_done)
            as reply_running,
        count(*) filter (where promises_resolution and is_done and not is_late) as resolution_within,
        count(*) filter (where promises_resolution and is_late) as resolution_breached,
        count(*) filter (where promises_resolution and not is_done and not is_late) as resolution_running
    from ({_SLA}) s group by grouping sets ((), (s.priority))
    order by grouping(s.priority) desc, array_position(array['urgent', 'high', 'normal', 'low'], s.priority)
"""
_SAY = f"""
    insert into ticket_escalations (id, tenant_id, ticket_id, clock, level, due_at, told_at, told_count, reopened_count)
    select $1, {OWN}, $2, $3, $4, $5, $6, 0, $7
    on conflict (tenant_id, ticket_id, clock, level, reopened_count) do nothing returning id
"""


async def segment(db: Transaction, account_id: UUID | str) -> str | None:
    found = await db.fetch_one("select segment from accounts where id = $1", account_id)
    return None if found is None else found["segment"]


async def history(db: Transaction, ticket_id: UUID | str) -> list[tuple[datetime, str]]:
    """(since when, which status), the oldest first."""
    rows = await db.fetch(
        "select changed_at, status from ticket_status_changes where ticket_id = $1 order by changed_at, id",
        ticket_id,
    )
    return [(row["changed_at"], row["status"]) for row in rows]


async def look_at(db: Transaction, ticket_id: UUID | str, at: datetime | None) -> None:
    """When somebody must look at the ticket's clocks again. That is no change of the ticket."""
    await db.execute(
        "update tickets set check_at = $2 where id = $1 and check_at is distinct from $2", ticket_id, at
    )


async def said(db: Transaction, ticket_id: UUID | str) -> list[dict[str, Any]]:
    """What people were told of its clocks, whenever it was open."""
    rows = await db.fetch(
        "select clock, level, due_at, told_at, told_count, reopened_count from ticket_escalations"
        " where ticket_id = $1 order by told_at, clock, level",
        ticket_id,
    )
    return [dict(row) for row in rows]


async def said_since_open(db: Transaction, ticket: Mapping[str, Any]) -> set[tuple[str, str]]:
    """(clock, level) of what people were told since it was last opened: late again, it is told again."""
    rows = await said(db, ticket["id"])
    return {(row["clock"], row["level"]) for row in rows if row["reopened_count"] == ticket["reopened_count"]}


async def say(
    db: Transaction, ticket: Mapping[str, Any], clock: str, level: str, due_at: datetime, told_at: datetime
) -> bool:
    """Note that people are told; False when they were."""
    values = (ticket["id"], clock, level, due_at, told_at, ticket["reopened_count"])
    return await db.fetch_one(_SAY, uuid7(), *values) is not None


async def count_told(db: Transaction, ticket: Mapping[str, Any], clock: str, level: str, count: int) -> None:
    await db.execute(
        "update ticket_escalations set told_count = $5"
        " where ticket_id = $1 and clock = $2 and level = $3 and reopened_count = $4",
        *(ticket["id"], clock, level, ticket["reopened_count"], count),
    )


async def figures(db: Transaction, date_start: date | None, date_end: date | None) -> list[dict[str, Any]]:
    """All tickets with a policy first, then by priority, the highest first."""
    found = []
    for row in await db.fetch(_FIGURES, date_start, date_end):
        counted = {"priority": row["priority"], "ticket_count": row["ticket_count"]}
        for name, short in (("first_reply", "reply"), ("resolution", "resolution")):
            within, breached = row[f"{short}_within"], row[f"{short}_breached"]
            counted[name] = {
                "within_count": within,
                "breached_count": breached,
                "running_count": row[f"{short}_running"],
                "within_share": within / (within + breached) if within + breached else None,
            }
        found.append(counted)
    return found


# Merging

_MERGED = f"""
    insert into ticket_merges
        (id, tenant_id, source_id, target_id, reply_ids, status, resolved_at, closed_at, merged_at)
    select $1, {OWN}, $2, $3, $4, $5, $6, $7, $8
"""
_MERGE = """
    select id, target_id, reply_ids, status, resolved_at, closed_at, merged_at from ticket_merges
    where source_id = $1 and undone_at is null
"""


async def merged_into(db: Transaction, ticket_id: UUID | str) -> list[tuple[str, int | None]]:
    """(id, number) of tickets that were, some of them."""
    rows = await db.fetch(
        "select id, number from tickets where merged_into_id = $1 and deleted_at is null order by number limit 20",
        ticket_id,
    )
    return [(row["id"], row["number"]) for row in rows]


async def move_replies(db: Transaction, source_id: UUID | str, target_id: UUID | str) -> list[str]:
    """The ids of those that there were."""
    rows = await db.fetch(
        "update ticket_replies set ticket_id = $2 where ticket_id = $1 returning id", source_id, target_id
    )
    return [row["id"] for row in rows]


async def move_back(
    db: Transaction, reply_ids: list[str], target_id: UUID | str, source_id: UUID | str
) -> int:
    """How many of them were still there."""
    rows = await db.fetch(
        "update ticket_replies set ticket_id = $3 where id = any ($1::uuid[]) and ticket_id = $2 returning id",
        *(reply_ids, target_id, source_id),
    )
    return len(rows)


async def note_merge(
    db: Transaction, source: Mapping[str, Any], target_id: UUID | str, reply_ids: list[str], at: datetime
) -> None:
    was = (source["status"], source["resolved_at"], source["closed_at"])
    await db.execute(_MERGED, uuid7(), source["id"], target_id, reply_ids, *was, at)


async def merge_of(db: Transaction, source_id: UUID | str) -> Record | None:
    """The merge that holds."""
    return await db.fetch_one(_MERGE, source_id)


async def undo_merge(db: Transaction, merge: Mapping[str, Any], source_id: UUID | str, at: datetime) -> None:
    """Note that it is undone, and forget that the ticket was closed by it."""
    await db.execute("update ticket_merges set undone_at = $2 where id = $1", merge["id"], at)
    await db.execute(
        "delete from ticket_status_changes where ticket_id = $1 and changed_at >= $2",
        source_id,
        merge["merged_at"],
    )

"""A person's own notifications, and telling people something.

The database keeps tenants apart; that a person sees nobody else's is the ``where`` of every statement here. Reading,
marking and deleting them is no event: they are personal and many. What a person tells others is one.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

from serve.kernel.db import Record, Transaction
from serve.kernel.errors import Invalid
from serve.kernel.events import event
from serve.kernel.paging import page_meta
from serve.kernel.resources.errors import absent
from serve.platform.notifications.rules import MESSAGE, Rule, is_told
from serve.platform.notifications.schemas import NotificationFields, NotificationQuery
from serve.platform.settings.service import of_people

NotificationNotFound = absent("notification")
SENT = event(
    "notification.sent",
    "Somebody told people something: `after` has to whom and about what, never the words.",
)

_COLUMNS = """
    id, kind, priority, title, body, entity_type, entity_id, event_id,
    read_at is not null as is_read, read_at, created_at
"""
_OWN = "tenant_id = $1 and user_id = $2"
_MEMBERS = "select user_id, role from tenant_members() where tenant_id = $1 and is_active"
_RECORD = """
    insert into events (tenant_id, name, entity_type, entity_id, after, actor_kind, actor_id, request_id)
    select $1, $2, 'notification', null, $3, kind, id, nullif(current_setting('app.request_id', true), '') from acting()
    returning id
"""
_TELL = """
    insert into notifications (tenant_id, user_id, event_id, kind, priority, title, body, entity_type, entity_id)
    select $1, unnest($2::uuid[]), $3, $4, $5, $6, $7, $8, $9
    returning id, user_id
"""


async def page(db: Transaction, asked: NotificationQuery) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """(rows, meta), the newest first. Raises Invalid."""
    limit, offset = asked.window()
    conditions, values = [_OWN], _me(db)
    for value, condition in (
        (asked.is_read, "(read_at is not null) = {}"),
        (asked.kind, "kind = any({})"),
        (asked.priority, "priority = any({})"),
        (asked.entity_type, "entity_type = any({})"),
        (asked.date_start, "created_at >= {}::date"),
        (asked.date_end, "created_at < {}::date + 1"),
    ):
        if value is not None:
            values.append(value)
            conditions.append(condition.format(f"${len(values)}"))
    source = f"from notifications where {' and '.join(conditions)}"
    rows = await db.fetch(
        f"select {_COLUMNS} {source} order by created_at desc, id desc limit {limit:d} offset {offset:d}",
        *values,
    )
    total = await db.fetch_one(f"select count(*) as total {source}", *values)
    assert total is not None
    meta = page_meta((limit, offset), total["total"]) | {"unread": (await unread(db))["unread"]}
    return [dict(row) for row in rows], meta


async def unread(db: Transaction) -> dict[str, Any]:
    rows = await db.fetch(
        f"select kind, count(*) as count from notifications where {_OWN} and read_at is null"
        " group by kind order by count(*) desc, kind",
        *_me(db),
    )
    by_kind = {row["kind"]: row["count"] for row in rows}
    return {"unread": sum(by_kind.values()), "by_kind": by_kind}


async def get(db: Transaction, row_id: UUID) -> dict[str, Any]:
    """Raises NotificationNotFound."""
    return _found(
        await db.fetch_one(f"select {_COLUMNS} from notifications where {_OWN} and id = $3", *_me(db), row_id)
    )


async def mark(db: Transaction, row_id: UUID, *, is_read: bool) -> dict[str, Any]:
    """One that is read stays read since the same moment. Raises NotificationNotFound."""
    read_at = "coalesce(read_at, now())" if is_read else "null"
    return _found(
        await db.fetch_one(
            f"update notifications set read_at = {read_at} where {_OWN} and id = $3 returning {_COLUMNS}",
            *(*_me(db), row_id),
        )
    )


async def mark_all(db: Transaction) -> int:
    """How many were unread."""
    return _count(
        await db.execute(
            f"update notifications set read_at = now() where {_OWN} and read_at is null", *_me(db)
        )
    )


async def delete(db: Transaction, row_id: UUID) -> dict[str, Any]:
    """For good. Raises NotificationNotFound."""
    return _found(
        await db.fetch_one(
            f"delete from notifications where {_OWN} and id = $3 returning id", *_me(db), row_id
        )
    )


async def clear(db: Transaction, *, only_read: bool) -> int:
    """How many there were."""
    which = " and read_at is not null" if only_read else ""
    return _count(await db.execute(f"delete from notifications where {_OWN}{which}", *_me(db)))


async def send(db: Transaction, message: NotificationFields) -> dict[str, Any]:
    """Tell people of the tenant, or oneself when nobody is named. Raises Invalid naming who does not belong to it."""
    people = await _recipients(db, message)
    about = {"entity_type": message.entity_type, "entity_id": message.entity_id}
    detail = {"user_ids": people, "roles": message.roles, "priority": message.priority, **about}
    recorded = await db.fetch_one(_RECORD, db.caller.tenant_id, SENT, detail)
    assert recorded is not None
    rows = await db.fetch(
        _TELL,
        *(db.caller.tenant_id, people, recorded["id"], MESSAGE, message.priority),
        *(message.title, message.body, message.entity_type, message.entity_id),
    )
    return {"event_id": recorded["id"], "notifications": [dict(row) for row in rows]}


async def tell(
    db: Transaction,
    rule: Rule,
    told: Mapping[str, Any],
    user_ids: Collection[str],
    *,
    roles: Collection[str] = (),
    about: tuple[str, str],
) -> int:
    """Tell members of the tenant what an event means to them, because work of theirs says so; how many.

    For what no rule of ``RULES`` could know, such as who looks after a ticket. ``told`` is the event, with its ``id``
    and the values of the title under ``after``; ``roles`` are told too. Who has muted the kind is left alone.
    """
    members = await db.fetch(_MEMBERS, db.caller.tenant_id)
    people = [row["user_id"] for row in members if row["user_id"] in user_ids or row["role"] in roles]
    wishes = await of_people(db, "notifications", [UUID(person) for person in people])
    reached = [person for person in people if is_told(wishes[UUID(person)], rule, is_own=False)]
    await db.fetch(
        _TELL,
        *(db.caller.tenant_id, reached, told["id"], rule.kind, rule.priority),
        *(rule.words(told), None, *about),
    )
    return len(reached)


async def _recipients(db: Transaction, message: NotificationFields) -> list[str]:
    members = {row["user_id"]: row["role"] for row in await db.fetch(_MEMBERS, db.caller.tenant_id)}
    named = [str(user_id) for user_id in message.user_ids]
    strangers = [
        (f"user_ids[{place}]", "is nobody who belongs to this tenant")
        for place, user_id in enumerate(named)
        if user_id not in members
    ]
    if strangers:
        raise Invalid(details=strangers)
    if not named and not message.roles:
        return [str(db.caller.user_id)]
    people = dict.fromkeys([*named, *(user for user, role in members.items() if role in message.roles)])
    if not people:
        raise Invalid(details=[("roles", "is nobody's role in this tenant")])
    return list(people)


def _me(db: Transaction) -> list[Any]:
    return [db.caller.tenant_id, db.caller.user_id]


def _found(row: Record | None) -> dict[str, Any]:
    if row is None:
        raise NotificationNotFound
    return dict(row)


def _count(status: str) -> int:
    return int(status.rpartition(" ")[2])

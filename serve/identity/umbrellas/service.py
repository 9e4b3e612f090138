"""A tenant becomes the child of an umbrella, or stops being one, by consent of both.

The umbrella names the other by its slug, and whether anybody has it changes nothing that it sees. Whose slug it is sees
the request. What becomes of both is decided in the database, which holds both while it does.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg

from serve.identity.tenants import service as tenants
from serve.identity.tenants.errors import NoUmbrella, TenantAtRest, TenantNotFound
from serve.identity.umbrellas.errors import (
    AskedAlready,
    HasChildren,
    HasUmbrella,
    NoChild,
    RequestOver,
    TooManyAsked,
    UmbrellaGone,
    UmbrellaRequestNotFound,
)
from serve.identity.umbrellas.models import umbrella_requests as table
from serve.identity.umbrellas.schemas import UmbrellaRequestFields, UmbrellaRequestQuery
from serve.kernel.db import Transaction
from serve.kernel.errors import Invalid, Problem
from serve.kernel.events import event
from serve.kernel.resources import Row
from serve.kernel.resources.store import Store

LIFE = timedelta(days=30)
MOST_PENDING = 20
WITHDRAWN = event(
    "umbrella_request.withdrawn", "The umbrella does not ask any more.", permission="tenants:read"
)
for _name, _meaning in {
    "umbrella_request.accepted": "The tenant that was asked is a child of this one now.",
    "umbrella_request.declined": "The tenant that was asked does not want to be a child of this one.",
    "tenant.umbrella_asked": "Another tenant asks to become the umbrella of this one: `after` says which.",
    "tenant.umbrella_declined": "The tenant does not want to be a child of the umbrella in `after`.",
    "tenant.umbrella_joined": "The tenant has an umbrella now, which may read what it has.",
    "tenant.umbrella_left": "The tenant has no umbrella any more.",
    "tenant.child_joined": "The umbrella has a child more: `after` says which.",
    "tenant.child_left": "The umbrella has a child less: `after` says which.",
}.items():
    event(_name, _meaning, permission="tenants:read")

store = Store(table, ("id", "tenant_id", "child_slug", "message", "state", "expires_at"), ())
store.NotFound = UmbrellaRequestNotFound

_REFUSALS: dict[str, type[Problem]] = {
    each.code: each
    for each in (
        *(UmbrellaRequestNotFound, RequestOver, HasUmbrella, HasChildren, UmbrellaGone),
        *(TenantNotFound, NoChild, TenantAtRest),
    )
}
_CHOSEN = """
    from umbrella_requests_of_mine() r
    where ($1::text is null or r.direction = $1) and ($2::text is null or r.state = $2)
"""
_ASKED = """
    select count(*) filter (where r.state = 'pending' and r.expires_at > now()) as pending_count,
        coalesce(bool_or(
            r.child_slug = $2 and r.expires_at > now() and r.state in ('pending', 'declined')
        ), false) as is_asked
    from umbrella_requests r where r.tenant_id = $1 and r.deleted_at is null
"""


async def ask(db: Transaction, tenant_id: UUID, asked: UmbrellaRequestFields) -> Row:
    """Ask whoever has this slug.

    Raises TenantNotFound, Forbidden, NoUmbrella, Invalid, AskedAlready or TooManyAsked.
    """
    own = await tenants.own(db, tenant_id)
    tenants.check_owner(db)
    if own["parent_id"] is not None:
        raise NoUmbrella
    if await db.fetch_one("select 1 from own_tenants() where slug = $1", asked.slug):
        raise Invalid(details=[("slug", "is your own, or a child of yours already")])
    before = await db.fetch_one(_ASKED, tenant_id, asked.slug)
    assert before is not None
    if before["is_asked"]:  # declined too: nobody is asked again and again
        raise AskedAlready(details=[("slug", "was asked already")])
    if before["pending_count"] >= MOST_PENDING:
        raise TooManyAsked
    await db.execute(
        "update umbrella_requests set state = 'withdrawn'"
        " where tenant_id = $1 and child_slug = $2 and state = 'pending' and expires_at <= now()",
        *(tenant_id, asked.slug),
    )
    values = {
        "child_slug": asked.slug,
        "message": asked.message,
        "asked_by": db.caller.user_id,
        "expires_at": datetime.now(UTC) + LIFE,
    }
    try:
        async with db.attempt():
            made = await store.insert(db, values)
    except asyncpg.UniqueViolationError as error:  # at the same moment
        raise AskedAlready(details=[("slug", "was asked already")]) from error
    await db.execute("select tell_asked_tenant($1)", made["id"])
    return await get(db, UUID(made["id"]))


async def page(
    db: Transaction, tenant_id: UUID, asked: UmbrellaRequestQuery
) -> tuple[list[dict[str, Any]], int]:
    """Requests that the tenant has sent and received, newest first. Raises TenantNotFound."""
    _own(db, tenant_id)
    limit, offset = asked.window()
    chosen = (asked.direction, asked.state)
    rows = await db.fetch(
        f"select r.* {_CHOSEN} order by r.asked_at desc, r.id desc limit $3 offset $4", *chosen, limit, offset
    )
    counted = await db.fetch_one(f"select count(*) as n {_CHOSEN}", *chosen)
    assert counted is not None
    return [Row(row) for row in rows], counted["n"]


async def get(db: Transaction, request_id: UUID) -> Row:
    """Raises UmbrellaRequestNotFound."""
    found = await db.fetch_one("select r.* from umbrella_requests_of_mine() r where r.id = $1", request_id)
    if found is None:
        raise UmbrellaRequestNotFound
    return Row(found)


async def withdraw(db: Transaction, tenant_id: UUID, request_id: UUID) -> Row:
    """Raises TenantNotFound, Forbidden, UmbrellaRequestNotFound or RequestOver."""
    _own(db, tenant_id)
    tenants.check_owner(db)
    before = await store.get(db, request_id, lock=True)
    if before["state"] != "pending":
        raise RequestOver
    await store.update(db, before, {"state": "withdrawn"}, event=WITHDRAWN)
    return await get(db, request_id)


async def answer(db: Transaction, tenant_id: UUID, request_id: UUID, *, is_accepted: bool) -> Row:
    """As the tenant that was asked; an accepted one makes it a child at once.

    Raises TenantNotFound, Forbidden, UmbrellaRequestNotFound, RequestOver, HasUmbrella, HasChildren or UmbrellaGone.
    """
    _own(db, tenant_id)
    tenants.check_owner(db)
    await _as_told(db, "select answer_umbrella($1, $2) as refusal", request_id, is_accepted)
    return await get(db, request_id)


async def leave(db: Transaction, tenant_id: UUID) -> dict[str, Any]:
    """Either side ends it. Raises TenantNotFound, Forbidden, NoChild or TenantAtRest."""
    before = await tenants.get(db, tenant_id)
    tenants.check_owner(db)
    await _as_told(db, "select leave_umbrella($1) as refusal", tenant_id)
    return {"id": str(tenant_id), "umbrella_id": before["parent_id"]}


def _own(db: Transaction, tenant_id: UUID) -> None:
    if tenant_id != db.caller.tenant_id:
        raise TenantNotFound


async def _as_told(db: Transaction, sql: str, *values: Any) -> None:
    """The function gives the code of what is in the way, or null."""
    done = await db.fetch_one(sql, *values)
    assert done is not None
    if done["refusal"] is not None:
        raise _REFUSALS[done["refusal"]]

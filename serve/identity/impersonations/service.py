"""Looking with somebody else's eyes: with a reason, for a while, announced to them, on record under one's own name."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from serve.identity.account_mails.service import queue_account_mail
from serve.identity.accounts.mails import IMPERSONATED
from serve.identity.auth.notes import Note, record
from serve.identity.auth.service import Client, Granted, Login
from serve.identity.impersonations.rules import (
    ImpersonationNotFound,
    ImpersonationOver,
    PersonNotFound,
    Somebody,
    check_impersonation,
)
from serve.identity.roles.service import role_permissions
from serve.kernel.db import Transaction
from serve.kernel.ids import uuid7

_MEMBER = "select * from tenant_members() where tenant_id = $1 and user_id = $2 and is_active"
_COLUMNS = "id, user_id, impersonator_id, reason, created_at as began_at, ends_at, ended_at"
_PAGE = f"select {_COLUMNS} from impersonations where tenant_id = $1 order by id desc limit $2 offset $3"


async def begin(
    db: Transaction, login: Login, user_id: UUID, reason: str, minutes: int, client: Client
) -> Granted:
    """A session of theirs that the caller holds. Raises PersonNotFound, NotThemselves or MayMoreThanYou."""
    caller = db.caller
    person = await db.fetch_one(_MEMBER, caller.tenant_id, user_id)
    if person is None:
        raise PersonNotFound
    permissions = await role_permissions(db, person["role"])
    check_impersonation(
        Somebody(caller.user_id, caller.role, caller.permissions),
        Somebody(user_id, person["role"], permissions or frozenset()),
    )
    own = await db.fetch_one(_MEMBER, caller.tenant_id, caller.user_id)
    tenant = await db.fetch_one("select name from tenants where id = $1", caller.tenant_id)
    assert own is not None
    assert tenant is not None
    row_id, ends_at = uuid7(), datetime.now(UTC) + timedelta(minutes=minutes)
    await db.execute(
        "insert into impersonations (id, tenant_id, user_id, impersonator_id, session_id, reason, ends_at)"
        " values ($1, $2, $3, $4, $5, $6, $7)",
        *(row_id, caller.tenant_id, user_id, caller.user_id, caller.session_id, reason, ends_at),
    )
    detail = {"impersonation_id": str(row_id), "reason": reason, "ends_at": ends_at.isoformat()}
    await record(db, Note(user_id, caller.tenant_id, "impersonation.began", detail, client.request_id))
    values = {
        "name": person["full_name"],
        "company": tenant["name"],
        "impersonator": own["full_name"],
        "until": ends_at.strftime("%Y-%m-%d %H:%M UTC"),
        "reason": reason,
    }
    await queue_account_mail(
        db,
        IMPERSONATED,
        to_address=person["email"],
        to_name=person["full_name"],
        values=values,
        tenant_id=caller.tenant_id,
        user_id=user_id,
    )
    return await login.open(
        db,
        user_id,
        str(caller.tenant_id),
        client,
        methods=("impersonation",),
        kind="impersonation",
        ends_at=ends_at,
        impersonation_id=row_id,
    )


async def end(db: Transaction, row_id: UUID) -> None:
    """By whoever looks, or whoever may: it is over with its session.

    Raises ImpersonationNotFound or ImpersonationOver.
    """
    caller = db.caller
    row = await db.fetch_one(
        "select ended_at is not null or ends_at <= now() as is_over from impersonations"
        " where tenant_id = $1 and id = $2 and ($3 or impersonator_id = $4) for update",
        *(caller.tenant_id, row_id, "users:impersonate" in caller.permissions),
        caller.impersonator_id or caller.user_id,
    )
    if row is None:
        raise ImpersonationNotFound
    if row["is_over"]:
        raise ImpersonationOver
    await db.fetch("select auth_end_impersonation($1)", row_id)


async def page(db: Transaction, limit: int, offset: int) -> tuple[list[dict[str, Any]], int]:
    """Impersonations of the tenant, newest first, and how many there are."""
    rows = await db.fetch(_PAGE, db.caller.tenant_id, limit, offset)
    counted = await db.fetch_one(
        "select count(*) as n from impersonations where tenant_id = $1", db.caller.tenant_id
    )
    assert counted is not None
    return [dict(row) for row in rows], counted["n"]

"""People are changed, switched off and sent away. Whatever is done counts at once, in every process."""

from __future__ import annotations

from contextlib import suppress
from typing import Any
from uuid import UUID

import asyncpg

from serve.identity.account_mails.kinds import account_mail_kind
from serve.identity.account_mails.service import queue_account_mail
from serve.identity.auth.notes import Note, record
from serve.identity.impersonations.rules import PersonNotFound
from serve.identity.roles.service import check_giving
from serve.identity.users import queries
from serve.identity.users.errors import BelongsElsewhere, LastOwner, OwnAccount
from serve.identity.users.schemas import UserPatch
from serve.kernel.db import Transaction
from serve.kernel.errors import Invalid
from serve.kernel.events import event
from serve.kernel.resources import Row
from serve.kernel.resources.store import check_version

for _name, _meaning in {
    "added": "Somebody belongs to the tenant now: `after` has the role.",
    "role_changed": "Somebody has another role.",
    "deactivated": "Somebody may not come in any more: their sessions for the tenant are over.",
    "reactivated": "Somebody who was switched off may come in again.",
    "removed": "Somebody does not belong to the tenant any more.",
}.items():
    event(f"user.{_name}", _meaning, permission="users:read")


SIGNED_OUT = account_mail_kind(
    "signed_out",
    subject="You were signed out at $tenant",
    text="Hello $name,\n\n$by has ended your sessions at $tenant. Log in again; nothing else has changed.\n",
)


async def get(db: Transaction, user_id: UUID) -> Row:
    """Raises PersonNotFound."""
    row = await queries.find(db, user_id)
    if row is None:
        raise PersonNotFound
    return row


async def admit(db: Transaction, user_id: UUID, role: str) -> bool:
    """Make the person a member of the transaction's tenant; False when they are one."""
    row = await db.fetch_one("select staff_admit($1, $2) as is_new", user_id, role)
    return row is not None and row["is_new"]


async def change(
    db: Transaction, user_id: UUID, asked: UserPatch, if_match: str | None, request_id: str
) -> Row:
    """Another role, state or name. Of an address whether it may be another: ``Accounts.ask_new_address`` does that.

    Raises PersonNotFound, LostUpdate, OwnAccount, LastOwner, BelongsElsewhere, or what the roles say.
    """
    before = await _held(db, user_id, if_match)
    role = asked.role if asked.role not in (None, before["role"]) else None
    state = asked.state if asked.state not in (None, before["state"]) else None
    name = asked.full_name if asked.full_name not in (None, before["full_name"]) else None
    email = asked.email if asked.email not in (None, before["email"]) else None
    if (role or state) and user_id == db.caller.user_id:
        raise OwnAccount
    if role is not None:
        await check_giving(db, db.caller, role)
    if role or state:
        await _as_told(db, "select staff_change_member($1, $2, $3)", user_id, role, state)
    if name or email:
        await _rename(db, user_id, name, request_id)
    return await get(db, user_id)


async def remove(db: Transaction, user_id: UUID, if_match: str | None = None) -> None:
    """The membership ends and with it the person's keys; the account stays.

    Raises PersonNotFound, LostUpdate, LastOwner, or what the role says.
    """
    await _held(db, user_id, if_match)
    await _as_told(db, "select staff_remove_member($1)", user_id)


async def sign_out(db: Transaction, user_id: UUID | None, request_id: str) -> dict[str, int]:
    """End somebody's sessions at work for the tenant (None: everybody's), but the one that asks. Raises PersonNotFound.

    It gives nobody anything and takes nothing that a log-in would not bring back: so also of who may do more.
    """
    if user_id is not None and await queries.find(db, user_id, own_only=True) is None:
        raise PersonNotFound
    caller = db.caller
    people = await db.fetch("select * from staff_sign_out($1, $2)", user_id, caller.session_id)
    said = await _said(db, "")
    for person in people:
        detail = {"session_ids": person["session_ids"], "by": "administrator"}
        await record(db, Note(UUID(person["id"]), caller.tenant_id, "sessions.ended", detail, request_id))
        if UUID(person["id"]) != caller.user_id:
            await queue_account_mail(
                db,
                SIGNED_OUT,
                to_address=person["email"],
                to_name=person["full_name"],
                values=said | {"name": person["full_name"]},
                tenant_id=caller.tenant_id,
                user_id=UUID(person["id"]),
            )
    return {
        "ended_count": sum(len(person["session_ids"]) for person in people),
        "person_count": len(people),
    }


async def _held(db: Transaction, user_id: UUID, if_match: str | None) -> Row:
    """The person as they are until the end of the transaction. Nobody touches who may do more than they may.

    Raises PersonNotFound, LostUpdate, OwnersAlone or MoreThanYours.
    """
    await db.execute("select from staff_hold($1)", user_id)
    row = await queries.find(db, user_id, own_only=True)
    if row is None:
        raise PersonNotFound
    check_version(if_match, row)
    if user_id != db.caller.user_id:
        with suppress(Invalid):  # a role that there is no more: it allows nothing
            await check_giving(db, db.caller, row["role"])
    return row


async def _as_told(db: Transaction, sql: str, *values: Any) -> None:
    """Raises LastOwner."""
    try:
        async with db.attempt():
            await db.execute(sql, *values)
    except asyncpg.PostgresError as error:
        if error.sqlstate != "TL001":
            raise
        raise LastOwner from error


async def _rename(db: Transaction, user_id: UUID, name: str | None, request_id: str) -> None:
    """Raises BelongsElsewhere, also when there is no other name."""
    changed = await db.fetch_one("select staff_change_person($1, $2, null) as ok", user_id, name)
    if changed is None or not changed["ok"]:
        raise BelongsElsewhere
    if name is not None:
        detail = {"fields": ["full_name"]}
        await record(db, Note(user_id, db.caller.tenant_id, "profile.changed", detail, request_id))


async def _said(db: Transaction, name: str) -> dict[str, str]:
    """What mails say of whom they go to, and of whoever caused them."""
    tenant = await db.fetch_one("select name from tenants where id = $1", db.caller.tenant_id)
    by = await queries.find(db, db.caller.user_id)
    return {
        "name": name,
        "tenant": tenant["name"] if tenant else "",
        "by": by["full_name"] if by else "An administrator",
    }

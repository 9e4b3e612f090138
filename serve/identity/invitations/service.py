"""Inviting people, and what becomes of it. Accepting stands in ``acceptance.py``."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg

from serve.identity.account_mails.kinds import account_mail_kind
from serve.identity.account_mails.service import queue_account_mail
from serve.identity.account_tokens.service import issue_token, void_tokens
from serve.identity.employees.service import employees
from serve.identity.invitations.errors import HasAccount, InvitationNotFound, InvitationOpen
from serve.identity.invitations.models import invitations as table
from serve.identity.invitations.rules import check_open, check_sendable, state_of
from serve.identity.invitations.schemas import InvitationFields, InvitationQuery, InvitationRead
from serve.identity.roles.service import check_giving
from serve.identity.users import queries as users
from serve.identity.users.errors import AlreadyMember
from serve.kernel.db import Transaction
from serve.kernel.events import event
from serve.kernel.resources import Row
from serve.kernel.resources.store import Store
from serve.platform.settings.categories import CATEGORIES
from serve.platform.settings.service import current

PURPOSE = "invitation"
SENT = event(
    "invitation.sent_again", "An invitation was sent once more, with another link; the old one is dead."
)
REVOKED = event("invitation.revoked", "An invitation was taken back: its link opens nothing any more.")
ACCEPTED = event("invitation.accepted", "Whoever was invited belongs to the tenant now.")
MAIL = account_mail_kind(
    "invitation",
    subject="$by invites you to $tenant",
    text="Hello$name,\n\n$by invites you to work with $tenant, as $role.\n$message\nAccept here:\n\n$link\n\n"
    "The link works once, until $until (UTC). If you do not know $tenant, you need do nothing.\n",
    waits_at_most=timedelta(days=7),
    by_installation=True,  # anybody may have a tenant and a mail server, and invite whomever they like
)

store = Store(table, [name for name in InvitationRead.model_fields if name != "state"], ())
store.NotFound = InvitationNotFound
_STATE = """case when t.accepted_at is not null then 'accepted' when t.revoked_at is not null then 'revoked'
    when t.expires_at <= now() then 'expired' else 'pending' end"""
_FILTERS = {
    "state": f"{_STATE} = {{}}",
    "role": "t.role = {}",
    "search": "position(lower({}) in lower(coalesce(t.full_name, '') || ' ' || t.email)) > 0",
}


async def page(db: Transaction, asked: InvitationQuery) -> tuple[list[Row], int]:
    """The page asked for, newest first, and how many there are."""
    conditions, bound = ["t.deleted_at is null"], []
    for name, condition in _FILTERS.items():
        if (value := getattr(asked, name)) is not None:
            bound.append(value)
            conditions.append(condition.format(f"${len(bound)}"))
    source = f"from invitations t where {' and '.join(conditions)}"
    limit, offset = asked.window()
    rows = await db.fetch(
        f"select {store.selected} {source} order by t.created_at desc, t.id desc limit {limit} offset {offset}",
        *bound,
    )
    total = await db.fetch_one(f"select count(*) as n {source}", *bound)
    assert total is not None
    return [shown(Row(row)) for row in rows], total["n"]


async def get(db: Transaction, invitation_id: UUID) -> Row:
    """Raises InvitationNotFound."""
    return shown(await store.get(db, invitation_id))


async def invite(db: Transaction, asked: InvitationFields, link: str) -> Row:
    """Send somebody an invitation. Whether the address has an account elsewhere makes no difference.

    Raises AlreadyMember, InvitationOpen, HasAccount, Invalid, or what the role says.
    """
    await check_giving(db, db.caller, asked.role)
    if await users.member_by_email(db, asked.email) is not None:
        raise AlreadyMember(details=[("email", "belongs to somebody of this tenant")])
    values = asked.model_dump()
    if asked.employee_id is not None:
        values["full_name"] = asked.full_name or await _name_of_employee(db, asked.employee_id)
    await db.execute(
        "update invitations t set revoked_at = now() where lower(t.email) = lower($1) and t.expires_at <= now()"
        " and t.accepted_at is null and t.revoked_at is null and t.tenant_id = $2",
        *(asked.email, db.caller.tenant_id),
    )
    life = await _life(db)
    values |= {"invited_by": db.caller.user_id, "expires_at": datetime.now(UTC) + life}
    try:
        async with db.attempt():
            row = await store.insert(db, values)
    except asyncpg.UniqueViolationError as error:
        raise InvitationOpen(details=[("email", "was invited already")]) from error
    await _send(db, row, life, link)
    return shown(row)


async def invite_first_owner(
    db: Transaction, *, email: str, full_name: str | None, message: str | None, by: str, link: str
) -> None:
    """Invite whoever shall be the first owner of the transaction's tenant, in the name of its umbrella, ``by``.

    Whoever was invited before is not any more. There is nobody yet whose role allows it: the umbrella has asked.
    """
    for each in await db.fetch(
        "select id from invitations where tenant_id = $1 and accepted_at is null and revoked_at is null"
        " and deleted_at is null",
        db.caller.tenant_id,
    ):
        await revoke(db, UUID(each["id"]))
    life = await _life(db)
    values = {
        "email": email,
        "full_name": full_name,
        "message": message,
        "role": "owner",
        "invited_by": db.caller.user_id,
        "expires_at": datetime.now(UTC) + life,
    }
    await _send(db, await store.insert(db, values), life, link, by=by)


async def send_again(db: Transaction, invitation_id: UUID, link: str) -> Row:
    """With another link and all its time again. Raises InvitationNotFound, InvitationOver, SentTooOften and so on."""
    row = await store.get(db, invitation_id, lock=True)
    check_sendable(row)
    await check_giving(db, db.caller, row["role"])
    life, now = await _life(db), datetime.now(UTC)
    changes = {"sent_count": row["sent_count"] + 1, "sent_at": now, "expires_at": now + life}
    after = await store.update(db, row, changes, event=SENT)
    await void_tokens(db, PURPOSE, subject_id=invitation_id)
    await _send(db, after, life, link)
    return shown(after)


async def revoke(db: Transaction, invitation_id: UUID) -> Row:
    """Raises InvitationNotFound or InvitationOver."""
    row = await store.get(db, invitation_id, lock=True)
    check_open(row)
    await void_tokens(db, PURPOSE, subject_id=invitation_id)
    return shown(await store.update(db, row, {"revoked_at": datetime.now(UTC)}, event=REVOKED))


def shown(row: Row) -> Row:
    row["state"] = state_of(row, datetime.now(UTC))
    return row


async def _name_of_employee(db: Transaction, employee_id: UUID) -> str:
    """Raises EmployeeNotFound or HasAccount."""
    employee = await employees.get(db, employee_id, lock=True)
    if employee["user_id"] is not None:
        raise HasAccount(details=[("employee_id", "has an account here")])
    name: str = employee["full_name"]
    return name


async def _life(db: Transaction) -> timedelta:
    security = CATEGORIES["security"]
    values: Any = (await current(db, [security]))[security.name].values
    return timedelta(days=values.invitation_days)


async def _send(db: Transaction, row: Row, life: timedelta, link: str, *, by: str | None = None) -> None:
    """In the caller's name, unless ``by`` says whose."""
    tenant = await db.fetch_one("select name from tenants where id = $1", db.caller.tenant_id)
    person = await users.find(db, db.caller.user_id)
    assert tenant is not None
    token = await issue_token(
        db,
        PURPOSE,
        life=life,
        tenant_id=db.caller.tenant_id,
        subject_id=UUID(row["id"]),
        email=row["email"],
    )
    values = {
        "name": f" {row['full_name']}" if row["full_name"] else "",
        "tenant": tenant["name"],
        "by": by or (person["full_name"] if person else tenant["name"]),
        "role": row["role"],
        "message": f"\n{row['message']}\n" if row["message"] else "",
        # Behind `#`: browsers keep that to themselves, so that the token stands in no server's log.
        "link": f"{link}/account#invitation={token}",
        "until": f"{row['expires_at']:%Y-%m-%d %H:%M}",
    }
    await queue_account_mail(
        db,
        MAIL,
        to_address=row["email"],
        to_name=row["full_name"] or "",
        values=values,
        tenant_id=db.caller.tenant_id,
    )

"""Mail domains that a connection speaks for: claimed, proven by DNS, taken away."""

from __future__ import annotations

import secrets
from typing import Any
from uuid import UUID

import asyncpg
import idna

from serve.identity.sso.errors import SsoDomainNotFound, SsoDomainNotProven, SsoDomainTaken
from serve.identity.sso.rules import domain_of, mail_of
from serve.identity.sso.schemas import SsoDomainChange, SsoDomainFields
from serve.kernel.db import Transaction
from serve.kernel.errors import Invalid
from serve.kernel.resources.store import Row, check_version

RECORD = "_throughline"
VALUE = "throughline-verification="
_SELECT = "select d.*, d.change_xid as _version from sso_domains d where d.tenant_id = $1"


async def page(db: Transaction, limit: int, offset: int) -> tuple[list[Row], int]:
    mine = db.caller.tenant_id
    rows = await db.fetch(f"{_SELECT} order by d.domain limit $2 offset $3", mine, limit, offset)
    total = await db.fetch_one("select count(*) as n from sso_domains where tenant_id = $1", mine)
    assert total is not None
    return [Row(row) for row in rows], total["n"]


async def get(db: Transaction, domain_id: UUID, *, lock: bool = False) -> Row:
    """Raises SsoDomainNotFound."""
    row = await db.fetch_one(
        f"{_SELECT} and d.id = $2{' for no key update' if lock else ''}", db.caller.tenant_id, domain_id
    )
    if row is None:
        raise SsoDomainNotFound
    return Row(row)


async def claim(db: Transaction, asked: SsoDomainFields) -> Row:
    """One that does not count yet. Raises Invalid or Duplicate."""
    domain = plain(asked.domain)
    row = await db.fetch_one(
        "insert into sso_domains (tenant_id, connection_id, domain, token) values ($1, $2, $3, $4) returning id",
        *(db.caller.tenant_id, asked.connection_id, domain, secrets.token_urlsafe(24)),
    )
    assert row is not None
    return await get(db, UUID(row["id"]))


async def change(db: Transaction, domain_id: UUID, asked: SsoDomainChange, if_match: str | None) -> Row:
    """Raises SsoDomainNotFound, SsoDomainNotProven, LostUpdate or Invalid."""
    before = await get(db, domain_id, lock=True)
    check_version(if_match, before)
    sent = asked.model_dump(exclude_unset=True)
    if sent.get("is_enforced") and before["verified_at"] is None:
        raise SsoDomainNotProven("Only a domain that is proven can be closed to other ways of signing in.")
    if sent:
        named = ", ".join(f"{name} = ${number}" for number, name in enumerate(sent, 2))
        await db.execute(f"update sso_domains set {named} where id = $1", domain_id, *sent.values())
    return await get(db, domain_id)


async def prove(db: Transaction, domain_id: UUID, texts: list[str]) -> Row:
    """Count it from now on, if the DNS has our value.

    Raises SsoDomainNotFound, SsoDomainNotProven or SsoDomainTaken.
    """
    before = await get(db, domain_id, lock=True)
    if before["verified_at"] is not None:
        return before
    if f"{VALUE}{before['token']}" not in texts:
        raise SsoDomainNotProven
    try:
        async with db.attempt():
            await db.execute("select set_config('app.event', 'sso_domain.verified', true)")
            await db.execute("update sso_domains set verified_at = now() where id = $1", domain_id)
            await db.execute("select set_config('app.event', '', true)")
    except asyncpg.UniqueViolationError as error:
        raise SsoDomainTaken from error
    return await get(db, domain_id)


async def remove(db: Transaction, domain_id: UUID, if_match: str | None) -> None:
    """Raises SsoDomainNotFound or LostUpdate."""
    check_version(if_match, await get(db, domain_id, lock=True))
    await db.execute("delete from sso_domains where id = $1", domain_id)


def record_name(domain: str) -> str:
    return f"{RECORD}.{idna.encode(domain, uts46=True).decode()}"


def shown(row: Row) -> dict[str, Any]:
    return {
        **{name: row[name] for name in ("id", "domain", "connection_id", "is_enforced", "verified_at")},
        "record_name": record_name(row["domain"]),
        "record_value": f"{VALUE}{row['token']}",
        **{name: row[name] for name in ("created_at", "updated_at")},
    }


def plain(text: str) -> str:
    """As mail addresses have it. Raises Invalid.

    >>> plain(" Example.COM ")
    'example.com'
    """
    mail = mail_of(f"somebody@{text.strip()}")
    if mail is None or "@" in text:
        raise Invalid(details=[("domain", "must be the part of mail addresses behind the @")])
    return domain_of(mail)

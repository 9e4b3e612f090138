"""Making, changing, revoking and trying keys.

Policies of the database let an umbrella read its children's keys, which are no business of it, and know nothing of
whose key it is: so statements here name tenant and person.
"""

from __future__ import annotations

import secrets
import string
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

from serve.identity.api_keys import rules
from serve.identity.api_keys.errors import ApiKeyNotFound, ApiKeyRevoked
from serve.identity.api_keys.schemas import ApiKeyFields
from serve.identity.auth.notes import Note, record
from serve.kernel.caller import Caller
from serve.kernel.db import Transaction
from serve.kernel.ids import uuid7
from serve.kernel.permissions import permissions_of
from serve.kernel.resources import Row
from serve.kernel.resources.store import check_version

MANAGE = "api_keys:write"
_ALPHABET = string.ascii_letters + string.digits
_SELECT = """
    select k.id, k.user_id, m.full_name as user_name, k.name, k.prefix, k.scopes, k.expires_at, k.last_used_at,
        k.revoked_at, k.created_at, k.updated_at, k.change_xid as _version
    from api_keys k left join tenant_members() m on m.user_id = k.user_id and m.tenant_id = k.tenant_id
"""
_OF_TENANT = "k.tenant_id = $1 and ($2::uuid is null or k.user_id = $2)"


def new_key() -> tuple[str, str]:
    """A key and its prefix, by which people tell keys apart."""
    prefix = "tl_" + "".join(secrets.choice(_ALPHABET) for _ in range(8))
    return f"{prefix}_{secrets.token_urlsafe(32)}", prefix


async def page(db: Transaction, *, user_id: UUID | None, limit: int, offset: int) -> tuple[list[Row], int]:
    """Keys of the caller's tenant, of one person or (None) of everybody, newest first; and how many there are."""
    of = (db.caller.tenant_id, user_id)
    rows = await db.fetch(
        f"{_SELECT} where {_OF_TENANT} order by k.created_at desc, k.id desc limit $3 offset $4",
        *(*of, limit, offset),
    )
    total = await db.fetch_one(f"select count(*) as n from api_keys k where {_OF_TENANT}", *of)
    assert total is not None
    return [_shown(row) for row in rows], total["n"]


async def find(db: Transaction, key_id: UUID) -> Row:
    """The caller's own key, or any of the tenant for who manages them. Raises ApiKeyNotFound."""
    caller = db.caller
    user_id = None if MANAGE in caller.permissions else caller.user_id
    row = await db.fetch_one(f"{_SELECT} where {_OF_TENANT} and k.id = $3", caller.tenant_id, user_id, key_id)
    if row is None:
        raise ApiKeyNotFound
    return _shown(row)


async def make(db: Transaction, asked: ApiKeyFields, request_id: str) -> tuple[Row, str]:
    """A key of the caller's own, and its only showing. Raises Invalid."""
    caller = db.caller
    scopes = _checked(asked, caller)
    row, key = await _insert(db, caller.user_id, asked.name, scopes, asked.expires_at)
    await _record(db, "api_key.issued", row, request_id)
    return row, key


async def rotate(
    db: Transaction, key_id: UUID, overlap: timedelta, if_match: str | None, request_id: str
) -> tuple[Row, str]:
    """A successor that may do the same, and its only showing; the old key ends after the overlap.

    Only a key of one's own: whoever sees the answer holds the key. Raises ApiKeyNotFound, LostUpdate, ApiKeyRevoked or
    Invalid (a scope that the person has lost).
    """
    before = await _locked(db, key_id, if_match)
    now = datetime.now(UTC)
    if UUID(before["user_id"]) != db.caller.user_id:
        raise ApiKeyNotFound
    if rules.status_of(before, now) != "active":
        raise ApiKeyRevoked
    rules.check_scopes(before["scopes"], db.caller.permissions)
    row, key = await _insert(
        db, db.caller.user_id, before["name"], before["scopes"], rules.end_of_successor(before, now)
    )
    ends_at = min(each for each in (before["expires_at"], now + overlap) if each is not None)
    if overlap:
        await db.execute("update api_keys set expires_at = $2 where id = $1", key_id, ends_at)
    else:
        await db.execute("update api_keys set revoked_at = now() where id = $1", key_id)
    detail = {"api_key_id": row["id"], "replaces": str(key_id), "old_key_ends_at": ends_at.isoformat()}
    await record(db, Note(db.caller.user_id, db.caller.tenant_id, "api_key.rotated", detail, request_id))
    return row, key


async def _insert(
    db: Transaction, user_id: UUID, name: str, scopes: list[str], expires_at: datetime | None
) -> tuple[Row, str]:
    key, prefix = new_key()
    key_id = uuid7()
    await db.execute(
        "insert into api_keys (id, tenant_id, user_id, name, prefix, scopes, expires_at)"
        " values ($1, $2, $3, $4, $5, $6, $7)",
        *(key_id, db.caller.tenant_id, user_id, name, prefix, scopes, expires_at),
    )
    await db.execute("select auth_keep_key_hash($1, $2)", key_id, sha256(key.encode()).digest())
    return await find(db, key_id), key


async def change(db: Transaction, key_id: UUID, asked: ApiKeyFields, if_match: str | None) -> Row:
    """Raises ApiKeyNotFound, LostUpdate, ApiKeyRevoked or Invalid."""
    before = await _locked(db, key_id, if_match)
    if before["revoked_at"] is not None:
        raise ApiKeyRevoked
    scopes = _checked(asked, db.caller)
    await db.execute(
        "update api_keys set name = $2, scopes = $3, expires_at = $4 where id = $1",
        *(key_id, asked.name, scopes, asked.expires_at),
    )
    return await find(db, key_id)


async def revoke(db: Transaction, key_id: UUID, if_match: str | None, request_id: str) -> Row:
    """A key revoked before stays as it is. Raises ApiKeyNotFound or LostUpdate."""
    before = await _locked(db, key_id, if_match)
    if before["revoked_at"] is not None:
        return before
    await db.execute("update api_keys set revoked_at = now() where id = $1", key_id)
    await _record(db, "api_key.revoked", before, request_id)
    return await find(db, key_id)


async def try_out(db: Transaction, key_id: UUID) -> dict[str, Any]:
    """What would happen to a request with the key now. Raises ApiKeyNotFound."""
    key = await find(db, key_id)
    user = await db.fetch_one("select * from auth_user($1)", key["user_id"])
    assert user is not None  # a key refers to its person
    member = await db.fetch_one(
        "select role, role_permissions(tenant_id, role) as own_permissions from auth_memberships($1)"
        " where tenant_id = $2",
        *(key["user_id"], db.caller.tenant_id),
    )
    role = member["role"] if member else None
    reason = rules.reason_against(key, is_active=user["is_active"], role=role, now=datetime.now(UTC))
    given = set(key["scopes"]) & permissions_of(role or "", member and member["own_permissions"])
    return {
        "accepted": reason is None,
        "reason": reason,
        "message": rules.WHY[reason] if reason else f"The key is let in as {user['full_name']}.",
        "user": {"id": user["id"], "email": user["email"], "full_name": user["full_name"]},
        "tenant_id": str(db.caller.tenant_id),
        "role": role,
        "permissions": [] if reason else sorted(given),
        "without_effect": sorted(set(key["scopes"]) - given),
    }


async def _locked(db: Transaction, key_id: UUID, if_match: str | None) -> Row:
    await db.fetch_one("select 1 from api_keys where id = $1 for update", key_id)
    row = await find(db, key_id)
    check_version(if_match, row)
    return row


def _checked(asked: ApiKeyFields, caller: Caller) -> list[str]:
    rules.check_scopes(asked.scopes, caller.permissions)
    rules.check_expiry(asked.expires_at, datetime.now(UTC))
    return sorted(set(asked.scopes))


def _shown(record: Any) -> Row:
    row = Row(record)
    row["status"] = rules.status_of(row, datetime.now(UTC))
    return row


async def _record(db: Transaction, name: str, key: Row, request_id: str) -> None:
    detail = {"api_key_id": key["id"], "name": key["name"], "prefix": key["prefix"], "scopes": key["scopes"]}
    await record(db, Note(UUID(key["user_id"]), db.caller.tenant_id, name, detail, request_id))

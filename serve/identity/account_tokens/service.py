"""Secrets that people get by mail and that work once, for one purpose, until they end. Only their hashes are stored."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import Any, Literal
from uuid import UUID

from serve.kernel.db import Transaction

_TAKE = "select t.*, t.expires_at <= now() as is_over from take_account_token($1, $2, $3) t"
"""Whether it is over says the clock that spends it: by another one a link could be good and go on being so."""


@dataclass(frozen=True, slots=True)
class AccountToken:
    """What a token stands for. ``state`` is how it was before it was looked at."""

    user_id: UUID | None
    tenant_id: UUID | None
    subject_id: UUID | None
    email: str | None
    detail: Mapping[str, Any]
    state: Literal["good", "used", "expired"]
    is_seen_by_tenant: bool
    """Whoever runs the tenant's mail server may have read it: that somebody has it says nothing of the address."""


async def issue_token(
    db: Transaction,
    purpose: str,
    *,
    life: timedelta,
    user_id: UUID | None = None,
    tenant_id: UUID | None = None,
    subject_id: UUID | None = None,
    email: str | None = None,
    detail: Mapping[str, Any] | None = None,
    token: str | None = None,
) -> str:
    """A token for the purpose; ``subject_id`` is the row that it is about, such as an invitation.

    One made with nobody in it costs the same and opens nothing. ``token`` is one that was made elsewhere.
    """
    token = token or secrets.token_urlsafe(32)
    await db.execute(
        "select issue_account_token($1, $2, $3, $4, $5, $6, $7, $8)",
        *(_hash(token), purpose, user_id, tenant_id, subject_id, email, dict(detail or {}), life),
    )
    return token


async def look_at_token(db: Transaction, token: str, purpose: str) -> AccountToken | None:
    """What the token stands for, without using it up; None for one that nobody made for this purpose."""
    return await _take(db, token, purpose, spend=False)


async def spend_token(db: Transaction, token: str, purpose: str) -> AccountToken | None:
    """The token, used up with this transaction. Whoever gets it ``good`` is the only one."""
    return await _take(db, token, purpose, spend=True)


async def void_tokens(
    db: Transaction, purpose: str, *, user_id: UUID | None = None, subject_id: UUID | None = None
) -> None:
    """The person's tokens for the purpose, or those about the subject, work no more."""
    await db.execute("select void_account_tokens($1, $2, $3)", purpose, user_id, subject_id)


async def _take(db: Transaction, token: str, purpose: str, *, spend: bool) -> AccountToken | None:
    row = await db.fetch_one(_TAKE, _hash(token), purpose, spend)
    if row is None:
        return None
    state: Literal["good", "used", "expired"] = "good"
    if row["used_at"] is not None:
        state = "used"
    elif row["is_over"]:
        state = "expired"
    ids = (UUID(row[name]) if row[name] else None for name in ("user_id", "tenant_id", "subject_id"))
    return AccountToken(*ids, row["email"], row["detail"], state, row["is_seen_by_tenant"])


def _hash(token: str) -> bytes:
    return sha256(token.encode()).digest()

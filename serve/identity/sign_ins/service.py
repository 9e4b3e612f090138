"""Attempts to come in: kept for every tenant that they concern, where security and the warehouse look at them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from serve.kernel.db import Transaction


@dataclass(frozen=True, slots=True)
class SignIn:
    """One attempt. ``method`` is how the person proved who they are, or tried to; ``kind`` is that of the session."""

    outcome: Literal["succeeded", "failed"]
    method: str
    kind: str
    address: str
    user_agent: str
    country: str | None = None


async def keep_sign_in(db: Transaction, user_id: UUID, tenant_id: UUID | None, sign_in: SignIn) -> None:
    """For one tenant, or (None) for all that the person belongs to."""
    await db.execute(
        "select note_sign_in($1, $2, $3, $4, $5, $6, $7, $8)",
        *(user_id, tenant_id, sign_in.outcome, sign_in.method, sign_in.kind),
        *(sign_in.address, sign_in.country, sign_in.user_agent),
    )

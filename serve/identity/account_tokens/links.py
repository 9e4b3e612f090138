"""Pages behind a link of a mail, for somebody who has no account: what the token of the link is about, and no more."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from serve.identity.account_tokens.service import look_at_token
from serve.kernel.db import Database, Transaction
from serve.kernel.errors import Problem
from serve.kernel.standing import ACTIVE, TenantSuspended
from serve.kernel.tasks.acting import acting_for

_STATE = "select state from tenants where id = $1"


@dataclass(frozen=True, slots=True)
class Link:
    """``db`` acts for the tenant alone; ``subject_id`` is the row that the link is about."""

    db: Transaction
    subject_id: UUID
    detail: Mapping[str, Any]


@asynccontextmanager
async def linked(
    database: Database,
    token: str,
    purpose: str,
    *,
    unknown: type[Problem],
    useless: type[Problem] | None = None,
    request_id: str = "",
) -> AsyncIterator[Link]:
    """Raises ``unknown`` for a token that nobody made, ``useless`` (if it matters) for one that is used up or over, and
    TenantSuspended while the tenant stands still."""
    async with database.transaction() as db:
        known = await look_at_token(db, token, purpose)
    if known is None or known.tenant_id is None or known.subject_id is None:
        raise unknown
    if useless is not None and known.state != "good":
        raise useless
    async with database.transaction(acting_for(known.tenant_id, None), request_id=request_id) as db:
        tenant = await db.fetch_one(_STATE, known.tenant_id)
        if tenant is None or tenant["state"] != ACTIVE:
            raise TenantSuspended
        yield Link(db, known.subject_id, known.detail)
